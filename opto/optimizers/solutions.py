"""Optimizers that see no graph: only solutions and what was said about them.

Lives here: what OPRO and OPROv2 share: the prompt, and the history of solutions.
Never here: how a solution looks (`opto.optimizers.symbols`), traces.

Source: Yang et al., "Large Language Models as Optimizers" (2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from opto.optimizers.buffers import History, Keep
from opto.optimizers.prompt_text import Look, remembered
from opto.optimizers.prompting import PromptOptimizer

if TYPE_CHECKING:
    from opto.optimizers.exchange import Result
    from opto.optimizers.problem import Summary
    from opto.trace.nodes import ParameterNode


class SolutionOptimizer(PromptOptimizer):
    """Shows the present solution and a bounded history."""

    template: ClassVar[str] = "opro"
    default_objective: ClassVar[str] = (
        "Propose values of the variables that differ from the ones so far and will be judged "
        "better."
    )

    def __init__(
        self,
        parameters: Iterable[ParameterNode[Any]],
        llm: Any = None,
        *args: Any,
        memory_size: int = 20,
        keep: Keep = "latest",
        **kwargs: Any,
    ) -> None:
        """Hold parameters and options; those beyond the ones here are `PromptOptimizer`'s.

        Args:
            parameters: What may be changed.
            llm: See `PromptOptimizer`.
            args: None.
            memory_size: How many earlier solutions are kept and shown.
            keep: "latest" ones, or those with the "highest" or "lowest" score; the best is shown
                last. The score is the feedback, where that is a number.
            kwargs: Options of `PromptOptimizer`.
        """
        super().__init__(parameters, llm, *args, **kwargs)
        self.memory = History(memory_size, keep=keep)

    @property
    def buffer(self) -> list[dict[str, Any]]:
        """The earlier solutions, as the prompt shows them."""
        return list(self.memory)

    def look(self) -> Look:
        keep = getattr(self.memory, "keep", "latest")
        return replace(super().look(), order="latest" if keep == "latest" else "best")

    def _remember(self, summary: Summary, outcome: Result) -> None:
        del outcome
        if self.memory.size:
            score = score_of(summary.user_feedback)
            self.memory.add(remembered(summary, score=score))


def score_of(feedback: str) -> float | None:
    """The number that `feedback` is; None if it is words."""
    try:
        score = float(feedback)
    except ValueError:
        return None
    return score if math.isfinite(score) else None
