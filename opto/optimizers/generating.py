"""Several answers to one problem: ways to get answers that differ.

Lives here: one function per technique; each gives texts, and failed calls are in the record.
Never here: choosing among answers (`opto.optimizers.choosing`), reading them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from opto.optimizers.asking import Asker, Message
from opto.optimizers.exchange import Record
from opto.optimizers.problem import fence

EXPERTS = (
    "careful engineer who changes as little as possible",
    "mathematician who works out the exact answer",
    "tester who thinks of the cases that go wrong",
    "researcher who tries a new way",
    "reviewer who wants simple and clear solutions",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What several answers are wanted to."""

    ask: Asker
    messages: tuple[Message, ...]
    options: dict[str, Any]
    count: int
    temperatures: tuple[float, float]
    """Lowest and highest."""
    experts: Sequence[str]
    record: Record

    def temperature(self, at: int) -> float:
        """The temperature of answer `at`, spread evenly."""
        low, high = self.temperatures
        return low if self.count == 1 else low + (high - low) * at / (self.count - 1)

    def call(self, *extra: Message, temperature: float | None = None) -> str | None:
        """One answer; None, and noted, if there is none."""
        said = self.record.note(
            self.ask((*self.messages, *extra), **self.options, temperature=temperature)
        )
        return said.text


def by_temperature(plan: Plan) -> list[str]:
    """The same question at temperatures from the lowest to the highest."""
    if plan.count > 1 and not plan.ask.takes("temperature"):
        plan.record.problems.append("The model takes no temperature, so answers may be the same.")
    given = (plan.call(temperature=plan.temperature(at)) for at in range(plan.count))
    return [text for text in given if text is not None]


def by_refinement(plan: Plan) -> list[str]:
    """Each answer improves the one before."""
    answers: list[str] = []
    for _ in range(plan.count):
        extra = (_said(answers[-1]), _words("multi_refine")) if answers else ()
        text = plan.call(*extra, temperature=plan.temperatures[0])
        if text is not None:
            answers.append(text)
    return answers


def by_alternatives(plan: Plan) -> list[str]:
    """Each answer must differ from all before."""
    answers: list[str] = []
    for at in range(plan.count):
        extra = (_words("multi_different", answers=numbered(answers)),) if answers else ()
        text = plan.call(*extra, temperature=plan.temperature(at))
        if text is not None:
            answers.append(text)
    return answers


def by_experts(plan: Plan) -> list[str]:
    """Each answer is given in the role of another expert."""
    answers: list[str] = []
    for at in range(plan.count):
        role = plan.experts[at % len(plan.experts)]
        text = plan.call(_words("multi_expert", expert=role), temperature=plan.temperatures[0])
        if text is not None:
            answers.append(text)
    return answers


TECHNIQUES: dict[str, Callable[[Plan], list[str]]] = {
    "temperature_variation": by_temperature,
    "self_refinement": by_refinement,
    "iterative_alternatives": by_alternatives,
    "multi_experts": by_experts,
}


def numbered(answers: Sequence[str]) -> str:
    """Answers in fences, with their numbers."""
    return "\n".join(f"{number}.\n{fence(text)}" for number, text in enumerate(answers, start=1))


def _said(text: str) -> Message:
    return {"role": "assistant", "content": text}


def _words(name: str, **values: str) -> Message:
    from opto.prompts.render import render  # noqa: PLC0415  (prompts load when needed)

    turn = render(name, **values)[0]
    return {"role": turn.role, "content": turn.content}
