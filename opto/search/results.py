"""What came of an action. A failure is a status, never a score of 0 and never an exception.

Lives here: `Outcome` (what the user's code says), `Rollout` and `Proposal` (what the ledger keeps).
Never here: running actions, statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from opto.search.actions import Split
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.cost import NOTHING, Cost

RolloutStatus: TypeAlias = Literal["ok", "error", "timeout"]
ProposalStatus: TypeAlias = Literal[
    "ok", "malformed", "model_failed", "duplicate", "error", "timeout"
]
NO_SCORES: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `task.evaluate` returns for one candidate on one example. Higher scores are better."""

    score: float
    scores: Mapping[str, float] = field(default_factory=lambda: NO_SCORES)
    """Further objectives by name, higher is better."""
    feedback: str = ""
    """What to tell whoever improves the candidate."""
    trace: str = ""
    """How the output came about, as text for a prompt."""
    cost: Cost = NOTHING
    """Model calls, tokens and dollars spent inside; the engine adds the metric call and time."""
    output: str = ""
    """What the program returned, as JSON, for demonstrations and preference pairs; empty where it
    is no data or too long, see `opto.search.demos.written`."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One measurement: a candidate on an example, once."""

    candidate: str
    """Id of the candidate."""
    example: int
    split: Split
    rep: int
    score: float | None
    """None exactly if `status` is not `ok`."""
    scores: Mapping[str, float] = field(default_factory=lambda: NO_SCORES)
    feedback: str = ""
    trace: str = ""
    cost: Cost = NOTHING
    """All attempts together; nothing where it was answered from an earlier measurement."""
    status: RolloutStatus = "ok"
    note: str = ""
    """For a failure, the traceback or what else is known of it."""
    output: str = ""
    """As in `Outcome`; empty in runs recorded before there was such a field."""

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    def to_json(self) -> dict[str, JSON]:
        """As JSON; `output` is left out where it is empty, so old runs keep their digests."""
        found: dict[str, JSON] = {
            "candidate": self.candidate,
            "example": self.example,
            "split": self.split,
            "rep": self.rep,
            "score": self.score,
            "scores": dict(self.scores),
            "feedback": self.feedback,
            "trace": self.trace,
            "cost": self.cost.to_json(),
            "status": self.status,
            "note": self.note,
        }
        return {**found, "output": self.output} if self.output else found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rollout:
        scores = data["scores"] or NO_SCORES
        return cls(**{**data, "scores": scores, "cost": Cost.from_json(data["cost"])})


@dataclass(frozen=True, slots=True)
class Proposal:
    """What came of one `Propose`."""

    candidates: tuple[Candidate, ...] = ()
    """New or known candidates; empty unless `status` is `ok` or `duplicate`."""
    note: str = ""
    """The proposer's words: its reasoning, or what was wrong with the answer."""
    cost: Cost = NOTHING
    status: ProposalStatus = "ok"
    """`duplicate`: all candidates were known already; the engine finds that out."""

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    def with_cost(self, cost: Cost) -> Proposal:
        """The same proposal at another cost."""
        return replace(self, cost=cost)

    def to_json(self) -> dict[str, JSON]:
        return {
            "candidates": [candidate.to_json() for candidate in self.candidates],
            "note": self.note,
            "cost": self.cost.to_json(),
            "status": self.status,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Proposal:
        candidates = tuple(Candidate.from_json(item) for item in data["candidates"])
        return cls(candidates, data["note"], Cost.from_json(data["cost"]), data["status"])


ActionResult: TypeAlias = Rollout | Proposal
"""What came of one action, in the order the actions were asked for."""
