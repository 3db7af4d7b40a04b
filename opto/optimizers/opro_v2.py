"""OPROv2: solutions and their feedback in tags, answers in tags.

Lives here: what is OPROv2's own, and its symbol set under the name users import.
Never here: what it shares with OPRO (`opto.optimizers.solutions`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from opto.optimizers.solutions import SolutionOptimizer
from opto.optimizers.symbols import OPROPromptSymbolSet, OptimizerPromptSymbolSet

if TYPE_CHECKING:
    from opto.trace.nodes import ParameterNode

__all__ = ["OPROPromptSymbolSet", "OPROv2"]


class OPROv2(SolutionOptimizer):
    """Better solutions from the last few; one question per step."""

    def __init__(
        self,
        parameters: Iterable[ParameterNode[Any]],
        llm: Any = None,
        *args: Any,
        memory_size: int = 5,
        max_tokens: int = 8192,
        optimizer_prompt_symbol_set: OptimizerPromptSymbolSet | None = None,
        **kwargs: Any,
    ) -> None:
        """Hold parameters and options; those beyond the ones here are `SolutionOptimizer`'s.

        Args:
            parameters: What may be changed.
            llm: See `PromptOptimizer`.
            args: None.
            memory_size: How many earlier solutions are kept and shown.
            max_tokens: Longest reply, tokens.
            optimizer_prompt_symbol_set: Titles, tags and the form of answers.
            kwargs: Options of `SolutionOptimizer` and `PromptOptimizer`.
        """
        options = {"memory_size": memory_size, "max_tokens": max_tokens, **kwargs}
        super().__init__(parameters, llm, *args, **options)
        self.symbols = optimizer_prompt_symbol_set or OPROPromptSymbolSet()

    def extract_llm_suggestion(self, response: str) -> dict[str, Any]:
        """`{"reasoning": text, "variables": {name: value}}`, before types."""
        names = [parameter.py_name for parameter in self.parameters]
        said = self.symbols.read(response, names, self._mark)
        return {"reasoning": said.reasoning, "variables": dict(said.values)}
