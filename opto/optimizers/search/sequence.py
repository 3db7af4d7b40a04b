"""BetterTogether: algorithms one after the other on one ledger, each with a share of the budget.

Source: D. Soylu, C. Potts, O. Khattab, "Fine-Tuning and Prompt Optimization: Two Great Steps that
Work Better Together", EMNLP 2024 (strategies such as `p -> w -> p`). A step that trains weights is
an algorithm like any other, `opto.optimizers.search.tune.Tune`: its proposal carries the trained
model's name.

Lives here: `Sequence`.
Never here: the algorithms, training.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Generator, Mapping
from collections.abc import Sequence as Several
from dataclasses import replace
from typing import Any, TypeAlias

from opto.optimizers.search.tune import TUNE
from opto.search.actions import Action, Evaluate, Propose, Split
from opto.search.algorithm import Algorithm, Steps, View
from opto.search.budget import Left
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.errors import SearchError
from opto.search.ledger import Ledger
from opto.search.results import ActionResult, Proposal
from opto.search.task import Task

Step: TypeAlias = Algorithm | Callable[[str], Algorithm]


class Sequence:
    """Runs algorithms in turn; each starts from the best so far and knows all results.

    After each the recommendation is compared with the one before by the mean on the validation
    examples both were measured on; the better goes on, the later on ties.
    """

    def __init__(self, *steps: Step, name: str = "bettertogether") -> None:
        """Hold them, in order.

        Args:
            steps: Algorithms, or functions that make one from the name of the model that `Tune`
                trained last; `""` before that, and to describe the settings.
            name: For logs and errors.

        Raises:
            SearchError: There is none.
        """
        if not steps:
            raise SearchError("A sequence needs at least one algorithm.")
        self.steps, self.name = steps, name
        self.reserve = 0.0
        self._known: dict[tuple[int, str], Algorithm] = {}

    def describe(self) -> Mapping[str, JSON]:
        made = [self._made(number, "") for number in range(len(self.steps))]
        return {"steps": [{"name": step.name, **step.describe()} for step in made]}

    def propose(
        self, action: Propose, parents: Several[Candidate], stream: random.Random
    ) -> Proposal | Awaitable[Proposal]:
        number, _, purpose = action.purpose.partition(":")
        step, payload, model = self.steps[int(number)], action.payload, ""
        if _depends(step) and isinstance(payload, dict):  # made by _marked
            model, payload = str(payload["model"]), payload["payload"]
        plain = replace(action, purpose=purpose, payload=payload)
        return self._made(int(number), model).propose(plain, parents, stream)

    def _made(self, number: int, model: str) -> Algorithm:
        """The algorithm of a step; made once for each model, because it may hold a connection."""
        step = self.steps[number]
        if not _depends(step):
            return step  # type: ignore[return-value]
        if (number, model) not in self._known:
            self._known[number, model] = step(model)  # type: ignore[operator]
        return self._known[number, model]

    def run(self, view: View) -> Steps:
        """See `Algorithm.run`."""
        best, model = view.task.seed, ""
        for number in range(len(self.steps)):
            share = 1 / (len(self.steps) - number)
            part = _Part(view, best, share, self._made(number, model).reserve)
            found, model = yield from self._step(number, model, part)
            yield _comparison(view, best, found)
            best = found if _not_worse(view.ledger, found.id, best.id) else best
            if view.exhausted:
                break
        return best

    def _step(
        self, number: int, model: str, part: _Part
    ) -> Generator[Several[Action], Several[ActionResult], tuple[Candidate, str]]:
        """The recommendation of a step, and the model that was trained last."""
        mark, steps = (number, model), self._made(number, model).run(part)
        depends = _depends(self.steps[number])
        answer: Several[ActionResult] | None = None
        while True:
            try:
                asked = next(steps) if answer is None else steps.send(answer)
            except StopIteration as end:
                found: Candidate = end.value
                return found, model
            kept = [_marked(action, *mark, depends=depends) for action in part.affordable(asked)]
            answer = (yield kept) if kept else ()
            part.take(len(asked), answer)
            for action, result in zip(kept, answer, strict=False):
                if isinstance(action, Propose) and action.purpose == f"{number}:{TUNE}":
                    model = _trained(result) or model


class _Part:
    """The view of one step: another seed and a share of what is left."""

    def __init__(self, view: View, seed: Candidate, share: float, reserve: float) -> None:
        self._view, self._seed_candidate = view, seed
        self._whole = {name: _part(getattr(view.left, name), share) for name in ("metric", "llm")}
        self._open = 1 - reserve
        self._used = {"metric": 0, "llm": 0}
        self.exhausted = False
        self.task: Any = _FromHere(view.task, seed)

    @property
    def ledger(self) -> Ledger:
        return self._view.ledger

    @property
    def step(self) -> int:
        return self._view.step

    @property
    def seed(self) -> int:
        return self._view.seed

    @property
    def left(self) -> Left:
        return replace(self._view.left, metric=self._left("metric"), llm=self._left("llm"))

    def size(self, split: Split) -> int:
        return self._view.size(split)

    def stream(self, role: str, *indices: int | str) -> random.Random:
        return self._view.stream(role, self._seed_candidate.id, *indices)

    def affordable(self, asked: Several[Action]) -> list[Action]:
        """The first actions that this step's share carries."""
        room = {name: self._left(name) for name in self._whole}
        kept: list[Action] = []
        for action in asked:
            name = "metric" if isinstance(action, Evaluate) else "llm"
            need = 1 if isinstance(action, Evaluate) else action.worst.llm
            left = room[name]
            if left is not None:
                if left < need:
                    break
                room[name] = left - need
            kept.append(action)
        return kept

    def take(self, asked: int, answer: Several[ActionResult]) -> None:
        """Charge the results; a batch that was cut opens the step's reserve."""
        for result in answer:
            self._used["metric"] += result.cost.metric
            self._used["llm"] += result.cost.llm
        if len(answer) < asked:
            self.exhausted, self._open = True, 1.0

    def _left(self, name: str) -> int | None:
        whole = self._whole[name]
        if whole is None:
            found: int | None = getattr(self._view.left, name)
            return found
        return max(0, int(whole * self._open) - self._used[name])


class _FromHere:
    """A task that starts from another candidate."""

    def __init__(self, task: Task, seed: Candidate) -> None:
        self._task, self.seed = task, seed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)


def _part(left: int | None, share: float) -> int | None:
    return None if left is None else int(left * share)


def _depends(step: Step) -> bool:
    """Is it made from the name of a model?"""
    return not hasattr(step, "run")


def _marked(action: Action, number: int, model: str, *, depends: bool) -> Action:
    """The action with the step it is of; all that carrying it out depends on is in it."""
    if isinstance(action, Evaluate):
        return action
    payload: JSON = {"model": model, "payload": action.payload} if depends else action.payload
    return replace(action, purpose=f"{number}:{action.purpose}", payload=payload)


def _trained(result: ActionResult) -> str:
    """The name of the model that a training gave; empty if it failed."""
    good = isinstance(result, Proposal) and result.status in {"ok", "duplicate"}
    return result.note if good and isinstance(result, Proposal) else ""


def _comparison(view: View, before: Candidate, found: Candidate) -> list[Action]:
    """What is still to be measured so that both stand on the same validation examples."""
    if before == found:
        return []
    ours, theirs = (view.ledger.example_means(c.id) for c in (found, before))
    asks: list[Action] = [Evaluate(before, e) for e in sorted(ours.keys() - theirs.keys())]
    if not ours:
        everything = range(view.size("val"))
        asks = [Evaluate(c, e) for c in (before, found) for e in everything]
    return asks


def _not_worse(ledger: Ledger, found: str, before: str) -> bool:
    ours, theirs = ledger.example_means(found), ledger.example_means(before)
    shared = ours.keys() & theirs.keys()
    return sum(ours[e] for e in shared) >= sum(theirs[e] for e in shared)
