"""When is an answer right?

Lives here: the comparison of an objective value with a gold answer.
Never here: anything that looks for the gold answer, rounds toward it or repairs an answer.
"""

from __future__ import annotations

import math


def is_right(answer: float | str | None, gold: float | str) -> bool:
    """Does `answer` agree with `gold`?

    Args:
        answer: Objective value from the solver, a status such as "infeasible", or None.
        gold: The published answer: a number, or a status.

    Returns:
        For numbers: |answer - gold| <= max(1e-4 |gold|, half a unit of the last printed digit of
        `gold`, 1e-6). For statuses: equality. None is never right.
    """
    if isinstance(gold, str) or isinstance(answer, str) or answer is None:
        return answer is not None and answer == gold
    return abs(answer - gold) <= max(1e-4 * abs(gold), _half_unit(gold), 1e-6)


def wilson(right: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """95 % score interval of a share of `right` among `n` > 0 (Wilson, JASA 22, 1927)."""
    share = right / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    spread = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, center - spread), min(1.0, center + spread)


def _half_unit(gold: float) -> float:
    """Half a unit of the last digit of `gold` as it is printed; whole numbers count as exact."""
    printed = repr(gold)
    if "e" in printed or "." not in printed:
        return 0.0
    digits = printed.partition(".")[2].rstrip("0")
    return 0.5 * 10.0 ** -len(digits) if digits else 0.0
