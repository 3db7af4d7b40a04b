"""BRIDGE: which of many demonstrations matter; those few then help to make the next ones.

The program forms English plurals by analogy: the demonstration with the most similar ending lends
its change, so `foot feet` makes `boot beet`. BRIDGE finds out which ones help; no model is asked.
"""

from __future__ import annotations

import re

import opto
from opto.optimizers.search import named
from opto.search import exact_match

SHOWN = """foot feet, cat cats, goose geese, box boxes, man men, city cities, mouse mice
knife knives, ox oxen, dish dishes, tooth teeth, wolf wolves, child children, key keys
person people, bus buses, leaf leaves, dog dogs, chief chiefs, lady ladies, horse horses
match matches, day days, tree trees"""
ASKED = """boot boots, moose mooses, can cans, fox foxes, house houses, life lives, tax taxes
cloth cloths, army armies, wish wishes, shelf shelves, loaf loaves, grief griefs, story stories
wife wives, brush brushes, toy toys, lunch lunches, way ways, gas gases, hat hats, pan pans
root roots, bee bees"""
TRAIN, VAL = ([(*p.split(),) for p in re.split(r", |\n", text)] for text in (SHOWN, ASKED))


def common(a: str, b: str) -> int:
    """How many letters two words have in common at their start."""
    return next((at for at, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))  # noqa: B905


class Plural(opto.Module):
    """Forms plurals."""

    def __init__(self) -> None:
        self.demos = opto.node([], trainable=True, name="demos")

    @opto.bundle()
    def analogy(self, word: str, demos: list[dict[str, str]]) -> str:
        """The word, changed as the demonstration with the most similar ending."""
        if not demos:
            return ""
        near = max(demos, key=lambda demo: common(demo["input"][::-1], word[::-1]))
        kept = common(near["input"], near["output"])
        return word[: len(word) + kept - len(near["input"])] + near["output"][kept:]

    def forward(self, word: str) -> object:
        return self.analogy(word, self.demos)


def right(program: Plural, demos: list[dict[str, str]]) -> int:
    """How many plurals are right with these demonstrations."""
    return sum(program.analogy(word, demos).data == plural for word, plural in VAL)


if __name__ == "__main__":
    result = opto.optimize(
        (program := Plural()),
        TRAIN,
        exact_match,
        valset=VAL,
        optimizer=named("bridge", rounds=2, evaluations=40, size=24),
        budget=opto.Budget(metric=2200),
    )
    result.apply()
    print("kept:", *(demo["input"] for demo in program.demos.data))
    before = right(program, [{"input": word, "output": plural} for word, plural in TRAIN])
    after = right(program, program.demos.data)
    print(f"bridge: {before} of {len(VAL)} right before, {after} after; {result.cost}")
