"""Sums of what is limited: metric calls, model calls, tokens, dollars.

Lives here: the tuple of the four, its arithmetic, and the checks of a limit.
Never here: who may spend (`opto.search.budget`).
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, TypeAlias

from opto.search.cost import USD_STEP, Cost
from opto.search.errors import BudgetError

Amount: TypeAlias = int | Decimal
Amounts: TypeAlias = tuple[Amount, Amount, Amount, Amount]
"""Metric calls, model calls, tokens, US dollars."""
ZERO: Amounts = (0, 0, 0, Decimal(0))


def amounts(cost: Cost) -> Amounts:
    """What of a cost is limited."""
    return (cost.metric, cost.llm, cost.tokens, cost.usd)


def plus(a: Amounts, b: Amounts) -> Amounts:
    """The sum."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])


def minus(a: Amounts, b: Amounts) -> Amounts:
    """The difference."""
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3])


def part(amount: Amount, fraction: float) -> Amount:
    """`fraction` of `amount`, counts rounded down; 0.1 is the decimal 0.1, not the float below."""
    share = amount * Decimal(str(fraction))
    return int(share) if isinstance(amount, int) else share.quantize(USD_STEP, ROUND_DOWN)


def exact(usd: Decimal | float | str) -> Decimal:
    """Dollars as they were written."""
    return usd if isinstance(usd, Decimal) else Decimal(str(usd))


def dollars(usd: Decimal | float | str | None) -> Decimal | None:
    """A limit in dollars.

    Raises:
        BudgetError: It is no amount.
    """
    if usd is None:
        return None
    try:
        amount = exact(usd)
    except InvalidOperation:
        raise BudgetError(f"A budget cannot have usd={usd!r}.", fix="Give a number.") from None
    if not amount.is_finite() or amount < 0:
        raise BudgetError(f"A budget cannot have usd={usd!r}.", fix="Give an amount from 0 on.")
    return amount


def check_count(name: str, limit: Any) -> None:
    """Is `limit` a number of things?

    Raises:
        BudgetError: It is not.
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise BudgetError(
            f"A budget cannot have {name}={limit!r}.", fix="Give a whole number from 0 on."
        )
