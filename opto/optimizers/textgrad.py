"""TextGrad: feedback on each value by a call of the model per edge, then a rewrite per parameter.

Source: Yuksekgonul et al., "TextGrad: Automatic Differentiation via Text" (2024). Momentum shows
the gradients of earlier steps. Several gradients on one value are listed, each text once, in the
order of the calls.

Lives here: the two kinds of calls and the account of them all.
Never here: the walk (`text_gradients`), prompts (`opto/prompts`), reading of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from opto.optimizers.buffers import FIFOBuffer
from opto.optimizers.exchange import Question, Record, Result, exchange
from opto.optimizers.installing import Update
from opto.optimizers.options import refuse
from opto.optimizers.problem import Summary, fence, mark_for, middle_cut
from opto.optimizers.prompting import PromptOptimizer, Verbose
from opto.optimizers.reading.one_value import read_one
from opto.optimizers.report import Outcome, Status, StepReport
from opto.optimizers.text_gradients import carry, listed

if TYPE_CHECKING:
    from opto.trace.base import Node
    from opto.trace.nodes import MessageNode, ParameterNode
    from opto.trace.render import Shown

_CHARACTERS = 4
"""Characters of a token, for cutting values."""


class TextGrad(PromptOptimizer):
    """Feedback travels backward edge by edge, in words."""

    template: ClassVar[str] = "textgrad_update"

    def __init__(
        self,
        parameters: Iterable[ParameterNode[Any]],
        llm: Any = None,
        *args: Any,
        momentum: int = 0,
        log: bool = False,
        **kwargs: Any,
    ) -> None:
        """Hold parameters and options; those beyond the ones here are `PromptOptimizer`'s.

        Args:
            parameters: What may be changed.
            llm: See `PromptOptimizer`.
            args: None.
            momentum: Of how many earlier steps the gradients are shown as well.
            log: Keep prompts and replies of all steps in `log`.
            kwargs: Options of `PromptOptimizer` but for `include_example`, `memory_size` and
                `use_json_object_format`. `budget_tokens` bounds each value shown on an edge.

        Raises:
            OptionError: An option is unknown or cannot be.
        """
        refuse(type(self), kwargs, ("include_example", "memory_size", "use_json_object_format"))
        super().__init__(parameters, llm, *args, log=log, **kwargs)
        self.momentum = FIFOBuffer[dict[str, list[str]]](momentum)

    def _step(
        self,
        verbose: Verbose = False,  # noqa: FBT002  (Trace's signature)
        mask: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> Update:
        """One call per edge between parameters and outputs, and one per parameter.

        Args:
            verbose: True prints prompts and replies, "output" only replies.
            mask: None; there are no sections.
            kwargs: None.
        """
        refuse(type(self), {**kwargs, "mask": mask} if mask else kwargs)
        summary = self.summarize()
        record = Record()

        def say(node: MessageNode[Any], parent: Node[Any], feedback: list[str]) -> str | None:
            return self._edge((node, parent), feedback, record, verbose)

        heard = carry(self.trace_graph, say)
        variables = summary.rendered.variables
        gradients = {shown.name: heard.get(id(shown.node), []) for shown in variables}
        results = [self._rewrite(summary, v, gradients[v.name], verbose) for v in variables]
        self.momentum.add(gradients)
        return self._finished(_together(results, record))

    def _edge(
        self,
        edge: tuple[MessageNode[Any], Node[Any]],
        feedback: Sequence[str],
        record: Record,
        verbose: Verbose,
    ) -> str | None:
        """What the model says on an input of a node; None, and noted, if nothing."""
        from opto.prompts.render import render  # noqa: PLC0415  (prompts load when needed)

        node, parent = edge
        arguments = ", ".join(f"{key}={value.py_name}" for key, value in node.inputs.items())
        turns = render(
            "textgrad_edge",
            call=fence(f"{node.py_name} = {node.op_name}({arguments})"),
            documentation=fence(node.description or "(nothing is known)"),
            variable=_one_line(parent.py_name),
            value=fence(self._short(parent.data)),
            result=_one_line(node.py_name),
            output=fence(self._short(node.data)),
            feedback=listed(feedback),
        )
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        said = record.note(self.asker(messages, max_tokens=self.max_tokens))
        self._show(verbose, turns[0].content, turns[1].content, [said.text or said.why])
        if said.text is None or not said.text.strip():
            record.problems.append(f"no feedback came from {node.py_name} to {parent.py_name}")
            return None
        return said.text.strip()

    def _short(self, value: Any) -> str:
        return middle_cut(str(value), _CHARACTERS * self.budget_tokens)

    def _rewrite(
        self, summary: Summary, shown: Shown, feedback: Sequence[str], verbose: Verbose
    ) -> Result:
        """A new value for one parameter."""
        if not feedback:
            lost = (Outcome(shown.name, refused="no feedback reached it"),)
            return Result(values={}, report=StepReport(status="rejected", outcomes=lost))
        question = self._rewriting(summary, shown, feedback)
        answer = exchange(self.asker, question, repair=self.repair)
        report = answer.report
        self._show(verbose, report.system_prompt, report.user_prompt, report.replies)
        return answer

    def _rewriting(self, summary: Summary, shown: Shown, feedback: Sequence[str]) -> Question:
        from opto.prompts.render import render  # noqa: PLC0415

        past = self._past_of(shown.name)
        constraint = shown.constraint or ""
        mark = mark_for([shown.text, constraint, *feedback, past])
        form = render("textgrad_form", mark=mark)[0].content
        aim = "" if self.objective == self.default_objective else self.objective
        turns = render(
            self.template,
            variable=_one_line(shown.name),
            type=shown.type_name,
            value=fence(shown.text),
            constraint=f"\nA new value must keep to this:\n{fence(constraint)}\n"
            if constraint
            else "",
            objective=f"\nThe aim: {aim}\n" if aim else "",
            feedback=listed(feedback),
            past=past,
            form=form,
        )
        return Question(
            messages=tuple({"role": turn.role, "content": turn.content} for turn in turns),
            names={shown.name: summary.names[shown.name]},
            read=lambda text: read_one(text, shown.name, mark=mark),
            form=form,
            options={"max_tokens": self.max_tokens},
        )

    def _past_of(self, name: str) -> str:
        past = [words for step in self.momentum if (words := step.get(name))]
        if not past:
            return ""
        earlier = "\n".join(listed(words) for words in past)
        return f"\nFeedback on earlier values of it, the latest last:\n{earlier}\n"

    def state(self) -> dict[str, Any]:
        return {**super().state(), "momentum": list(self.momentum)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        super().set_state(state)
        self.momentum.restore(state["momentum"])


def _together(results: Sequence[Result], record: Record) -> Result:
    """One account of all calls; the prompt is that of the last rewrite."""
    reports = [item.report for item in results]
    last = reports[-1]
    report = StepReport(
        status=_status({report.status for report in reports}, record),
        outcomes=tuple(outcome for report in reports for outcome in report.outcomes),
        problems=(*record.problems, *(text for report in reports for text in report.problems)),
        system_prompt=last.system_prompt,
        user_prompt=last.user_prompt,
        replies=(*record.replies, *(text for report in reports for text in report.replies)),
        calls=record.calls + sum(report.calls for report in reports),
        usage=(*record.usage, *(usage for report in reports for usage in report.usage)),
    )
    values = {node: value for item in results for node, value in item.values.items()}
    return Result(values=values, report=report)


def _status(found: set[Status], record: Record) -> Status:
    """The status of the whole: the best there is; that nobody answered, if nobody did."""
    if found == {"rejected"} and record.calls and not record.replies:
        return "model_failed"
    best: tuple[Status, ...] = ("parsed", "rejected", "unparseable", "model_failed")
    return next((status for status in best if status in found), "no_change")


def _one_line(name: str) -> str:
    return " ".join(name.split())
