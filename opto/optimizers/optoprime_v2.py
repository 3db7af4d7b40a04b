"""OptoPrimeV2: values in tags, answers in tags that can hold any text.

Lives here: what is OptoPrimeV2's own, and the symbol sets under the names users import.
Never here: what it shares with others (`opto.optimizers.prompting`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from opto.optimizers.problem import ProblemInstance
from opto.optimizers.prompt_text import Look
from opto.optimizers.prompting import PromptOptimizer
from opto.optimizers.symbols import (
    OptimizerPromptSymbolSet,
    OptimizerPromptSymbolSet2,
    OptimizerPromptSymbolSetJSON,
)
from opto.optimizers.utils import extract_xml_like_data
from opto.optimizers.utils import truncate_expression as _truncate_expression

if TYPE_CHECKING:
    from opto.trace.nodes import ParameterNode

__all__ = [
    "OptimizerPromptSymbolSet",
    "OptimizerPromptSymbolSet2",
    "OptimizerPromptSymbolSetJSON",
    "OptoPrimeV2",
    "ProblemInstance",
    "extract_xml_like_data",
]


class OptoPrimeV2(PromptOptimizer):
    """One question per step; how it looks and is answered is a symbol set."""

    template: ClassVar[str] = "optoprime_v2"

    def __init__(
        self,
        parameters: Iterable[ParameterNode[Any]],
        llm: Any = None,
        *args: Any,
        max_tokens: int = 8192,
        initial_var_char_limit: int = 2000,
        optimizer_prompt_symbol_set: OptimizerPromptSymbolSet | None = None,
        truncate_expression: Callable[[str, int], str] = _truncate_expression,
        **kwargs: Any,
    ) -> None:
        """Hold parameters and options; those beyond the ones here are `PromptOptimizer`'s.

        Args:
            parameters: What may be changed.
            llm: See `PromptOptimizer`.
            args: None.
            max_tokens: Longest reply, tokens.
            initial_var_char_limit: Longest text of an input, output or intermediate value,
                characters. Variables are never shortened: they have to be rewritten.
            optimizer_prompt_symbol_set: Titles, tags and the form of answers.
            truncate_expression: Shortens a text to about a number of characters.
            kwargs: Options of `PromptOptimizer`.
        """
        super().__init__(parameters, llm, *args, max_tokens=max_tokens, **kwargs)
        if optimizer_prompt_symbol_set is not None:
            self.symbols = optimizer_prompt_symbol_set
        self.initial_var_char_limit = initial_var_char_limit
        self.truncate_expression = truncate_expression

    def look(self) -> Look:
        limit, cut = self.initial_var_char_limit, self.truncate_expression
        return replace(super().look(), char_limit=limit, cut=cut)

    def extract_llm_suggestion(self, response: str) -> dict[str, Any]:
        """`{"reasoning": text, "variables": {name: value}}`, before types."""
        names = [parameter.py_name for parameter in self.parameters]
        said = self.symbols.read(response, names, self._mark)
        return {"reasoning": said.reasoning, "variables": dict(said.values)}
