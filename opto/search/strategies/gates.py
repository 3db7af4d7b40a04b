"""Does a child earn its next evaluations? Paired with the parent on the same examples.

Lives here: gates.
Never here: which examples (`allocators`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Protocol

from opto.search.strategies.codec import strategy


class Gate(Protocol):
    """Compares a child with its parent."""

    def passes(self, gains: Sequence[float]) -> bool:
        """May the child go on? `gains` are child minus parent, one per shared measurement."""
        ...


@strategy
@dataclass(frozen=True, slots=True)
class Better:
    """The sum of gains is above `margin`. As in GEPA."""

    margin: float = 0.0

    def passes(self, gains: Sequence[float]) -> bool:
        return sum(gains) > self.margin


@strategy
@dataclass(frozen=True, slots=True)
class NotWorse:
    """The sum of gains is not negative. As the revert gate of TextGrad."""

    def passes(self, gains: Sequence[float]) -> bool:
        return bool(gains) and sum(gains) >= 0


@strategy
@dataclass(frozen=True, slots=True)
class MaybeBetter:
    """A gain is still within `z` standard errors, and something changed at all."""

    z: float = 1.5

    def passes(self, gains: Sequence[float]) -> bool:
        n = len(gains)
        if not n or not any(gains):
            return False
        mean = sum(gains) / n
        sd = sqrt(sum((gain - mean) ** 2 for gain in gains) / n)
        return mean + self.z * sd / sqrt(n) > 0


@strategy
@dataclass(frozen=True, slots=True)
class Race:
    """Out when the gains refute "not worse" at level `alpha`, however often one looks.

    A bet against the child grows by 1 - bet·gain/span on every pair; where the child is not worse
    its wealth reaches 1/alpha with probability alpha at most, at any time (Ville's inequality).
    Source: I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting",
    JRSS-B 86, 2024.
    """

    alpha: float = 0.1
    bet: float = 0.5
    span: float = 1.0
    """Width of the range of scores, so that a gain is within ±span."""

    def passes(self, gains: Sequence[float]) -> bool:
        wealth = peak = 0.0
        for gain in gains:
            wealth += log(max(1e-12, 1 - self.bet * gain / self.span))
            peak = max(peak, wealth)
        return peak < -log(self.alpha)
