"""A task over texts whose answer is known, a proposer without a model, and a hand-made state."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opto.search import Candidate, Cost, Ledger, Outcome, Proposal, Propose, Rollout, stream
from opto.search.budget import Left
from opto.search.strategies.state import State

ALPHABET = "abcdef"


@dataclass
class LetterTask:
    """Example i wants letter i of the alphabet in the text; letters beyond the last one harm."""

    noise: float = 0.0
    deterministic: bool = False
    components: Mapping[str, str] = field(default_factory=lambda: {"text": "letters"})
    worst: Cost = field(default_factory=lambda: Cost(metric=1))
    start: str = "z"

    @property
    def seed(self) -> Candidate:
        return Candidate(dict.fromkeys(self.components, self.start))

    @property
    def train(self) -> Sequence[str]:
        return ALPHABET

    @property
    def val(self) -> Sequence[str]:
        return ALPHABET

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        text = "".join(str(value) for value in candidate.values.values())
        score = (example in text) - 0.02 * sum(letter not in ALPHABET for letter in text)
        return Outcome(score + self.noise * (stream.random() - 0.5), feedback=f"want {example}")


@dataclass(frozen=True)
class AddLetter:
    """Adds a wanted letter of the feedback, or any letter, to the first component named."""

    def describe(self) -> Mapping[str, Any]:
        return {}

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal:
        if action.purpose == "summary":
            return Proposal((parents[0],), "notes", Cost(llm=1))
        payload = action.payload
        assert isinstance(payload, dict)
        name = payload["components"][0]
        wanted = [str(item["feedback"])[-1] for item in payload.get("measured", [])]
        letter = stream.choice(wanted or ALPHABET) if stream.random() < 0.8 else "z"
        text = "".join(sorted({*str(parents[0].values[name]), letter}))
        return Proposal((parents[0].edited({name: text}, op="rewrite"),), "", Cost(llm=1))


@dataclass
class StillView:
    """A view of a ledger that nobody adds to."""

    task: Any
    ledger: Ledger
    seed: int = 0
    step: int = 0
    left: Left = field(default_factory=Left)
    exhausted: bool = False

    def size(self, split: str) -> int:
        return len(self.task.train if split == "train" else self.task.val)

    def stream(self, role: str, *indices: int | str) -> random.Random:
        return stream(self.seed, role, *indices)


def state_of(
    scores: Mapping[str, Sequence[float | None]],
    *,
    parents: Mapping[str, Sequence[str]] | None = None,
    task: Any = None,
    split: str = "val",
) -> tuple[State, dict[str, str]]:
    """A state whose pool are candidates with these scores on examples 0, 1, ...; names to ids."""
    task, ledger = task or LetterTask(), Ledger()
    ids: dict[str, str] = {}
    for name in scores:
        above = tuple(ids[parent] for parent in (parents or {}).get(name, ()))
        candidate = Candidate({"text": name}, above)
        ids[name] = candidate.id
        ledger.admit(candidate)
        measure(ledger, candidate.id, scores[name], split=split)
    return State(StillView(task, ledger), pool=list(ids.values())), ids  # type: ignore[arg-type]


def measure(
    ledger: Ledger, name: str, scores: Sequence[float | None], *, split: str = "val", rep: int = 0
) -> None:
    """Add one score per example."""
    for example, score in enumerate(scores):
        if score is not None:
            ledger.add(Rollout(name, example, split, rep, score))  # type: ignore[arg-type]
