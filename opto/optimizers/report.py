"""What a step did: which values came, which were refused and why, and what was said.

Lives here: the report types. They hold text and values, never nodes, so keeping reports keeps no
traces alive.
Never here: deciding anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["parsed", "no_change", "unparseable", "rejected", "model_failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one variable that a reply names."""

    name: str
    value: Any = None
    """The value to install; None where it was refused."""
    refused: str = ""
    """Why there is no value; empty where there is one."""

    @property
    def installed(self) -> bool:
        """Is there a value?"""
        return not self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """The account of one `step`."""

    status: Status
    """`parsed`: at least one value was read. `no_change`: the reply asks for none. `unparseable`:
    no value could be found in the reply. `rejected`: there were values, none can be used.
    `model_failed`: the model gave no text."""
    outcomes: tuple[Outcome, ...] = ()
    """One for each variable the replies name, the last word on each."""
    problems: tuple[str, ...] = ()
    """What went wrong on the way, also what a repair made good."""
    reasoning: str = ""
    """The model's reasons, if it gave any."""
    system_prompt: str = ""
    user_prompt: str = ""
    replies: tuple[str, ...] = ()
    """The raw replies in the order they came."""
    calls: int = 0
    """Calls of the model, failed ones included."""
    usage: tuple[Any, ...] = field(default=(), repr=False)
    """What each call took, as the client says it; empty where it says nothing."""

    @property
    def refused(self) -> dict[str, str]:
        """Variable name to why its value was not used."""
        return {outcome.name: outcome.refused for outcome in self.outcomes if outcome.refused}

    @property
    def ok(self) -> bool:
        """Was everything the model said understood and used?"""
        return self.status == "no_change" or (self.status == "parsed" and not self.refused)

    def __str__(self) -> str:
        lines = [f"{self.status} after {self.calls} call{'s' * (self.calls != 1)}"]
        for outcome in self.outcomes:
            what = f"refused: {outcome.refused}" if outcome.refused else repr(outcome.value)
            lines.append(f"  {outcome.name}: {what}")
        return "\n".join([*lines, *(f"  - {problem}" for problem in self.problems)])


def status_of(outcomes: Iterable[Outcome], *, no_change: bool = False) -> Status:
    """The status of a reply that was looked through."""
    known = list(outcomes)
    if any(outcome.installed for outcome in known):
        return "parsed"
    if known:
        return "rejected"
    return "no_change" if no_change else "unparseable"
