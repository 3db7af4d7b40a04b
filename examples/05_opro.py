"""OPRO on its first example, a straight line: the model sees pairs with their scores, nothing else.

The scripted model reads the attempts in the prompt and answers like a careful person: the best pair
so far, a little changed. It never sees the points.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

import opto
from opto.optimizers.search import Rewriter, named

POINTS = [(x, 15 * x + 14) for x in range(1, 51)]
ATTEMPT = re.compile(r"slope: (-?\d+)\nintercept: (-?\d+)\nscore: (\d+)")
MOVES = [(dw, db) for dw in (-4, -1, 0, 1, 4) for db in (-20, -5, -1, 0, 1, 5, 20)]


def predict(values: Mapping[str, int], x: int) -> int:
    """The line, at x."""
    return values["slope"] * x + values["intercept"]


def closeness(output: int, example: tuple[int, int]) -> float:
    """1 on the line, 0.5 at a distance of 20."""
    return 1 / (1 + abs(output - example[1]) / 20)


def scripted(messages: list[dict[str, str]], seed: int = 0) -> str:
    """Reads the attempts, the best last, and changes the best a little."""
    attempts = ATTEMPT.findall(messages[-1]["content"])
    tried = {(int(w), int(b)) for w, b, _ in attempts}
    slope, intercept = (int(number) for number in attempts[-1][:2])
    near = [(slope + dw, intercept + db) for dw, db in MOVES]
    slope, intercept = Random(seed).choice([pair for pair in near if pair not in tried] or near)  # noqa: S311
    return (
        f"<variable><name>slope</name><value>{slope}</value></variable>\n"
        f"<variable><name>intercept</name><value>{intercept}</value></variable>"
    )


if __name__ == "__main__":
    start = {"slope": 3, "intercept": 40}
    result = opto.optimize(
        (start, predict),
        POINTS,
        closeness,
        optimizer=named("opro", slice_size=10, target=1.0).algorithm(Rewriter(scripted)),
        budget=opto.Budget(metric=3000, llm=250),
    )
    before = sum(closeness(predict(start, x), (x, y)) for x, y in POINTS) / len(POINTS)
    after = sum(closeness(predict(result.values, x), (x, y)) for x, y in POINTS) / len(POINTS)
    print(f"y = {result.values['slope']} x + {result.values['intercept']}")
    print(f"opro: {before:.2f} before, {after:.2f} after; {result.cost}")
