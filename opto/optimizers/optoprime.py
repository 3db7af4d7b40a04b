"""OptoPrime: the whole problem as lines of text, the answer as JSON.

Source: Cheng, Nie and Swaminathan, "Trace is the Next AutoDiff" (2024), section 4.

Lives here: what is OptoPrime's own.
Never here: what it shares with others (`opto.optimizers.prompting`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from opto.optimizers.lines import LineSymbols
from opto.optimizers.problem import ProblemInstance
from opto.optimizers.problem import Summary as FunctionFeedback
from opto.optimizers.prompt_text import Look
from opto.optimizers.prompting import PromptOptimizer

if TYPE_CHECKING:
    from opto.trace.nodes import ParameterNode

__all__ = ["FunctionFeedback", "OptoPrime", "ProblemInstance"]


class OptoPrime(PromptOptimizer):
    """One question per step; answers are JSON."""

    template: ClassVar[str] = "optoprime"

    def __init__(
        self,
        parameters: Iterable[ParameterNode[Any]],
        llm: Any = None,
        *args: Any,
        prompt_symbols: Mapping[str, str] | None = None,
        json_keys: Mapping[str, str] | None = None,
        highlight_variables: bool = False,
        **kwargs: Any,
    ) -> None:
        """Hold parameters and options; those beyond the ones here are `PromptOptimizer`'s.

        Args:
            parameters: What may be changed.
            llm: See `PromptOptimizer`.
            args: None.
            prompt_symbols: Other titles, by section: `{"variables": "#Knobs"}`.
            json_keys: Other keys of the answer, for this optimizer only.
            highlight_variables: Ask for a value of every variable, not only of those to change.
            kwargs: Options of `PromptOptimizer`.
        """
        super().__init__(parameters, llm, *args, **kwargs)
        self.symbols = LineSymbols(prompt_symbols, json_keys)
        self.highlight_variables = highlight_variables

    def look(self) -> Look:
        return replace(super().look(), every_variable=self.highlight_variables)
