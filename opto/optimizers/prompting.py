"""Optimizers that show a problem to a model and read values from its reply.

Lives here: the composition of problem, asking, reading and reporting; what OptoPrime, OptoPrimeV2,
OPRO, OPROv2 and OptoPrimeMulti share.
Never here: any of these parts; what makes one of these optimizers different.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from opto.optimizers.asking import Asker
from opto.optimizers.buffers import FIFOBuffer
from opto.optimizers.errors import NoFeedback, OptionError, UnreadableReply
from opto.optimizers.exchange import Question, Result, exchange
from opto.optimizers.installing import Update, read_out
from opto.optimizers.optimizer import Optimizer
from opto.optimizers.options import refuse
from opto.optimizers.problem import ProblemInstance, Summary, summary_of
from opto.optimizers.prompt_text import Look, Past, Prompt, build_problem, build_prompt, remembered
from opto.optimizers.reading.suggestion import Suggestion
from opto.optimizers.symbols import OptimizerPromptSymbolSet
from opto.optimizers.utils import say
from opto.trace.propagators.graph_propagator import TraceGraph

if TYPE_CHECKING:
    from opto.trace.nodes import ParameterNode
    from opto.trace.propagators import AbstractPropagator

Verbose = bool | Literal["output"]
_log = logging.getLogger("opto.optimizers")


class PromptOptimizer(Optimizer):
    """One prompt per step, for all parameters together."""

    default_objective: ClassVar[str] = (
        "Change the values of the variables so that the outputs become better in the way the "
        "feedback asks."
    )
    template: ClassVar[str]
    """Name of the prompt file."""

    def __init__(  # noqa: PLR0913  (Trace's signature)
        self,
        parameters: Iterable[ParameterNode[Any]],
        llm: Any = None,
        *args: Any,
        propagator: AbstractPropagator | None = None,
        objective: str | None = None,
        ignore_extraction_error: bool = True,
        include_example: bool = False,
        memory_size: int = 0,
        max_tokens: int = 4096,
        log: bool = True,
        use_json_object_format: bool = True,
        budget_tokens: int = 8_000,
        repair: int = 1,
        **kwargs: Any,
    ) -> None:
        """Hold parameters and options; the model is opened at the first call.

        Args:
            parameters: What may be changed.
            llm: An `LM`, a model spec, a callable that takes `messages=`, or None for the
                configured model.
            args: None.
            propagator: A rule that carries a `TraceGraph`; None for the usual one.
            objective: What to do, in words; None for the default.
            ignore_extraction_error: False makes a reply of which nothing can be used an error.
            include_example: Put a worked example before the problem.
            memory_size: How many earlier attempts the prompt shows.
            max_tokens: Longest reply, tokens.
            log: Keep prompts and replies of all steps in `log`.
            use_json_object_format: Ask the server for JSON where the answer is JSON.
            budget_tokens: Room for the trace in the prompt, tokens.
            repair: How often to ask again, with the errors, when a reply cannot be used whole.
            kwargs: None.

        Raises:
            ParameterError: See `Optimizer`.
            OptionError: An option is unknown or cannot be.
        """
        super().__init__(parameters, *args, propagator=propagator, **kwargs)
        for name, value, least in (
            ("max_tokens", max_tokens, 1),
            ("budget_tokens", budget_tokens, 1),
            ("repair", repair, 0),
        ):
            if value < least:
                raise OptionError(f"{name} cannot be {value}.", fix=f"Use at least {least}.")
        self.asker = Asker(llm)
        self.objective = objective or self.default_objective
        self.ignore_extraction_error = ignore_extraction_error
        self.include_example = include_example
        self.max_tokens = max_tokens
        self.use_json_object_format = use_json_object_format
        self.budget_tokens = budget_tokens
        self.repair = repair
        self.log: list[dict[str, Any]] | None = [] if log else None
        self.summary_log: list[dict[str, Any]] | None = [] if log else None
        self.memory: FIFOBuffer[dict[str, Any]] = FIFOBuffer(memory_size)
        self.symbols = self._default_symbols()
        self._mark = ""

    def _default_symbols(self) -> OptimizerPromptSymbolSet:
        return OptimizerPromptSymbolSet()

    @property
    def llm(self) -> Any:
        """The model as it was given; assignable."""
        return self.asker.llm

    @llm.setter
    def llm(self, llm: Any) -> None:
        self.asker = Asker(llm)

    @property
    def prompt_symbols(self) -> dict[str, str]:
        """Section to title."""
        return self.symbols.default_prompt_symbols

    def summarize(self) -> Summary:
        """The feedback on the parameters, and the trace it is about, as text.

        Raises:
            NoFeedback: There is none, or the propagator carries something else.
        """
        from opto.trace.render import render  # noqa: PLC0415  (the first step, not the import)

        heard = [
            part
            for parameter in self._trainable()
            for parts in parameter.feedback.values()
            for part in parts
        ]
        odd = {type(part).__name__ for part in heard if not isinstance(part, TraceGraph)}
        if odd or not heard:
            raise NoFeedback(
                f"{type(self).__name__} needs feedback with a trace; there is "
                f"{', '.join(sorted(odd)) or 'none'}.",
                fix="Call backward(output, feedback) first, with a propagator that carries "
                "TraceGraph, as the default one does.",
            )
        return summary_of(render(self.trace_graph, budget_tokens=self.budget_tokens))

    def look(self) -> Look:
        """How the prompt looks."""
        return Look(
            template=self.template, symbols=self.symbols, include_example=self.include_example
        )

    def past(self) -> list[Past]:
        """The earlier attempts that the prompt shows."""
        return list(self.memory)

    def problem_instance(
        self, summary: Summary, mask: Iterable[str] | None = None
    ) -> ProblemInstance:
        """The problem in sections, without those that `mask` names by title."""
        return build_problem(self.look(), summary, objective=self.objective, mask=mask)

    def prompt(self, summary: Summary, mask: Iterable[str] | None = None) -> Prompt:
        """What the model is asked about `summary`."""
        made = build_prompt(
            self.look(), summary, objective=self.objective, mask=mask, past=self.past()
        )
        self._mark = made.mark
        return made

    def construct_prompt(
        self, summary: Summary, mask: Iterable[str] | None = None
    ) -> tuple[str, str]:
        """The system prompt and the user prompt."""
        made = self.prompt(summary, mask)
        return made.system, made.user

    def replace_symbols(self, text: str, symbols: Mapping[str, str]) -> str:
        """`text` as it is: titles are put in when a prompt is made, never searched for later."""
        del symbols
        return text

    def call_llm(
        self,
        system_prompt: str,
        user_prompt: str,
        verbose: Verbose = False,  # noqa: FBT002  (Trace's signature)
        max_tokens: int | None = None,
    ) -> str:
        """The text of the model's reply.

        Raises:
            UnreadableReply: There is none; the message says why.
        """
        messages = (
            {"role": "system", "content": system_prompt},
            {"role": "user", "content": user_prompt},
        )
        said = self.asker(messages, **self._options(max_tokens))
        self._show(verbose, system_prompt, user_prompt, [said.text or said.why])
        if said.text is None:
            raise UnreadableReply("The model gave no text.", where=said.why)
        return said.text

    def extract_llm_suggestion(self, response: str) -> dict[str, Any]:
        """Variable name to value as the reply writes it, before types."""
        names = [parameter.py_name for parameter in self.parameters]
        return dict(self.symbols.read(response, names, self._mark).values)

    def construct_update_dict(self, suggestion: Mapping[str, Any]) -> Update:
        """The values of `suggestion` that parameters can take; others are logged and left out."""
        names = {parameter.py_name: parameter for parameter in self._trainable()}
        readout = read_out(Suggestion(dict(suggestion)), names)
        for outcome in readout.outcomes.values():
            if outcome.refused:
                _log.warning("%s is not used: %s", outcome.name, outcome.refused)
        for why in readout.unknown.values():
            _log.warning("%s", why)
        return readout.values

    def _trainable(self) -> list[ParameterNode[Any]]:
        return [parameter for parameter in self.parameters if parameter.trainable]

    def _step(
        self,
        verbose: Verbose = False,  # noqa: FBT002  (Trace's signature)
        mask: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> Update:
        """Ask once, repair once, and report.

        Args:
            verbose: True prints prompts and replies, "output" only replies.
            mask: Titles of sections to leave out.
            kwargs: What `_ask` of this optimizer takes.
        """
        summary = self.summarize()
        prompt = self.prompt(summary, mask)
        question = self.question(summary, prompt)
        outcome = self._ask(question, summary, **kwargs)
        self._show(verbose, prompt.system, prompt.user, outcome.report.replies)
        self._remember(summary, outcome)
        return self._finished(outcome)

    def question(self, summary: Summary, prompt: Prompt) -> Question:
        """`prompt` with how its answer is read."""
        names = summary.names
        return Question(
            messages=prompt.messages,
            names=names,
            read=lambda text: self.symbols.read(text, names, prompt.mark),
            form=prompt.form,
            options=self._options(None),
        )

    def _options(self, max_tokens: int | None) -> dict[str, Any]:
        as_json = self.symbols.expect_json and self.use_json_object_format
        form = {"type": "json_object"} if as_json else None
        return {"max_tokens": max_tokens or self.max_tokens, "response_format": form}

    def _ask(self, question: Question, summary: Summary, **kwargs: Any) -> Result:
        """The model's values for `question`."""
        del summary
        refuse(type(self), kwargs)
        return exchange(self.asker, question, repair=self.repair)

    def _remember(self, summary: Summary, outcome: Result) -> None:
        del outcome
        if self.memory.size:
            self.memory.add(remembered(summary))

    def _finished(self, outcome: Result) -> Update:
        """Keep the account; nothing that went wrong stays unsaid."""
        report = self.last = outcome.report
        if self.log is not None and self.summary_log is not None:
            self.log.append(
                {
                    "system_prompt": report.system_prompt,
                    "user_prompt": report.user_prompt,
                    "response": report.replies[-1] if report.replies else None,
                    "replies": list(report.replies),
                    "status": report.status,
                    "problems": list(report.problems),
                }
            )
            self.summary_log.append({"problem_instance": report.user_prompt})
        if not report.ok:
            _log.warning(
                "%s: %s. %s", type(self).__name__, report.status, " ".join(report.problems)
            )
        nothing = report.status in {"unparseable", "rejected", "model_failed"}
        if nothing and not self.ignore_extraction_error:
            raise UnreadableReply(
                f"The step changed nothing: {report.status}.", where="\n".join(report.problems)
            )
        return outcome.values

    def _show(self, verbose: Verbose, system: str, user: str, replies: Iterable[str]) -> None:
        if not verbose:
            return
        if verbose != "output":
            say(f"Prompt\n{system}\n\n{user}")
        for reply in replies:
            say(f"LLM response:\n{reply}")

    def state(self) -> dict[str, Any]:
        return {"objective": self.objective, "memory": list(self.memory)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.objective = str(state["objective"])
        self.memory.restore(state["memory"])
