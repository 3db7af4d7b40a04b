"""OptoPrimeMulti: several answers to OptoPrime's question, and one chosen or merged from them.

Lives here: the options, and the order generate, choose, read.
Never here: the techniques (`opto.optimizers.generating`, `opto.optimizers.choosing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from opto.optimizers.asking import Message, Said
from opto.optimizers.choosing import CHOOSERS
from opto.optimizers.errors import OptionError
from opto.optimizers.exchange import Question, Record, Result, result, settle
from opto.optimizers.generating import EXPERTS, TECHNIQUES, Plan
from opto.optimizers.installing import Readout
from opto.optimizers.lines import LineSymbols
from opto.optimizers.prompting import PromptOptimizer

if TYPE_CHECKING:
    from opto.optimizers.problem import Summary
    from opto.trace.nodes import ParameterNode

Selector = Callable[[Sequence[str]], str]


class OptoPrimeMulti(PromptOptimizer):
    """Several answers per step; `candidates` has those of the last one."""

    template: ClassVar[str] = "optoprime"

    def __init__(  # noqa: PLR0913  (Trace's signature)
        self,
        parameters: Iterable[ParameterNode[Any]],
        llm: Any = None,
        *args: Any,
        num_responses: int = 3,
        temperature_min_max: Sequence[float] = (0.0, 1.0),
        selector: Selector | None = None,
        generation_technique: str = "temperature_variation",
        selection_technique: str = "best_of_n",
        experts_list: Sequence[str] | None = None,
        prompt_symbols: Mapping[str, str] | None = None,
        json_keys: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Hold parameters and options; those beyond the ones here are `PromptOptimizer`'s.

        Args:
            parameters: What may be changed.
            llm: See `PromptOptimizer`.
            args: None.
            num_responses: How many answers to get.
            temperature_min_max: Lowest and highest temperature.
            selector: Chooses among the texts of the answers instead of `selection_technique`.
            generation_technique: temperature_variation, self_refinement, iterative_alternatives
                or multi_experts.
            selection_technique: best_of_n, moa, majority or last_of_n.
            experts_list: The roles of multi_experts.
            prompt_symbols: Other titles, by section.
            json_keys: Other keys of the answer, for this optimizer only.
            kwargs: Options of `PromptOptimizer`.

        Raises:
            OptionError: An option is unknown or cannot be.
        """
        super().__init__(parameters, llm, *args, **kwargs)
        self.symbols = LineSymbols(prompt_symbols, json_keys)
        self.num_responses = num_responses
        self.temperature_min_max = list(temperature_min_max)
        self.selector = selector
        self.generation_technique = generation_technique
        self.selection_technique = selection_technique
        self.experts_list = list(EXPERTS if experts_list is None else experts_list)
        self.candidates: list[str] = []
        self._chosen({})

    def _chosen(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options of one step: those given to it, else the optimizer's; checked."""
        names = (
            "num_responses",
            "temperature_min_max",
            "selector",
            "generation_technique",
            "selection_technique",
        )
        if odd := [name for name in given if name not in names]:
            raise OptionError(
                f"OptoPrimeMulti.step has no option {odd[0]!r}.", fix=f"Known: {', '.join(names)}."
            )
        chosen = {name: given.get(name, getattr(self, name)) for name in names}
        for name, known in (
            ("generation_technique", TECHNIQUES),
            ("selection_technique", CHOOSERS),
        ):
            if chosen[name] not in known:
                raise OptionError(
                    f"There is no {name} {chosen[name]!r}.", fix=f"Known: {', '.join(known)}."
                )
        low_high = tuple(chosen["temperature_min_max"])
        if chosen["num_responses"] < 1 or not self.experts_list:
            raise OptionError("At least one answer, and one expert, is needed.")
        if len(low_high) != 2 or not 0 <= low_high[0] <= low_high[1]:  # noqa: PLR2004  (a pair)
            raise OptionError(f"temperature_min_max cannot be {low_high}.", fix="Use (0.0, 1.0).")
        return chosen

    def _ask(self, question: Question, summary: Summary, **kwargs: Any) -> Result:
        """Several answers, one of which is read.

        Args:
            question: The problem.
            summary: The problem's trace.
            kwargs: `num_responses`, `generation_technique`, `selection_technique`, `selector` and
                `temperature_min_max` for this step.
        """
        del summary
        chosen = self._chosen(kwargs)
        plan = self._plan(question.messages, dict(question.options), chosen)
        answers = self.candidates = TECHNIQUES[chosen["generation_technique"]](plan)
        if not answers:
            return result(question, Readout({}, {}, {}), plan.record, failed=True)
        selector = chosen["selector"]
        if selector is not None:
            text = selector(answers)
        else:
            text = CHOOSERS[chosen["selection_technique"]](plan, question, answers)
        return settle(self.asker, question, Said(text), plan.record, repair=self.repair)

    def _plan(
        self, messages: tuple[Message, ...], options: dict[str, Any], chosen: Mapping[str, Any]
    ) -> Plan:
        low, high = chosen["temperature_min_max"]
        return Plan(
            ask=self.asker,
            messages=messages,
            options=options,
            count=chosen["num_responses"],
            temperatures=(low, high),
            experts=self.experts_list,
            record=Record(),
        )

    def generate_candidates(
        self,
        summary: Summary | None,
        system_prompt: str,
        user_prompt: str,
        **kwargs: Any,
    ) -> list[str]:
        """Answers to a prompt; `kwargs` as for `step`. Fewer than wanted where calls fail."""
        del summary
        chosen = self._chosen(kwargs)
        messages = (
            {"role": "system", "content": system_prompt},
            {"role": "user", "content": user_prompt},
        )
        plan = self._plan(messages, self._options(None), chosen)
        self.candidates = TECHNIQUES[chosen["generation_technique"]](plan)
        return self.candidates
