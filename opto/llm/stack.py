"""The wrappers around a provider, in their one order.

`Recorded(Budgeted(Cached(Limited(Retrying(provider)))))`, from the outside in: what was asked is
recorded also when the budget refuses it; what is in the cache needs no turn; a turn is given back
while a retry waits.

Lives here: that order, and the options of calls.
Never here: what a wrapper does, settings, model specs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from opto.llm.budgeted import Ask, Budgeted
from opto.llm.cache import AnswerFile, Cached
from opto.llm.lanes import BreakerPolicy, LimitPolicy
from opto.llm.limits import Lanes, Limited
from opto.llm.pool import Pool
from opto.llm.recorded import Recorded
from opto.llm.reserve import Budget
from opto.llm.retry import Retrying, RetryPolicy
from opto.llm.types import Provider, Usage, Waits

if TYPE_CHECKING:
    from opto.llm.prices import Price


@runtime_checkable
class Priced(Protocol):
    """A provider that knows what its answers cost."""

    def price(self, usage: Usage) -> Decimal | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """How the calls of one model are made."""

    budget: Budget | None = None
    """What may be spent; shared with whoever else holds it."""
    price: Price | None = None
    """For a model in no price table."""
    ask_price: Ask | None = None
    """Asked, once, when dollars are counted and no price is known; None refuses the call."""
    cache: Path | str | None = None
    """File of answers that are not asked for twice."""
    retry: RetryPolicy | None = None
    limits: LimitPolicy = field(default_factory=LimitPolicy)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    waits: Waits = field(default_factory=Waits)
    streamed: bool = False
    """Ask servers for streams also where nobody reads along: silence is then noticed sooner."""


def wrap(members: Sequence[Provider], options: CallOptions, *, remote: bool) -> Recorded:
    """`members` with all that `options` ask for around them.

    Args:
        members: One provider, or several servers of one model.
        options: Of the calls.
        remote: They are behind a network: calls are limited and asked again after faults.
    """
    pool = Pool(members) if len(members) > 1 else None
    provider: Provider = pool or members[0]
    if remote:
        provider = Retrying(provider, options.retry or RetryPolicy())
        lanes = Lanes(
            len(members),
            limits=options.limits,
            breaker=options.breaker,
            check=None if pool is None else pool.alive,
        )
        provider = Limited(provider, lanes)
    if options.cache is not None:
        provider = Cached(provider, AnswerFile(Path(options.cache).expanduser()))
    if options.budget is not None:
        first = members[0]
        rate = first.price if isinstance(first, Priced) else None if remote else _free
        provider = Budgeted(
            provider,
            options.budget,
            rate=rate or _unknown,
            price=options.price,
            ask=options.ask_price,
        )
    return Recorded(provider)


def _free(usage: Usage) -> Decimal:  # noqa: ARG001  (a rate)
    return Decimal(0)


def _unknown(usage: Usage) -> None:  # noqa: ARG001  (a rate)
    return None
