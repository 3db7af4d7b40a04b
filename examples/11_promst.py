"""PROMST: a task of many steps; people say what kind of failure it was; a tree of prompts.

A robot follows the order of directions its prompt gives, wherever the first free one leads, and
never where it has been. The guide holds the rules that people wrote for failures. The scripted
model moves a direction in front of another, and reads the line of ancestors so as not to go back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

import opto
from opto.optimizers.search import Rewriter, named

MOVES = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
ROOMS = [
    ["S....", ".###.", ".#..G"],
    ["..G..", ".###.", "S...."],
    ["....G", ".##..", "S.#.."],
    ["S..#G", ".#.#.", ".#..."],
    [".#...", "G#.#.", "...#S"],
]


def walk(values: Mapping[str, str], room: list[str]) -> str:
    """Where the robot ends: `goal`, or where and how it failed."""
    cells = {(x, y): c for y, row in enumerate(room) for x, c in enumerate(row) if c != "#"}
    at = next(place for place, cell in cells.items() if cell == "S")
    seen = {at}
    while cells[at] != "G":
        ways = [MOVES[word] for word in re.findall(r"\w+", values["order"]) if word in MOVES]
        steps = [(at[0] + dx, at[1] + dy) for dx, dy in ways]
        free = [step for step in steps if step in cells and step not in seen]
        if not free:
            return f"stuck after {len(seen)} steps"
        at = free[0]
        seen.add(at)
    return "goal"


def guide(end: str, room: list[str]) -> tuple[float, str]:
    """The rules that people wrote for failures; half a point for the way made."""
    if end == "goal":
        return 1.0, "The robot is there."
    goal = next((x, y) for y, row in enumerate(room) for x, c in enumerate(row) if c == "G")
    start = next((x, y) for y, row in enumerate(room) for x, c in enumerate(row) if c == "S")
    wish = "right" if goal[0] > start[0] else "down" if goal[1] > start[1] else "up"
    return 0.0, f"The robot got {end}: prefer {wish}."


def scripted(messages: list[dict[str, str]], seed: int = 0) -> str:
    """Puts a direction that was wished for in front of another one; no order twice."""
    text, numbers = messages[-1]["content"], Random(seed)  # noqa: S311
    old = re.findall(r"<value>\s*(.*?)\s*</value>", text)[-1].split(", ")
    wishes = re.findall(r"prefer (\w+)", text) or list(MOVES)
    rest = [word for word in old if word != (wish := numbers.choice(wishes))]
    rest.insert(numbers.randrange(3), wish)
    if (order := ", ".join(rest)) in text:
        order = ", ".join(numbers.sample(sorted(MOVES), 4))
    return f"<variable><name>order</name><value>{order}</value></variable>"


if __name__ == "__main__":
    start = {"order": "down, left, right, up"}
    spec = named("promst", children=3)
    program, budget = (start, walk), opto.Budget(metric=200, llm=40)
    result = opto.optimize(
        program, ROOMS, guide, optimizer=spec.algorithm(Rewriter(scripted)), budget=budget
    )
    before, after = (
        sum(walk(values, room) == "goal" for room in ROOMS) for values in (start, result.values)
    )
    print(f"promst: {before} of {len(ROOMS)} rooms before, {after} after; {result.cost}")
