"""ZOPO: a fixed pool of prompts, of which only some are measured; no model is asked at all.

All 120 prompts of the pool are known, measuring one is dear. ZOPO fits a process over their words
and walks along its gradient to the next prompt. What counts here is asking for JSON, for the
unit, and not to guess; the process has to find that out from the scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from opto.optimizers.search import named
from opto.search import Budget, Study, TextTask

OPENINGS = ["Read the text.", "You are a clerk.", "Think step by step.", "Work with care."]
DEMANDS = ["Give the weight.", "Give the weight with its unit.", "What does it weigh?"]
FORMS = ["Answer in JSON.", "Answer in a table.", "Answer in words.", "Explain it.", "Be polite."]
ENDS = ["", "Do not guess."]
POOL = [" ".join(parts).strip() for parts in product(OPENINGS, DEMANDS, FORMS, ENDS)]
DIFFICULTY = [at / 20 for at in range(20)]


def quality(values: Mapping[str, str], difficulty: float) -> bool:
    """Is a text of this difficulty read rightly? A landscape in place of a model."""
    prompt = values["prompt"]
    skill = 0.15 + 0.3 * ("unit" in prompt) + 0.3 * ("JSON" in prompt) + 0.2 * ("guess" in prompt)
    return skill > difficulty


class Pool(TextTask):
    """The task, with the prompts there are to choose from."""

    choices = {"prompt": POOL}  # noqa: RUF012  (read only)


def mean(prompt: str) -> float:
    """Share of the texts that are read rightly."""
    return sum(quality({"prompt": prompt}, d) for d in DIFFICULTY) / len(DIFFICULTY)


if __name__ == "__main__":
    worst = min(POOL, key=mean)
    task = Pool({"prompt": worst}, quality, DIFFICULTY, lambda right, _: right, deterministic=True)
    search = named("zopo", queries=30)
    result = Study(task, search.algorithm(), Budget(metric=700)).run()
    chosen = str(result.values["prompt"])
    tried = sum(result.ledger.n(name) > 0 for name in result.ledger.candidates)
    better = sum(mean(prompt) > mean(chosen) for prompt in POOL)
    print(f"{chosen!r}: {better} of {len(POOL)} prompts are better; {tried} were measured")
    print(f"zopo: {mean(worst):.2f} before, {mean(chosen):.2f} after; {result.cost}")
