"""The prompt of a step, from a summary of the trace and a set of symbols.

Lives here: `Prompt` and building it; the worked example. All of it is pure.
Never here: the words of prompts (`opto/prompts`), models, reading of answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from opto.optimizers.problem import (
    SECTIONS,
    ProblemInstance,
    Summary,
    guard,
    mark_for,
    middle_cut,
    shorten,
    without,
)
from opto.optimizers.symbols import OptimizerPromptSymbolSet

if TYPE_CHECKING:
    from opto.trace.render import Rendered, Shown

Past = Mapping[str, Any]
"""An earlier attempt: `variables` (name, type and text of each), `feedback`, perhaps `score`."""


class Prompt(NamedTuple):
    """What a model is asked."""

    system: str
    user: str
    mark: str
    """The id that values in the answer were asked to bear; empty for none."""
    form: str
    """How to answer, in words."""

    @property
    def messages(self) -> tuple[dict[str, str], ...]:
        return (
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What stays the same from step to step: which words, symbols and limits."""

    template: str
    symbols: OptimizerPromptSymbolSet
    include_example: bool = False
    every_variable: bool = False
    """Ask for a value of every variable, not only of those that should change."""
    char_limit: int | None = None
    """Longest text of a value that is only to be read, characters; None for no limit."""
    cut: Callable[[str, int], str] = middle_cut
    order: str = "latest"
    """Which of the earlier attempts is shown last."""


def build_prompt(
    look: Look,
    summary: Summary,
    *,
    objective: str,
    mask: Iterable[str] | None = None,
    past: Sequence[Past] = (),
) -> Prompt:
    """The prompt for `summary`.

    Raises:
        OptionError: `mask` names a section there is not.
    """
    symbols, rendered = look.symbols, summary.rendered
    mark = mark_for(_texts(rendered, past))
    shown_mark = mark if symbols.hostile(_texts(rendered, past)) else ""
    answer_mark = mark if shown_mark or symbols.needs_mark(rendered.variables) else ""
    if not symbols.needs_mark(rendered.variables) and symbols.expect_json:
        answer_mark = ""
    problem = build_problem(look, summary, objective=objective, mask=mask, mark=shown_mark)
    parts = [
        _example(look, objective) if look.include_example else "",
        str(problem),
        _past(look, past, shown_mark),
        _ending(look, rendered.variables, answer_mark),
    ]
    form = "\n\n".join(
        filter(None, (symbols.output_format, answer_mark and symbols.ask_for_mark(answer_mark)))
    )
    system, user = _fill(look, "\n\n".join(filter(None, parts)))
    return Prompt(system, user, answer_mark, form)


def build_problem(
    look: Look,
    summary: Summary,
    *,
    objective: str,
    mask: Iterable[str] | None = None,
    mark: str = "",
) -> ProblemInstance:
    """The sections of `summary` that are not masked, in their order."""
    symbols, rendered = look.symbols, summary.rendered
    titles = symbols.default_prompt_symbols
    hidden = without(mask, titles)

    def limited(shown: Sequence[Shown]) -> Sequence[Shown]:
        return shown if look.char_limit is None else shorten(shown, look.char_limit, look.cut)

    def values(shown: Sequence[Shown]) -> str:
        return "\n".join(symbols.node(item, mark) for item in limited(shown))

    def plain(lines: Iterable[str]) -> str:
        return guard("\n".join(lines), titles.values())

    constraint = getattr(symbols, "constraint", None)
    bodies: dict[str, Callable[[], str]] = {
        "instruction": lambda: plain([objective]),
        "code": lambda: plain(rendered.code),
        "documentation": lambda: plain(rendered.documentation),
        "variables": lambda: "\n".join(symbols.variable(v, mark) for v in rendered.variables),
        "constraints": lambda: "\n".join(
            constraint(v) for v in rendered.variables if v.constraint and constraint is not None
        ),
        "inputs": lambda: values(rendered.inputs),
        "others": lambda: values(rendered.others),
        "outputs": lambda: values(rendered.outputs),
        "feedback": lambda: plain([rendered.feedback]),
    }
    wanted = [section for section in SECTIONS if section in titles and section not in hidden]
    return ProblemInstance(tuple((titles[section], bodies[section]()) for section in wanted))


def _texts(rendered: Rendered, past: Sequence[Past]) -> list[str]:
    """Everything in the problem that comes from the program or its user."""
    shown = (*rendered.variables, *rendered.inputs, *rendered.others, *rendered.outputs)
    return [
        *(item.text for item in shown),
        *(item.constraint or "" for item in shown),
        *rendered.code,
        *rendered.documentation,
        rendered.feedback,
        *(text for item in past for text in _past_texts(item)),
    ]


def _past_texts(item: Past) -> list[str]:
    return [*(text for _, _, text in item["variables"]), str(item["feedback"])]


def _past(look: Look, past: Sequence[Past], mark: str) -> str:
    if not past:
        return ""
    rounds = [
        look.symbols.past(
            number,
            [_shown(*variable) for variable in item["variables"]],
            str(item["feedback"]),
            mark,
        )
        for number, item in enumerate(past, start=1)
    ]
    return _one("optimizer_past", rounds="\n".join(rounds), order=look.order)


def _ending(look: Look, variables: Sequence[Shown], mark: str) -> str:
    names = ", ".join(" ".join(item.name.split()) for item in variables)
    lines = [
        f"Now answer. You may change only: {names}.",
        "Give a value for every one of them." if look.every_variable else "",
        look.symbols.ask_for_mark(mark) if mark else "",
    ]
    return "\n".join(filter(None, lines))


def _fill(look: Look, parts: str) -> tuple[str, str]:
    from opto.prompts.render import render, slots  # noqa: PLC0415  (prompts load when needed)

    symbols = look.symbols
    offered = {
        **symbols.default_prompt_symbols,
        "variable_tag": symbols.variable_tag,
        "node_tag": symbols.node_tag,
        "value_tag": symbols.value_tag,
        "constraint_tag": symbols.constraint_tag,
        "output_format": symbols.output_format,
        "parts": parts,
    }
    turns = render(look.template, **{name: offered[name] for name in slots(look.template)})
    return turns[0].content, turns[1].content


def _one(template: str, **values: str) -> str:
    """The only message of a template."""
    from opto.prompts.render import render  # noqa: PLC0415

    return render(template, **values)[0].content


def _example(look: Look, objective: str) -> str:
    """A worked problem in the same look as the real one, with an answer that is right."""
    problem = build_problem(look, _example_summary(), objective=objective)
    why = "The result is 12 too low, so a0 goes up by 12, from 5 to 17, which is below 30."
    if "code" in look.symbols.default_prompt_symbols:
        why = "add0 is a0 + y = 5 + 3 = 8. For 20, a0 must be 20 - 3 = 17, which is below 30."
    answer = look.symbols.example_output(why, {"a0": 17})
    return _one("optimizer_example", problem=str(problem), answer=answer)


def _example_summary() -> Summary:
    from opto.trace.render import Rendered  # noqa: PLC0415

    return Summary(
        Rendered(
            code=("add0 = add(x=a0, y=y)",),
            documentation=("[add] The sum of x and y.",),
            variables=(_shown("a0", "int", "5", "below 30"),),
            inputs=(_shown("y", "int", "3"),),
            others=(),
            outputs=(_shown("add0", "int", "8"),),
            feedback="The result is 8 and should be 20.",
            tokens=0,
            folded=0,
            shortened=0,
        ),
        {},
    )


def _shown(name: str, type_name: str, text: str, constraint: str | None = None) -> Shown:
    from opto.trace.render import Shown as Made  # noqa: PLC0415

    return Made(None, name, type_name, text, constraint, True)  # type: ignore[arg-type]  # noqa: FBT003


def remembered(summary: Summary, **more: Any) -> dict[str, Any]:
    """The present attempt as JSON values, for memories."""
    shown = summary.rendered.variables
    variables = [[item.name, item.type_name, item.text] for item in shown]
    return {"variables": variables, "feedback": summary.rendered.feedback, **more}
