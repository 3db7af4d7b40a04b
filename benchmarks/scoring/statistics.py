"""How sure is a share, and is one method better than another?

Lives here: intervals, the exact paired test, pass@k; pure functions of counts.
Never here: records, printing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

Interval = tuple[float, float]


def wilson(right: float, n: int, *, z: float = 1.96) -> Interval:
    """95 % score interval of a share of `right` among `n` (Wilson, JASA 22, 1927).

    `right` may be a sum of shares, where each of `n` problems was tried several times. Without any
    trial nothing is known: (0, 1).
    """
    if n == 0:
        return 0.0, 1.0
    share = right / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    spread = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, center - spread), min(1.0, center + spread)


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value that two methods differ, from the items that only one got right.

    Under the hypothesis of no difference the smaller count is binomial with probability 1/2
    (McNemar, Psychometrika 12, 1947, with exact probabilities). 1.0 where nothing differs.
    """
    trials = only_a + only_b
    tail = ways = 1
    for k in range(min(only_a, only_b)):
        ways = ways * (trials - k) // (k + 1)
        tail += ways
    return min(1.0, float(Fraction(tail, 2**trials) * 2))


def paired_difference(both: int, only_a: int, only_b: int, neither: int) -> tuple[float, Interval]:
    """Share of A minus share of B on the same items, and its 95 % interval.

    Returns:
        The difference and the interval of Newcombe's method 10 (Statistics in Medicine 17, 1998,
        2635-2650): the Wilson limits of both shares, combined with their correlation.
    """
    n = both + only_a + only_b + neither
    if n == 0:
        return 0.0, (-1.0, 1.0)
    share_a, share_b = (both + only_a) / n, (both + only_b) / n
    low_a, high_a = wilson(both + only_a, n)
    low_b, high_b = wilson(both + only_b, n)
    phi = _correlation(both, only_a, only_b, neither)
    down = _joined(share_a - low_a, high_b - share_b, phi)
    up = _joined(high_a - share_a, share_b - low_b, phi)
    difference = (only_a - only_b) / n
    return difference, (max(-1.0, difference - down), min(1.0, difference + up))


def pass_at_k(n: int, right: int, k: int) -> float:
    """Chance that one of `k` samples, drawn from `n` of which `right` are right, is right.

    The unbiased estimator 1 - C(n - right, k) / C(n, k) of Chen et al., "Evaluating Large Language
    Models Trained on Code", arXiv:2107.03374, 2021. Needs k <= n.
    """
    return 1.0 - math.comb(n - right, k) / math.comb(n, k)


def quantile(ascending: Sequence[float], share: float) -> float:
    """The smallest value with at least `share` of all values at or below it (nearest rank)."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


def _correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    """Phi of the fourfold table, with Newcombe's correction of half the number of items."""
    n = both + only_a + only_b + neither
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return 0.0
    excess = float(both * neither - only_a * only_b)
    if excess > 0:
        excess = max(excess - n / 2, 0.0)
    return excess / math.sqrt(margins)


def _joined(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))
