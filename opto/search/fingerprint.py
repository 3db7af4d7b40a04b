"""What makes a study this study: compared when a run is resumed.

Lives here: `spec_of`.
Never here: code of tasks or algorithms, which cannot be compared; examples themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from opto.search.canon import JSON, clean, digest
from traces.errors import EventError

if TYPE_CHECKING:
    from opto.search.session import Session

VERSION = 1
"""Of the meaning of a logged run."""


def spec_of(session: Session) -> dict[str, JSON]:
    """All that decides the course of a study, workers not among it. Examples as digests."""
    task, algorithm = session.task, session.algorithm
    best_score = getattr(task, "best_score", None)
    return {
        "version": VERSION,
        "algorithm": {
            "name": algorithm.name,
            "reserve": algorithm.reserve,
            "settings": clean(algorithm.describe(), where="describe()"),
        },
        "seed": session.seed,
        "budget": session.budget.to_json(),
        "rules": session.rules.to_json(),
        "task": {
            "components": [*sorted(task.components)],
            "seed": task.seed.id,
            "train": _digest(task.train),
            "val": _digest(task.val),
            "deterministic": task.deterministic,
            **({} if best_score is None else {"best_score": float(best_score)}),
        },
    }


def _digest(examples: Sequence[Any]) -> str:
    """Number and content of examples; of what is no data only the type counts."""
    return f"{len(examples)} examples, {digest([_content(example) for example in examples])}"


def _content(example: Any) -> JSON:
    if is_dataclass(example) and not isinstance(example, type):
        example = asdict(example)
    try:
        return clean(example)
    except EventError:
        if isinstance(example, tuple | list):
            return [_content(part) for part in example]
        return type(example).__qualname__
