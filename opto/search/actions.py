"""The two expensive actions an algorithm may ask for.

Both are plain data: an action says everything its execution may depend on, so the same action
asked for twice is the same question, also after a restart.

Lives here: `Evaluate`, `Propose`, their identity and JSON.
Never here: running them, their results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from opto.search.candidate import Candidate
from opto.search.canon import JSON, clean, digest
from opto.search.cost import Cost

Split: TypeAlias = Literal["train", "val"]


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Run one candidate on one example, once."""

    candidate: Candidate
    example: int
    """Position in `task.train` or `task.val`, from 0."""
    split: Split = "val"
    rep: int = 0
    """Which repetition: the same (candidate, example, split, rep) is one measurement, paid once.
    Deterministic tasks have repetition 0 only; the engine pins it."""

    @property
    def key(self) -> str:
        """Identity of the content: 16 hexadecimal digits."""
        return digest(["evaluate", self.candidate.id, self.example, self.split, self.rep])

    def to_json(self) -> dict[str, JSON]:
        """Without the values of the candidate; the log has them once."""
        return {
            "do": "evaluate",
            "candidate": self.candidate.id,
            "example": self.example,
            "split": self.split,
            "rep": self.rep,
        }


@dataclass(frozen=True, slots=True)
class Propose:
    """Make new candidates; carried out by `algorithm.propose`, usually with a model call."""

    purpose: str
    """What for, e.g. `rewrite`; `algorithm.propose` may branch on it and reports group by it."""
    payload: JSON = None
    """All that the proposal rests on besides the parents, e.g. the whole prompt."""
    parents: tuple[str, ...] = ()
    """Ids of candidates the ledger knows; `algorithm.propose` gets the candidates."""
    index: int = 0
    """Tells apart equal questions in one batch: samples of the same prompt."""
    worst: Cost = field(default_factory=lambda: Cost(llm=1))
    """The most it can cost; reserved before it starts. State tokens and usd where the budget
    limits them; otherwise the engine reserves the most that an earlier proposal took."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "payload", clean(self.payload, where="payload"))
        object.__setattr__(self, "parents", tuple(self.parents))

    @property
    def key(self) -> str:
        """Identity of the content: 16 hexadecimal digits."""
        return digest(["propose", self.purpose, self.payload, list(self.parents), self.index])

    def to_json(self) -> dict[str, JSON]:
        return {
            "do": "propose",
            "purpose": self.purpose,
            "payload": self.payload,
            "parents": list(self.parents),
            "index": self.index,
            "worst": self.worst.to_json(),
        }


Action: TypeAlias = Evaluate | Propose


def action_id(action: Action, step: int, position: int) -> str:
    """Identity of the asking: content, logical step and position in its batch; 16 hex digits."""
    return digest([action.key, step, position])


def action_from_json(data: Mapping[str, Any], candidates: Mapping[str, Candidate]) -> Action:
    """The action that `to_json` wrote; candidates by the id the log gave them."""
    if data["do"] == "evaluate":
        candidate = candidates[data["candidate"]]
        return Evaluate(candidate, data["example"], data["split"], data["rep"])
    worst = Cost.from_json(data["worst"])
    parents = tuple(data["parents"])
    return Propose(data["purpose"], data["payload"], parents, data["index"], worst)
