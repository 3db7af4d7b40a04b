"""OPRO: solutions and their feedback on lines, answers as JSON.

Lives here: what is OPRO's own.
Never here: what it shares with OPROv2 (`opto.optimizers.solutions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from opto.optimizers.lines import LineSymbols
from opto.optimizers.solutions import SolutionOptimizer

if TYPE_CHECKING:
    from opto.trace.nodes import ParameterNode

_SECTIONS = ("instruction", "variables", "constraints", "feedback")


class SolutionLines(LineSymbols):
    """The sections of a problem without a graph."""

    @property
    def default_prompt_symbols(self) -> dict[str, str]:
        titles = super().default_prompt_symbols
        return {section: titles[section] for section in _SECTIONS}


class OPRO(SolutionOptimizer):
    """Better solutions from earlier ones; one question per step."""

    def __init__(
        self,
        parameters: Iterable[ParameterNode[Any]],
        llm: Any = None,
        *args: Any,
        prompt_symbols: Mapping[str, str] | None = None,
        json_keys: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Hold parameters and options; those beyond the ones here are `SolutionOptimizer`'s.

        Args:
            parameters: What may be changed.
            llm: See `PromptOptimizer`.
            args: None.
            prompt_symbols: Other titles, by section.
            json_keys: Other keys of the answer, for this optimizer only.
            kwargs: Options of `SolutionOptimizer` and `PromptOptimizer`.
        """
        super().__init__(parameters, llm, *args, **kwargs)
        self.symbols = SolutionLines(prompt_symbols, json_keys)
