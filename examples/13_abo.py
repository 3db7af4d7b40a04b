"""ABO: a prompt written as steps; the step where the behavior first deviates is rewritten.

The program cleans product names in four steps, each with its own instruction. The feedback says
where the result first differs from what a person did, so only that step is rewritten; the scripted
model knows ten instructions and tries one that is not in the question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random

import opto
from opto.optimizers.search import Rewriter, named

TOOLS: dict[str, Callable[[str], str]] = {
    "leave it": lambda text: text,
    "drop brackets": lambda text: re.sub(r"\s*\(.*?\)", "", text),
    "drop digits": lambda text: re.sub(r"\d", "", text),
    "write small": str.lower,
    "write large": str.upper,
    "capitalize": str.title,
    "join by hyphens": lambda text: "-".join(text.split()),
    "join words": lambda text: "".join(text.split()),
    "drop the last word": lambda text: text.rsplit(" ", 1)[0],
    "drop the first word": lambda text: text.split(" ", 1)[-1],
}
RIGHT = ["drop brackets", "drop the last word", "write small", "join by hyphens"]
RAW = ["Garden Chair (new) Sale", "Oak Table 90 (used) Offer", "Wall Lamp (set of 2) New"]


def steps(instructions: list[str], text: str) -> list[str]:
    """The text after each step."""
    found = []
    for instruction in instructions:
        text = TOOLS[instruction](text) if instruction in TOOLS else text
        found.append(text)
    return found


def program(values: Mapping[str, str], raw: str) -> list[str]:
    """What the program does with a raw name."""
    return steps(list(values.values()), raw)


def guide(output: list[str], row: tuple[str, list[str]]) -> tuple[float, str]:
    """The share of steps before the first that deviates, which is named."""
    good = [a == b for a, b in zip(output, row[1], strict=True)]
    if all(good):
        return 1.0, "Right."
    first = good.index(False)
    return first / len(good), f"step_{first + 1} gave {output[first]!r}, not {row[1][first]!r}."


def scripted(messages: list[dict[str, str]], seed: int = 0) -> str:
    """Another instruction for the step that is named at the end of the question."""
    text = messages[-1]["content"]
    step = re.findall(r"better values for: (\w+)", text)[-1]
    instruction = Random(seed).choice([name for name in TOOLS if name not in text])  # noqa: S311
    return f"<variable><name>{step}</name><value>{instruction}</value></variable>"


if __name__ == "__main__":
    start = {f"step_{at}": "leave it" for at in range(1, 5)}
    rows = [(raw, steps(RIGHT, raw)) for raw in RAW]
    abo, budget = named("abo").algorithm(Rewriter(scripted)), opto.Budget(metric=400, llm=100)
    result = opto.optimize((start, program), rows, guide, optimizer=abo, budget=budget)
    before, after = (
        sum(guide(program(values, raw), (raw, wanted))[0] for raw, wanted in rows) / len(rows)
        for values in (start, result.values)
    )
    print(*result.values.values(), sep="; ")
    print(f"abo: {before:.2f} before, {after:.2f} after; {result.cost}")
