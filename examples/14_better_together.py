"""BetterTogether: prompts, then weights, then prompts again, on one ledger and one budget.

The filter marks a message that holds enough words of a list. The list is the prompt, rewritten by a
scripted model from what was missed; how many words are enough is the weight, "trained" by a
proposer of our own that counts. Either alone ends up below both in turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

import opto
from opto.optimizers.search import Rewriter, named
from opto.optimizers.search.sequence import Sequence
from opto.search import Candidate, Proposal, Propose

SPAM = ["win cash now", "cash prize win", "free prize now", "win a free prize", "free cash prize"]
HAM = ["win the match", "lunch now", "free on Monday", "the cash book", "prize for Anna", "see you"]
ROWS = [(text, True) for text in SPAM] + [(text, False) for text in HAM]


def marked(values: Mapping[str, object], text: str) -> bool:
    """Does the message hold enough words of the list?"""
    words = str(values["words"]).split()
    return sum(word in words for word in text.split()) >= int(str(values["enough"]))


def guide(output: bool, row: tuple[str, bool]) -> tuple[float, str]:  # noqa: FBT001
    """Right or wrong; a spam message that was missed is quoted."""
    missed = f"Missed: {row[0]}." if row[1] else f"Wrongly marked: {row[0]}."
    return (1.0, "Right.") if output == row[1] else (0.0, missed)


def scripted(messages: list[dict[str, str]], seed: int = 0) -> str:
    """Adds a word of a message that was missed."""
    text = messages[-1]["content"]
    words = re.findall(r"<name>words</name>\s*<value>\s*(.*?)\s*</value>", text)[-1].split()
    missed = " ".join(re.findall(r"Missed: (.*?)\.", text)).split()
    words += [Random(seed).choice(sorted({*missed} - {*words}) or ["hello"])]  # noqa: S311
    return f"<variable><name>words</name><value>{' '.join(words)}</value></variable>"


class Trainer:
    """Tries another threshold."""

    def describe(self) -> Mapping[str, str]:
        return {}

    def propose(self, action: Propose, parents: list[Candidate], stream: Random) -> Proposal:
        del action
        return Proposal((parents[0].edited({"enough": stream.randint(1, 3)}, op="train"),))


if __name__ == "__main__":
    start = {"words": "cash", "enough": 1}
    climb = named("revert", minibatch=11, size=11)
    prompts, weights = climb.algorithm(Rewriter(scripted)), climb.algorithm(Trainer())
    plans = {"p": (prompts,), "w": (weights,), "p -> w -> p": (prompts, weights, prompts)}
    before = sum(marked(start, text) == spam for text, spam in ROWS)
    for name, plan in plans.items():
        result = opto.optimize(
            (start, marked),
            ROWS,
            guide,
            optimizer=Sequence(*plan),
            budget=opto.Budget(metric=600, llm=60),
        )
        after = sum(marked(result.values, text) == spam for text, spam in ROWS)
        print(f"{name}: {before} of {len(ROWS)} right before, {after} after; {result.cost}")
