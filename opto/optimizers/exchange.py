"""One question to a model and, if the answer cannot be used whole, one repair.

Lives here: `exchange`, the order ask, read, ask again with the errors, keep what is good.
Never here: prompts of optimizers, forms of answers, installing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opto.optimizers.asking import Asker, Said
from opto.optimizers.installing import Readout, Update, read_out
from opto.optimizers.reading.names import MISSPELT
from opto.optimizers.reading.suggestion import Suggestion
from opto.optimizers.report import Outcome, StepReport, status_of

if TYPE_CHECKING:
    from opto.trace.nodes import ParameterNode

Message = Mapping[str, str]
_REPLY_SHOWN = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and how the answer is read."""

    messages: tuple[Message, ...]
    names: Mapping[str, ParameterNode[Any]]
    read: Callable[[str], Suggestion]
    form: str
    """How to answer, in words, for the repair."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """For the model: max_tokens, temperature, response_format."""


@dataclass(slots=True)
class Record:
    """What was said in one step so far."""

    replies: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    usage: list[Any] = field(default_factory=list)
    calls: int = 0

    def note(self, said: Said) -> Said:
        """Remember one call."""
        self.calls += 1
        if said.usage is not None:
            self.usage.append(said.usage)
        if said.text is None:
            self.problems.append(said.why)
        else:
            self.replies.append(said.text)
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Values to install, and the account."""

    values: Update
    report: StepReport


def exchange(ask: Asker, question: Question, *, repair: int = 1) -> Result:
    """Ask, read, and ask at most `repair` times again with what was wrong.

    The readable part of all replies is kept; of two values for one variable the later one.
    """
    record = Record()
    said = record.note(ask(question.messages, **question.options))
    if said.text is None:
        return result(question, Readout({}, {}, {}), record, failed=True)
    return settle(ask, question, said, record, repair=repair)


def settle(
    ask: Asker, question: Question, said: Said, record: Record, *, repair: int = 1
) -> Result:
    """Read a reply that is there, and ask again where it cannot be used whole."""
    total = _read(question, said)
    record.problems.extend(_complaints(total))
    for _ in range(repair):
        if not _worth_repairing(total):
            break
        again_said = record.note(ask(_repair(question, said, total), **question.options))
        if again_said.text is None:
            break
        said = again_said
        again = _read(question, said)
        record.problems.extend(_complaints(again))
        total = _merged(total, again)
    return result(question, total, record)


def result(question: Question, readout: Readout, record: Record, *, failed: bool = False) -> Result:
    """The values with the account of how they came."""
    unknown = (Outcome(name, refused=why) for name, why in readout.unknown.items())
    outcomes = (*readout.outcomes.values(), *unknown)
    status = "model_failed" if failed else status_of(outcomes, no_change=readout.no_change)
    report = StepReport(
        status=status,
        outcomes=outcomes,
        problems=tuple(dict.fromkeys(record.problems)),
        reasoning=readout.reasoning,
        system_prompt=_content(question.messages, "system"),
        user_prompt=_content(question.messages, "user"),
        replies=tuple(record.replies),
        calls=record.calls,
        usage=tuple(record.usage),
    )
    return Result(values=readout.values, report=report)


def _read(question: Question, said: Said) -> Readout:
    readout = read_out(question.read(said.text or ""), question.names)
    if not said.cut:
        return readout
    cut = "The reply was cut off at the limit of tokens."
    return readout._replace(problems=(*readout.problems, cut), no_change=False)


def _worth_repairing(total: Readout) -> bool:
    """Was something refused, or nothing understood? Surplus names alone are only reported."""
    refused = any(outcome.refused for outcome in total.outcomes.values())
    misspelt = any(MISSPELT in why for why in total.unknown.values())
    return refused or misspelt or not (total.values or total.no_change)


def _complaints(readout: Readout) -> Sequence[str]:
    bad = [f"{item.name}: {item.refused}" for item in readout.outcomes.values() if item.refused]
    return [*readout.problems, *readout.unknown.values(), *bad]


def _repair(question: Question, said: Said, total: Readout) -> tuple[Message, ...]:
    from opto.prompts.render import render  # noqa: PLC0415  (prompts load when needed)

    errors = "\n".join(f"- {problem}" for problem in _complaints(total))
    turns = render(
        "optimizer_repair", errors=errors or "- It names no variable.", form=question.form
    )
    reply = (said.text or "")[:_REPLY_SHOWN]
    return (
        *question.messages,
        {"role": "assistant", "content": reply},
        *({"role": turn.role, "content": turn.content} for turn in turns),
    )


def _merged(first: Readout, again: Readout) -> Readout:
    """The first reply with what the second makes good; a second refusal spoils nothing."""
    outcomes: dict[str, Outcome] = dict(first.outcomes)
    for name, outcome in again.outcomes.items():
        known = outcomes.get(name)
        if known is None or outcome.installed or known.refused:
            outcomes[name] = outcome
    surplus = {name: why for name, why in first.unknown.items() if MISSPELT not in why}
    return Readout(
        first.values | again.values,
        outcomes,
        surplus | dict(again.unknown),
        again.problems,
        again.reasoning or first.reasoning,
        again.no_change and not first.outcomes,
    )


def _content(messages: Sequence[Message], role: str) -> str:
    return next((item["content"] for item in messages if item["role"] == role), "")
