"""Measuring one fixed candidate on all problems: the search engine without a search.

Lives here: `Measure`.
Never here: problems, models, scores.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from opto.search import Candidate, Evaluate, Proposal, Propose, View
from opto.search.algorithm import Steps


class Measure:
    """Every problem `samples` times, then again what gave no result."""

    name = "measure"
    reserve = 0.0

    def __init__(self, *, samples: int = 1, passes: int = 3) -> None:
        """Prepare.

        Args:
            samples: Tries per problem.
            passes: How often a try is carried out that ends without a result, such as one whose
                server failed. At least 1.
        """
        self.samples, self.passes = samples, passes

    def describe(self) -> Mapping[str, Any]:
        return {"samples": self.samples, "passes": self.passes}

    def run(self, view: View) -> Steps:
        """All tries of a problem next to each other, problems in their order."""
        candidate = view.task.seed
        left = [
            Evaluate(candidate, example, "val", sample)
            for example in range(view.size("val"))
            for sample in range(self.samples)
        ]
        for _ in range(self.passes):
            results = yield left
            left = [ask for ask, result in zip(left, results, strict=False) if not result.ok]
            if not left or view.exhausted:
                break
        return candidate

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal:
        """Never asked for."""
        raise NotImplementedError("measuring proposes nothing")
