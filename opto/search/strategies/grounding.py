"""What proposals may know beyond measurements: notes on the data and on the program.

Lives here: `Ground`.
Never here: prompts (the proposer writes them), model calls.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import chain

from opto.search.actions import Action, Propose
from opto.search.canon import JSON
from opto.search.results import ActionResult, Proposal
from opto.search.strategies.bootstrap import Part
from opto.search.strategies.codec import strategy
from opto.search.strategies.evidence import clipped
from opto.search.strategies.state import State
from opto.search.task import input_of, target_of

NOTHING_NEW = "COMPLETE"
"""What a model answers that has nothing to add to the notes on the data."""


@strategy
@dataclass(frozen=True, slots=True)
class Ground:
    """A model reads training examples, then the trace of one run, and keeps notes of both.

    Each answer takes the place of the notes before; there are no separate observations to be
    summed up at the end, so that is one call less. Validation examples are not shown.
    Source: the grounded proposer of `dspy.MIPROv2` (K. Opsahl-Ong et al., EMNLP 2024).
    """

    batch: int = 10
    """Training examples per look."""
    looks: int = 10
    """Most looks, each one call."""
    patience: int = 5
    """Looks without news after which it is enough."""
    demos: int = 3
    """Demonstrations shown with every proposal, where there are some."""
    share: float = 0.25
    """Most of the model calls left that this may use."""

    def run(self, state: State) -> Part:
        """Fill `state.background`."""
        left = state.view.left.llm
        room = self.looks + 1 if left is None else int(self.share * left)
        if room >= 1:
            yield from self._data(state, min(self.looks, max(1, room - 1)))
        if room >= 2 and not state.cut:  # noqa: PLR2004  (one for the data, one for the program)
            yield from self._program(state)

    def show(self, state: State) -> dict[str, JSON]:
        """The part of a proposal's payload that rests on the notes."""
        found: dict[str, JSON] = {"background": dict(state.background)}
        sets = chain.from_iterable(state.sets.values())
        first = next((demos for demos in sets if isinstance(demos, list) and demos), None)
        if isinstance(first, list):
            found["demos"] = [clipped(demo) for demo in first[: self.demos]]
        return found

    def _data(self, state: State, looks: int) -> Part:
        train, order = state.view.task.train, state.order("train", 0, "ground")
        quiet = 0
        for at in range(0, min(len(order), looks * self.batch), self.batch):
            shown: list[JSON] = [_shown(train[n]) for n in order[at : at + self.batch]]
            note = yield from _note(state, {"data": shown, "summary": state.background.get("data")})
            if note.strip().upper().startswith(NOTHING_NEW):
                quiet += 1
            elif note:
                state.background["data"] = note
            if state.cut or quiet >= self.patience:
                return

    def _program(self, state: State) -> Part:
        seed = state.view.task.seed
        if not state.ledger.rollouts(seed.id, "train"):
            asks = state.measure([seed], [0], "train")
            state.cut = len((yield asks)) < len(asks)
        runs = state.ledger.rollouts(seed.id, "train", ok_only=True)
        trace = next((rollout.trace for rollout in runs if rollout.trace), "")
        if trace and not state.cut:
            about: dict[str, JSON] = {**state.view.task.components}
            note = yield from _note(state, {"program": clipped(trace, 6_000), "about": about})
            if note:
                state.background["program"] = note


def _note(
    state: State, payload: dict[str, JSON]
) -> Generator[Sequence[Action], Sequence[ActionResult], str]:
    ask = Propose("summary", payload, (state.view.task.seed.id,))
    results = yield [ask]
    state.cut = not results
    for result in results:
        if isinstance(result, Proposal) and result.status in {"ok", "duplicate"}:
            return result.note
    return ""


def _shown(example: object) -> JSON:
    target = target_of(example)
    found: dict[str, JSON] = {"input": clipped(input_of(example))}
    return found if target is None else {**found, "target": clipped(target)}
