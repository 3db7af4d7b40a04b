"""Revert and beam search: one trajectory that never gets worse, or the best few side by side.

A packing list may weigh 15 kg; its score is the use of what is in it. The scripted model takes one
thing out or puts one in. From a full bag every single change is worse, so the trajectory stays
where it is, while a beam carries the second best along until it pays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

import opto
from opto.optimizers.search import Rewriter, named

THINGS = {"tent": (6, 10), "stove": (4, 7), "books": (5, 4), "boots": (3, 5), "camera": (2, 4)}
THINGS |= {"guitar": (7, 6), "food": (5, 9), "lamp": (1, 2), "chair": (4, 3), "radio": (2, 1)}
MOST = sum(use for _, use in THINGS.values())


def use(values: Mapping[str, str], limit_kg: int) -> float:
    """The use of the things in the list; each kg too many costs 5."""
    weights, uses = zip(*(THINGS[name] for name in values["bag"].split()), strict=True)
    return sum(uses) - 5 * max(0, sum(weights) - limit_kg)


def scripted(messages: list[dict[str, str]], seed: int = 0) -> str:
    """Takes one thing out of the present list, or puts one in."""
    bag = re.findall(r"<value>\s*(.*?)\s*</value>", messages[-1]["content"])[-1].split()
    thing = Random(seed).choice(sorted(THINGS))  # noqa: S311
    bag = sorted({*bag} ^ {thing}) or [thing]
    return f"<variable><name>bag</name><value>{' '.join(bag)}</value></variable>"


if __name__ == "__main__":
    start = {"bag": "books chair guitar"}
    specs = [named("revert", size=1), named("beam", width=4, children=4, size=1)]
    for spec in specs:
        result = opto.optimize(
            (start, use),
            [15],
            lambda points, _: points / MOST,
            optimizer=spec.algorithm(Rewriter(scripted)),
            budget=opto.Budget(metric=400, llm=300),
        )
        before, after = use(start, 15), use(result.values, 15)
        print(f"{spec.name}: {before} before, {after} after; {result.cost}: {result.values['bag']}")
