"""Finding repeats in a list of operations, and the iterations that are unlike the others.

A repeat is a stretch where the same functions follow one another in the same order with inputs
that move in the same way: the previous result, a result of the same iteration, the next item of an
earlier repeat, always the same node, or a fresh constant. Chains, loops, fan-outs and element-wise
operations are all of this form.

Lives here: `repeats` and `odd_ones`; both look at structure and values only.
Never here: text, budgets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, NamedTuple

Steps = Callable[[int, int], tuple[int | None, ...]]

_GRAMS = (1, 5, 20)
_LONGEST = 512
"""Operations in one iteration, at most."""
_FENCE = 3
_ENOUGH = 10
"""Values among which one may be called odd."""
_FEW = 3
_SHORT = 200


class Repeat(NamedTuple):
    """`times` iterations of `period` operations from position `start` on."""

    start: int
    period: int
    times: int
    steps: tuple[tuple[int | None, ...], ...]
    """For each operation of an iteration how its inputs move from one iteration to the next."""

    @property
    def end(self) -> int:
        return self.start + self.period * self.times


def repeats(
    shapes: Sequence[int], steps: Steps, *, least: int, span: range | None = None
) -> list[Repeat]:
    """The repeats of a list of operations, in order, none inside another. About linear.

    Args:
        shapes: A number for each operation; operations of one number may correspond.
        steps: How the inputs moved between two corresponding operations; see `Outline.steps`.
        least: Iterations that make a repeat, at least 2.
        span: Where to look; everywhere when None.
    """
    span = range(len(shapes)) if span is None else span
    found: list[Repeat] = []
    last: list[dict[tuple[int, ...], int]] = [{} for _ in _GRAMS]
    at = begin = span.start
    while at < span.stop:
        best: Repeat | None = None
        for lag in _lags(shapes, at, last):
            start = at - 2 * lag + 1
            if start < begin or not _square(shapes, at, lag):
                continue
            repeat = _extended(shapes, steps, range(start, span.stop), lag)
            if repeat.times >= least and (best is None or repeat.end > best.end):
                best = repeat
        if best is None:
            at += 1
        else:
            found.append(best)
            at = begin = best.end
    return found


def _lags(shapes: Sequence[int], at: int, last: Sequence[dict[tuple[int, ...], int]]) -> list[int]:
    """Distances worth a look: to where the last few operations were seen before, and short ones."""
    lags = dict.fromkeys((1, 2, 3, 4))
    for size, seen in zip(_GRAMS, last, strict=True):
        if at + 1 >= size:
            gram = tuple(shapes[at + 1 - size : at + 1])
            if gram in seen and at - seen[gram] <= _LONGEST:
                lags[at - seen[gram]] = None
            seen[gram] = at
    return list(lags)


def _square(shapes: Sequence[int], at: int, lag: int) -> bool:
    """Do two equal blocks of `lag` operations end at `at`?"""
    if shapes[at] != shapes[at - lag] or shapes[at - lag + 1] != shapes[at - 2 * lag + 1]:
        return False
    middle = at - lag + 1
    return shapes[middle : at + 1] == shapes[middle - lag : middle]


def _extended(shapes: Sequence[int], steps: Steps, span: range, lag: int) -> Repeat:
    """The repeat that begins with the two blocks `span` begins with, as long as it goes on."""
    start, size = span.start, span.stop
    pattern = [steps(at, lag) for at in range(start + lag, start + 2 * lag)]
    at, phase = start + 2 * lag, 0
    while at < size and shapes[at] == shapes[at - lag] and steps(at, lag) == pattern[phase]:
        at += 1
        phase = phase + 1 if phase + 1 < lag else 0
    return Repeat(start, lag, (at - start) // lag, tuple(pattern))


def odd_ones(values: Sequence[Any]) -> list[int]:
    """The positions of the few values that are unlike the others, in order.

    Another type than nearly all others; the least and the greatest number where they are far from
    the middle half (three times its width); infinities and NaN; a text or truth value that nearly
    all others are not.
    """
    if len(values) < _ENOUGH:
        return []
    types = Counter(map(type, values))
    kinds = set(types)
    odd: set[int] = set()
    usual: type | None
    if len(kinds) > 1:
        usual = types.most_common(1)[0][0]
        if all(map(_is_number, kinds)):
            usual = float
        else:
            rare = {
                kind for kind, n in types.items() if kind is not usual and n <= len(values) / 10
            }
            odd.update([at for at, value in enumerate(values) if type(value) in rare][:_FEW])
    else:
        usual = next(iter(kinds), None)
    if usual is not None and _is_number(usual):
        odd.update(_far(values))
    elif usual is bool or usual is str:
        odd.update(_rare(values, usual))
    return sorted(odd)


def _is_number(kind: type) -> bool:
    """Is it one of Python's or NumPy's real numbers? Other numbers may compare as they like."""
    if kind.__module__ == "numpy":
        return kind.__name__.startswith(("int", "uint", "float"))
    return kind is int or kind is float


def _far(values: Sequence[Any]) -> list[int]:
    """Numbers far from the others: the least, the greatest, and what is no number."""
    places = [at for at, value in enumerate(values) if _is_number(type(value))]
    numbers = [values[at] for at in places]
    try:
        if not all(map(isfinite, numbers)):
            wild = [at for at in places if not isfinite(values[at])]
            return wild[:_FEW] if len(wild) <= len(values) / 10 else []
        ranked = sorted(numbers)
        low, high = ranked[len(ranked) // 4], ranked[3 * len(ranked) // 4]
        width = _FENCE * (high - low)
        odd: list[int] = []
        if ranked[-1] > high + width:
            odd.append(places[numbers.index(ranked[-1])])
        if ranked[0] < low - width:
            odd.append(places[numbers.index(ranked[0])])
    except OverflowError:  # an integer beyond floating point among floats
        return []
    return odd


def _rare(values: Sequence[Any], usual: type) -> list[int]:
    """What only a few say where nearly all others say the same."""
    if any(type(value) is str and len(value) > _SHORT for value in values):
        return []
    said = Counter(value for value in values if type(value) is usual)
    word, times = said.most_common(1)[0]
    if len(values) - times > len(values) / 10:
        return []
    return [at for at, v in enumerate(values) if type(v) is usual and v != word][:_FEW]
