"""metaTextGrad: searching for a better optimizer, whose Spec and instructions are the candidate.

Source: G. Xu et al., "metaTextGrad: Automatically optimizing language model optimizers", NeurIPS
2025. There, a meta prompt optimizer changes the instructions and a meta structure optimizer the
composition; here both are components of one candidate, and any algorithm searches over them.

Lives here: `SpecTask`: a Spec scored by what it finds on other tasks within a small budget.
Never here: the outer search, models.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opto.search.budget import Budget
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.cost import Cost
from opto.search.loop import Proposer
from opto.search.results import Outcome
from opto.search.rules import Rules
from opto.search.spec import Spec
from opto.search.study import Study
from opto.search.task import Task

SPEC, INSTRUCTIONS = "spec", "instructions"


class SpecTask:
    """A task whose candidates are optimizers: a Spec as JSON, and instructions to its proposer.

    An example is a task to optimize; the score is what the inner search reports for its
    recommendation, on data that did not choose it. All that the inner search spends is charged to
    the outer budget; its own budget is the most one evaluation can cost. A Spec that cannot be read
    makes the proposal `malformed`.
    """

    deterministic = False

    def __init__(
        self,
        spec: Spec,
        instructions: str,
        tasks: Sequence[Task],
        proposer: Callable[[str], Proposer],
        *,
        metric: int,
        llm: int,
    ) -> None:
        """Hold what the inner searches need.

        Args:
            spec: Where the search over Specs starts.
            instructions: What the inner proposer is told first.
            tasks: What the optimizers are tried on, half of them to learn from and half to choose
                by where there are two or more.
            proposer: Instructions to an inner proposer.
            metric: Metric calls of one inner search.
            llm: Model calls of one inner search.
        """
        self.seed = Candidate({SPEC: spec.to_json(), INSTRUCTIONS: instructions})
        self.components: Mapping[str, str] = {
            SPEC: "the composition of the optimizer, as JSON; every kind has its own fields",
            INSTRUCTIONS: "what the optimizer's model is told before it rewrites anything",
        }
        half = max(1, len(tasks) // 2)
        self.train, self.val = list(tasks[:half]), list(tasks[half:] or tasks)
        self.worst = Cost(metric=metric + 1, llm=llm)
        self._proposer, self._budget = proposer, Budget(metric=metric, llm=llm)

    def admit(self, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """The values, if the Spec can be read.

        Raises:
            ValueError: It cannot.
        """
        try:
            spec = Spec.from_json(values[SPEC])
        except Exception as error:
            raise ValueError(f"The Spec cannot be read: {error}") from error
        return {**values, SPEC: spec.to_json()}

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        """One inner search."""
        del rep
        spec = Spec.from_json(candidate.values[SPEC])
        loop = spec.algorithm(self._proposer(str(candidate.values[INSTRUCTIONS])))
        rules = Rules(report=0.3)
        seed = stream.getrandbits(31)
        found = Study(example, loop, self._budget, seed=seed, workers=1, rules=rules).run()
        if found.score is None:
            raise RuntimeError(f"The inner search measured nothing: {found.stopped}.")
        score = found.score
        told = f"reached {score:.3f}; {found.stopped}; {found.cost}; {len(found.ledger.candidates)}"
        return Outcome(score, feedback=f"{told} candidates", cost=found.cost)
