"""Preference pairs from a search: what scored better and what worse on the same question.

Source: Y. Wang et al., "ScoreFlow: Mastering LLM Agent Workflows via Score-based Preference
Optimization", arXiv 2502.04306, 2025: every pair with different scores may be drawn, with
probability proportional to the cube of the gap, and the loss knows both scores.

Lives here: `Preference`, `preference_pairs`, the JSONL that trainers read.
Never here: training (`opto.optimizers.search.tune` calls yours), losses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.demos import read, written
from opto.search.errors import SearchError
from opto.search.ledger import Ledger
from opto.search.result import Result
from opto.search.streams import stream
from opto.search.task import Task, input_of
from traces.events import dumps

Of = Literal["outputs", "candidates"]
_EQUAL = 1e-9
"""Scores this near are equal but for rounding."""


@dataclass(frozen=True, slots=True)
class Preference:
    """One pair. The names of the first three fields are those that trainers for DPO expect."""

    prompt: str
    chosen: str
    rejected: str
    score_chosen: float
    score_rejected: float
    """Mean scores; the chosen one's is higher."""
    weight: float
    """(score_chosen - score_rejected) to the power asked for."""

    def to_json(self) -> dict[str, JSON]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preference:
        return cls(**data)


def preference_pairs(  # noqa: PLR0913  (each has a meaning of its own)
    source: Result | Ledger,
    task: Task | None = None,
    *,
    of: Of = "outputs",
    power: float = 3.0,
    size: int | None = None,
    most: int = 16,
    seed: int = 0,
) -> list[Preference]:
    """Pairs from all that was measured.

    Args:
        source: What a study found, or its ledger.
        task: The task of a ledger; a result has its own.
        of: `outputs`: two outputs for the same training input, to train the program's model.
            `candidates`: two children of the same parents, to train whoever proposes; prompt is
            the parent's values as JSON, the answers are what was changed, as JSON.
        power: Of the gap, in the weight; 3 as published.
        size: So many are drawn with probability proportional to the weight, with replacement, as
            published. None gives every pair once, the largest weight first.
        most: Answers to one prompt that are paired, the best half and the worst half of them.
        seed: Of the draws.

    Returns:
        The pairs; validation inputs are never among the prompts.

    Raises:
        SearchError: A ledger came without its task.
    """
    ledger = source.ledger if isinstance(source, Result) else source
    known = source.task if isinstance(source, Result) else task
    if known is None:
        raise SearchError(
            "The inputs of a ledger are in its task.", fix="Give it: preference_pairs(ledger, task)"
        )
    groups = _outputs(ledger, known) if of == "outputs" else _candidates(ledger)
    pairs = [pair for prompt, answers in groups for pair in _pairs(prompt, answers, power, most)]
    if size is None or not pairs:
        return sorted(pairs, key=lambda pair: -pair.weight)
    draw = stream(seed, "preferences")
    return draw.choices(pairs, [pair.weight for pair in pairs], k=size)


def write_preferences(
    pairs: Iterable[Preference], path: str | os.PathLike[str], *, scores: bool = True
) -> int:
    """Write pairs as JSON lines: `prompt`, `chosen`, `rejected`, then the scores and the weight.

    Args:
        pairs: What to write.
        path: The file; one that exists is replaced.
        scores: Are scores and weights written too? A trainer of plain DPO does without.

    Returns:
        How many there were.
    """
    names = ("prompt", "chosen", "rejected")
    count = 0
    with Path(path).open("w", encoding="utf-8") as file:
        for pair in pairs:
            body = pair.to_json()
            shown = body if scores else {name: body[name] for name in names}
            file.write(json.dumps(shown, ensure_ascii=False) + "\n")
            count += 1
    return count


def _outputs(ledger: Ledger, task: Task) -> Iterator[tuple[str, dict[str, float]]]:
    """Each training input with its outputs and their mean scores."""
    seen: dict[int, dict[str, list[float]]] = {}
    for rollout in ledger:
        if rollout.split == "train" and rollout.score is not None and rollout.output:
            scores = seen.setdefault(rollout.example, {})
            scores.setdefault(_text(read(rollout.output)), []).append(rollout.score)
    for example in sorted(seen):
        yield _prompt(input_of(task.train[example])), _means(seen[example])


def _candidates(ledger: Ledger) -> Iterator[tuple[str, dict[str, float]]]:
    """Each candidate with what its children changed, and their mean scores."""
    families: dict[tuple[str, ...], list[Candidate]] = {}
    for candidate in ledger.candidates.values():
        if candidate.parents and candidate.parents[0] in ledger.candidates:
            families.setdefault(candidate.parents, []).append(candidate)
    for parents, children in families.items():
        origin = ledger.candidates[parents[0]].values
        answers: dict[str, list[float]] = {}
        for child in children:
            scores = [r.score for r in ledger.rollouts(child.id) if r.score is not None]
            changed = {name: v for name, v in child.values.items() if v != origin[name]}
            if scores and changed:
                answers.setdefault(dumps(changed), []).extend(scores)
        yield dumps(dict(origin)), _means(answers)


def _pairs(
    prompt: str, answers: Mapping[str, float], power: float, most: int
) -> Iterator[Preference]:
    ranked = sorted(answers, key=lambda text: (-answers[text], text))
    if len(ranked) > most:
        ranked = ranked[: most - most // 2] + ranked[len(ranked) - most // 2 :]
    for better, worse in combinations(ranked, 2):
        high, low = answers[better], answers[worse]
        if high - low > _EQUAL:
            yield Preference(prompt, better, worse, high, low, (high - low) ** power)


def _means(scores: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {text: sum(several) / len(several) for text, several in scores.items()}


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else dumps(value)


def _prompt(value: Any) -> str:
    return value if isinstance(value, str) else written(value) or repr(value)
