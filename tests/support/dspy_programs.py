"""A strict model for dspy programs, and a program with one and with two predictors."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dspy
from dspy import lm15

from opto.search import Evaluate

Fields = Mapping[str, str]
Answer = Callable[[str, Fields], Fields | str | Exception]
"""From the system message and the fields of the last turn to the fields of the reply, a whole reply
as text, or an error."""


class FakeEngine:
    """Answers by a function; what the function does not expect is its AssertionError."""

    def __init__(self, answer: Answer, *, delay_s: Callable[[], float] = lambda: 0.0) -> None:
        self.answer, self.delay_s = answer, delay_s
        self.asked: list[Any] = []
        self.lock = threading.Lock()

    def complete(self, request: Any) -> Any:
        with self.lock:
            self.asked.append(request)
        time.sleep(self.delay_s())
        said = self.answer(str(request.system or ""), fields(request.messages[-1].text))
        if isinstance(said, Exception):
            raise said
        return response(said if isinstance(said, str) else marked(said))

    def __deepcopy__(self, memo: dict[int, Any]) -> FakeEngine:
        raise AssertionError("a model is shared, not copied")


class FakeAsyncEngine:
    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    async def complete(self, request: Any) -> Any:
        return self.engine.complete(request)


def fake_lm(answer: Answer, *, cache: bool = False, **options: Any) -> Any:
    """A `dspy.LM` that answers by `answer`; every answer took 10 tokens in and 5 out."""
    engine = FakeEngine(answer, **options)
    return dspy.LM("fake/model", engine=engine, async_engine=FakeAsyncEngine(engine), cache=cache)


def response(text: str) -> Any:
    return lm15.Response(
        id=None,
        model="fake/model",
        message=lm15.Message.assistant(text),
        finish_reason="stop",
        usage=lm15.Usage(input_tokens=10, output_tokens=5),
    )


def fields(text: str) -> dict[str, str]:
    """The fields of a message as dspy's chat adapter writes them."""
    body = text.partition("\n\nRespond with")[0]
    found = re.findall(r"\[\[ ## (\w+) ## \]\]\n(.*?)(?=\n\n\[\[|\Z)", body, re.DOTALL)
    return {name: value.strip() for name, value in found}


def marked(said: Fields) -> str:
    return "\n\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in said.items())


def adds(system: str, asked: Fields) -> Fields:
    """Adds two numbers; in digits only if it is told to give a number."""
    first, second = re.findall(r"\d+", asked["question"])
    total = int(first) + int(second)
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return {"answer": str(total) if "number" in system else words[total]}


def sums(count: int = 4) -> list[Any]:
    """Questions whose answers are 4, 5, ..."""
    made = [dspy.Example(question=f"{n} + 4?", answer=str(n + 4)) for n in range(count)]
    return [example.with_inputs("question") for example in made]


def exact(example: Any, prediction: Any, trace: Any = None) -> bool:
    """A metric as dspy's users write it."""
    return bool(example.answer == prediction.answer)


class TwoSteps(dspy.Module):
    """Takes the numbers out of a text, then adds them."""

    def __init__(self) -> None:
        super().__init__()
        self.find = dspy.Predict("text -> question")
        self.add = dspy.Predict("question -> answer")

    def forward(self, text: str) -> Any:
        found = self.find(text=text)
        return self.add(question=found.question)


def both_steps(system: str, asked: Fields) -> Fields:
    """The model of `TwoSteps`: each step has a mistake of its own until it is told better."""
    if "text" in asked:
        first, second = re.findall(r"\d+", asked["text"])
        return {"question": f"{first} + {second}?" if "both" in system else f"{first} + 0?"}
    return adds(system, asked)


def texts(count: int = 4) -> list[Any]:
    """Texts with two numbers of which the second is 3."""
    made = [dspy.Example(text=f"{n} pears and 3 nuts", answer=str(n + 3)) for n in range(count)]
    return [example.with_inputs("text") for example in made]


def rewrites(**values: str) -> Callable[..., str]:
    """A proposer's model that always proposes these values; `__` stands for a point."""
    blocks = [
        f"<variable><name>{name.replace('__', '.')}</name><value>{value}</value></variable>"
        for name, value in values.items()
    ]
    return lambda messages, **options: "\n".join(blocks)


@dataclass(frozen=True)
class Fixed:
    """Measures the seed on everything, so often, and recommends it."""

    reps: int = 1
    name: str = "fixed"
    reserve: float = 0.0

    def describe(self) -> dict[str, Any]:
        return {}

    def run(self, view: Any) -> Any:
        everything = range(view.size("val"))
        for rep in range(self.reps):
            yield [Evaluate(view.task.seed, example, rep=rep) for example in everything]
        return view.task.seed

    def propose(self, action: Any, parents: Any, stream: Any) -> Any:
        raise AssertionError("nothing is proposed")
