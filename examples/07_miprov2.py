"""MIPROv2: an instruction and a set of demonstrations, chosen together by TPE (needs `optuna`).

The program gives a German noun its article by analogy: it takes the article of the demonstration
that shares most letters with the noun, at the place the instruction names. Nothing else knows any
German. Demonstrations come from training data; the scripted model writes only the instructions.
"""

from __future__ import annotations

import re
from random import Random

import opto
from opto.optimizers.search import Rewriter, named
from opto.search import exact_match

NOUNS = """die Zeitung die Wohnung die Heizung die Rechnung die Meinung die Sendung die Leistung
die Freiheit die Einheit die Krankheit die Mehrheit die Gesundheit das Mädchen das Brötchen
das Hähnchen das Märchen das Häuschen das Kätzchen der Lehrling der Frühling der Säugling
der Zwilling der Feigling der Sperling der Lehrer der Bäcker der Fahrer der Spieler der Maler
der Händler die Lehrerin die Bäckerin die Fahrerin die Malerin die Händlerin die Spielerin"""
WORDS = NOUNS.split()
PAIRS = list(zip(WORDS[1::2], WORDS[::2], strict=True))
TRAIN, VAL = PAIRS[::2], PAIRS[1::2]


def shared(a: str, b: str) -> int:
    """How many letters two words have in common at their start."""
    return next(
        (at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


class Article(opto.Module):
    """Gives a noun its article."""

    def __init__(self) -> None:
        self.instruction = opto.node("Find the article.", trainable=True, name="instruction")
        self.demos = opto.node([], trainable=True, name="demos")

    @opto.bundle()
    def analogy(self, noun: str, instruction: str, demos: list[dict[str, str]]) -> str:
        """The article of the nearest demonstration; nothing where there is none."""
        step = -1 if "ending" in instruction else 1
        if not demos or not re.search("ending|beginning", instruction):
            return "das"
        return max(demos, key=lambda demo: shared(demo["input"][::step], noun[::step]))["output"]

    def forward(self, noun: str) -> object:
        return self.analogy(noun, self.instruction, self.demos)


def scripted(messages: list[dict[str, str]], seed: int = 0) -> str:
    """Thinks of a way to compare two words."""
    del messages
    place = Random(seed).choice(["beginning", "ending", "meaning", "length"])  # noqa: S311
    text = f"Take the article of the example that is nearest in its {place}."
    return f"<variable><name>instruction</name><value>{text}</value></variable>"


if __name__ == "__main__":
    program = Article()
    before = sum(program(noun).data == article for noun, article in VAL)
    spec = named("miprov2", proposals=6, sets=8, labeled=8, minibatch=8, ground=False)
    result = opto.optimize(
        program,
        TRAIN,
        exact_match,
        valset=VAL,
        optimizer=spec.algorithm(Rewriter(scripted)),
        budget=opto.Budget(metric=400, llm=10),
    )
    result.apply()
    after = sum(program(noun).data == article for noun, article in VAL)
    print(program.instruction.data, *(f"{d['output']} {d['input']}" for d in program.demos.data))
    print(f"miprov2: {before} of {len(VAL)} right before, {after} after; {result.cost}")
