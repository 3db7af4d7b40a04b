"""What parents and children say about each other: a Gaussian belief over the tree of candidates.

A child differs little from its parent, so their measurements inform each other; with five noisy
scores each, that is worth more than either mean. Two passes over the tree give the exact belief.

Model: mean(seed) ~ N(first mean, wide); mean(child) ~ N(mean(parent), step·s²);
scores of a candidate ~ N(its mean, s²), s² pooled over candidates.

Lives here: `Belief`, `beliefs`.
Never here: what to do with them.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from opto.search.ledger import Ledger

_WIDE = 10.0
"""Variance of the seed's true mean, in units of the variance of scores."""
_LEAST = 1e-9


class Belief(NamedTuple):
    """What is believed of a candidate's true mean."""

    mean: float
    sd: float


def spread(ledger: Ledger) -> float:
    """Variance of a single score around the mean of its candidate, pooled; positive.

    Kept off zero by two scores as far apart as the range seen, so that the first equal scores do
    not make anybody certain.
    """
    squares, free = 0.0, 0
    low, high = float("inf"), float("-inf")
    for name in ledger.candidates:
        for part in (ledger.moments(name, "train"), ledger.moments(name, "val")):
            if part.n:
                low, high = min(low, part.mean), max(high, part.mean)
            if part.n > 1:
                squares, free = squares + part.squares, free + part.n - 1
    span = high - low if high > low else 1.0
    return max(_LEAST, (squares + 2 * span * span / 5) / (free + 2))


def beliefs(ledger: Ledger, *, step: float) -> dict[str, Belief]:
    """Belief about every candidate, in the order they became known. O(candidates).

    Args:
        ledger: Results in both splits; failures count nothing.
        step: Variance between a parent's and a child's true mean over that of scores.

    Source: belief propagation is exact on trees (J. Pearl, Probabilistic Reasoning in Intelligent
    Systems, 1988, ch. 4). A candidate of several parents hangs on the first.
    """
    noise = spread(ledger)
    moved = step * noise
    weight: dict[str, float] = {}
    pull: dict[str, float] = {}
    up: dict[str, tuple[float, float]] = {}
    names = list(ledger.candidates)
    for name in names:
        weight[name] = pull[name] = 0.0
        for part in (ledger.moments(name, "train"), ledger.moments(name, "val")):
            weight[name] += part.n / noise
            pull[name] += part.n * part.mean / noise
    above = _parents(ledger)
    for name in reversed(names):
        parent = above[name]
        if parent is not None and weight[name] > 0:
            strength = 1 / (1 / weight[name] + moved)
            up[name] = (strength, strength * pull[name] / weight[name])
            weight[parent] += strength
            pull[parent] += up[name][1]
    whole: dict[str, tuple[float, float]] = {}
    for name in names:
        parent = above[name]
        if parent is None:
            first = ledger.moments(name, "train") if ledger.n(name, "train") else None
            center = first.mean if first is not None else (ledger.mean(name, "val") or 0.0)
            extra = (1 / (_WIDE * noise), center / (_WIDE * noise))
        else:
            mine = up.get(name, (0.0, 0.0))
            rest = (whole[parent][0] - mine[0], whole[parent][1] - mine[1])
            strength = 1 / (1 / rest[0] + moved)
            extra = (strength, strength * rest[1] / rest[0])
        whole[name] = (weight[name] + extra[0], pull[name] + extra[1])
    return {name: Belief(p / w, sqrt(1 / w)) for name, (w, p) in whole.items()}


def _parents(ledger: Ledger) -> dict[str, str | None]:
    """The first parent that was known before; so nobody is their own ancestor."""
    known = ledger.candidates
    place = {name: at for at, name in enumerate(known)}
    return {
        name: next((p for p in known[name].parents if place.get(p, at) < at), None)
        for name, at in place.items()
    }
