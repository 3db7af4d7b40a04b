"""When is an answer right?

Lives here: the comparison of an objective value or a status with the accepted answers, three ways.
Never here: anything that looks for the gold answer, rounds toward it or repairs an answer.

- strict: relative 1e-6 or absolute 1e-6.
- main, the headline: |p - g| <= max(1e-4 |g|, half a unit of the last printed digit of g, 1e-6).
- lenient: both rounded to whole numbers, then at most 5 % apart (ORLM's rule), to compare with
  published tables only.

The printed form says how exact a gold answer is. `12.50` has two digits, so half a unit is 0.005.
Whole numbers count as exact, also as programs print them (`3000.0`), and so does a number in
scientific notation that is whole when written out (`1.25e3`); otherwise it is as exact as the same
number written out (`1.2345e2` as `123.45`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

NO_BEST = "no best solution"
"""What some data sets print where there is no optimum, without saying why there is none."""
_NONE_BEST = ("infeasible", "unbounded")


class Verdicts(NamedTuple):
    """Is the answer right, by each of three rules?"""

    strict: bool
    main: bool
    lenient: bool


_WRONG = Verdicts(strict=False, main=False, lenient=False)


def verdicts(answer: float | str | None, accepted: Sequence[str]) -> Verdicts:
    """Does `answer` agree with any of the accepted answers?

    Args:
        answer: The objective value from the solver, `infeasible`, `unbounded`, or None.
        accepted: Answers as printed. `no best solution` stands for infeasible or unbounded; as an
            answer it agrees with either only in the lenient rule, because it does not say which.

    Returns:
        The three verdicts. None and numbers that are not finite are never right, and where no
        answer is accepted nothing is.
    """
    if answer is None or not accepted:
        return _WRONG
    if isinstance(answer, str):
        return _of_status(answer, accepted)
    if not math.isfinite(answer):
        return _WRONG
    strict = main = lenient = False
    for printed in accepted:
        gold = read_number(printed)
        if gold is None:
            continue
        value = float(gold)
        apart = abs(answer - value)
        strict = strict or apart <= max(1e-6 * abs(value), 1e-6)
        main = main or apart <= max(1e-4 * abs(value), half_unit(gold), 1e-6)
        lenient = lenient or within_rounded(answer, value)
    return Verdicts(strict, main, lenient)


def is_right(answer: float | str | None, gold: float | str) -> bool:
    """The main verdict against one gold answer, a number or a status."""
    return verdicts(answer, (gold if isinstance(gold, str) else repr(gold),)).main


def read_number(printed: str) -> Decimal | None:
    """A printed answer as an exact number; None for a status, and for what is not finite.

    Commas between thousands are read over: `1,250.5`.
    """
    text = printed.strip()
    if "," in text:
        whole, point, rest = text.partition(".")
        first, *groups = whole.split(",")
        if "," in rest or not first or not all(len(g) == 3 and g.isdigit() for g in groups):  # noqa: PLR2004 - thousands
            return None
        text = first + "".join(groups) + point + rest
    if "_" in text:  # a separator in Python, not in print
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and math.isfinite(float(number)) else None


def half_unit(gold: Decimal) -> float:
    """Half a unit of the last printed digit; 0 for whole numbers, which count as exact."""
    digits, exponent = gold.as_tuple().digits, gold.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= 0 or (exponent == -1 and digits[-1] == 0):
        return 0.0
    return float(0.5 * 10.0**exponent)


def within_rounded(answer: float, gold: float, *, share: float = 0.05) -> bool:
    """Are two finite numbers, each rounded to a whole one, at most `share` of the second apart?"""
    return abs(round(answer) - round(gold)) <= share * abs(round(gold))


def gold_status(accepted: Sequence[str]) -> str:
    """`optimal`, `infeasible`, `unbounded`, `missing`, or several joined by `or`.

    `no best solution` counts as both of the middle two; other words are `other`.
    """
    kinds: set[str] = set()
    for printed in accepted:
        status = _status(printed)
        if read_number(printed) is not None:
            kinds.add("optimal")
        elif status == NO_BEST:
            kinds.update(_NONE_BEST)
        else:
            kinds.add(status if status in _NONE_BEST else "other")
    return " or ".join(sorted(kinds)) or "missing"


def _of_status(answer: str, accepted: Sequence[str]) -> Verdicts:
    said = _status(answer)
    gold = {_status(printed) for printed in accepted if read_number(printed) is None}
    if said == NO_BEST:
        same = NO_BEST in gold
        return Verdicts(same, same, same or not gold.isdisjoint(_NONE_BEST))
    right = said in _NONE_BEST and (said in gold or NO_BEST in gold)
    return Verdicts(right, right, right)


def _status(printed: str) -> str:
    return " ".join(printed.lower().split())
