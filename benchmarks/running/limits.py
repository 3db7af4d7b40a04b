"""Ceilings of cost of an evaluation, and what it has spent; both outlive the process.

Lives here: `CostLimits`, its event, the sum of a run's calls.
Never here: refusing calls (`opto.llm.reserve`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any, Self

from opto.llm.reserve import Amount
from opto.llm.reserve import Budget as CallBudget
from traces.errors import UnknownRunError
from traces.read import events
from traces.store.sqlite import Store

LIMITS = "bench.limits"
"""`CostLimits` from here on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLimits:
    """Ceilings that no call may pass, those of earlier parts of the run included."""

    calls: int | None = None
    usd: Decimal | None = None
    tokens: int | None = None
    seconds: float | None = None
    """Of each part of the run: a resume begins anew."""

    def __str__(self) -> str:
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return " ".join(f"--max-{name} {limit}" for name, limit in given.items() if limit)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "usd": None if self.usd is None else str(self.usd)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        known = {f.name: data.get(f.name) for f in fields(cls)}
        usd = known.pop("usd", None)
        return cls(**known, usd=None if usd is None else Decimal(usd))

    def over(self, earlier: CostLimits) -> CostLimits:
        """These, and where one is not given, the earlier."""
        mine = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(earlier, **{name: limit for name, limit in mine.items() if limit})

    def left(self, spent: Amount) -> CallBudget | None:
        """The budget of the model for what is left; None without a ceiling."""
        if not str(self):
            return None
        return CallBudget(
            calls=None if self.calls is None else max(self.calls - spent.calls, 0),
            usd=None if self.usd is None else max(self.usd - spent.usd, Decimal(0)),
            tokens=None if self.tokens is None else max(self.tokens - spent.tokens, 0),
            seconds=self.seconds,
        )


def recorded_limits(store: Store, run: str) -> CostLimits:
    """The limits `run` was last given; none for a new one."""
    found = CostLimits()
    with suppress(UnknownRunError):
        for event in events(store, run, kind=LIMITS):
            found = CostLimits.from_json(event.data)
    return found


def spent_in(store: Store, run: str) -> Amount:
    """What the model calls of `run` took so far, those of tries that did not end included."""
    calls, tokens, usd = 0, 0, Decimal(0)
    with suppress(UnknownRunError):
        for event in events(store, run, kind="llm.call"):
            usage: Any = event.data["completion"]["usage"]  # type: ignore[index,call-overload]
            calls += 1
            tokens += usage["input_tokens"] + usage["output_tokens"]
            usd += Decimal(usage["usd"] or 0)
    return Amount(usd, tokens, calls)
