"""POLCA: the most promising candidates are measured and rewritten together; twins are left out.

The program finds defects in a review with a checklist, and overlooks one in ten. The scripted model
adds an item that was missed, but half of the time it only puts words in capitals. The ε-net
does not measure such a twin: fewer evaluations for as many model calls.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

import opto
from opto.optimizers.search import Rewriter, named

DEFECTS = ["typo", "leak", "race", "overflow", "deadlock", "injection", "rounding", "encoding"]
luck = Random(0)  # noqa: S311


def program(values: Mapping[str, str], defect: str) -> bool:
    """Is the defect found? Only if the list names it, and then in nine cases of ten."""
    return defect in values["checklist"].lower() and luck.random() < 0.9  # noqa: PLR2004


def guide(found: bool, defect: str) -> tuple[float, str]:  # noqa: FBT001
    """What was missed."""
    return (1.0, "Found.") if found else (0.0, f"missed: {defect}")


def scripted(messages: list[dict[str, str]], seed: int = 0) -> str:
    """Adds what was missed to the list, or only changes capitals."""
    text, numbers = messages[-1]["content"], Random(seed)  # noqa: S311
    value = re.findall(r"<value>\s*(.*?)\s*</value>", text)[-1]
    words = value.split()
    new = [word for word in re.findall(r"missed: (\w+)", text) if word not in value.lower()]
    if new and numbers.random() < 0.5:  # noqa: PLR2004
        words.append(numbers.choice(new))
    value = " ".join(numbers.choice([word.lower(), word.capitalize()]) for word in words)
    return f"<variable><name>checklist</name><value>{value}</value></variable>"


def search(name: str, **options: object) -> opto.search.Result:
    """A hundred proposals of one algorithm."""
    return opto.optimize(
        ({"checklist": "typo"}, program),
        DEFECTS,
        guide,
        optimizer=named(name, **options).algorithm(Rewriter(scripted)),
        budget=opto.Budget(metric=600, llm=100),
        workers=1,  # the luck is drawn in the order of the calls
    )


if __name__ == "__main__":
    for name, options in (("priority_search", {}), ("polca", {"eps": 0.01, "summarize": False})):
        result = search(name, **options)
        named_now = sum(defect in str(result.values["checklist"]).lower() for defect in DEFECTS)
        measured = sum(result.ledger.n(name, "train") > 0 for name in result.ledger.candidates)
        print(f"{name}: 1 of 8 defects named before, {named_now} after; {result.cost}; ", end="")
        print(f"{measured} lists measured")
