"""How would others have scored these answers? Published predictions by every rule in use.

Lives here: which prediction belongs to which problem, and the table of one column per rule.
Never here: reading files of predictions (`benchmarks.scoring.prediction_file`) or data sets,
running models.

A row of the file has a key and a value. The key is `id`, else `index` (ids, else places from 0),
else the question itself; so the outputs that ORLM publishes (`en_question`,
`execution_best_solution`) are read as they are. Fields that name the gold answer in such files
(`en_answer`) are never read.

The published rules (`5% rounded`, `abs 0.1`, `rel 1e-3`, `rel 1e-6`) compare with the first of the
accepted answers, ours (`strict`, `main`, `lenient`) with each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.items import Item
from benchmarks.scoring.prediction_file import (
    Prediction,
    Predictions,
    PredictionsError,
    Value,
    read_predictions,
    short,
    some,
)
from benchmarks.scoring.statistics import Interval, wilson
from benchmarks.scoring.verdict import read_number, verdicts, within_rounded


@dataclass(frozen=True, slots=True)
class Column:
    """One rule, applied to all."""

    name: str
    rule: str
    right: int
    n: int

    @property
    def share(self) -> float | None:
        """None of no problems."""
        return self.right / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        """95 % (Wilson)."""
        return wilson(self.right, self.n)


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The same predictions by every rule."""

    n: int
    """Problems with a gold answer; the denominator of every column."""
    missing_gold: int
    """Problems without one, left out."""
    no_answer: int
    """Problems of the `n` without a prediction, or with one that says nothing or cannot be read:
    counted wrong."""
    unknown: tuple[str, ...]
    """Keys of predictions for problems that are not in the data, left out."""
    columns: tuple[Column, ...]
    unreadable: tuple[str, ...] = ()
    """Cells that are no answer, each with its problem and place."""
    warnings: tuple[str, ...] = ()
    """What makes the whole table doubtful, in a sentence each."""

    def to_json(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "missing_gold": self.missing_gold,
            "no_answer": self.no_answer,
            "unknown": list(self.unknown),
            "unreadable": list(self.unreadable),
            "warnings": list(self.warnings),
            "columns": [
                {
                    "name": column.name,
                    "rule": column.rule,
                    "right": column.right,
                    "share": column.share,
                    "interval_95": list(column.interval),
                }
                for column in self.columns
            ],
        }


def score_predictions(
    file: Path, items: Iterable[Item], *, key: str | None = None, value: str | None = None
) -> ScoreTable:
    """Score the predictions of `file` for `items`.

    Args:
        file: As `benchmarks.scoring.prediction_file` reads it.
        items: The problems with their accepted answers.
        key: Field that names the problem; None looks for the first of `KEYS` in the first row.
        value: Field with the answer (number, number as text, status or null); None looks for the
            first of `VALUES`.

    Raises:
        PredictionsError: `where` is the file and the place in it.
    """
    items = list(items)
    read = read_predictions(file, {item.id for item in items}, key=key, value=value)
    said = _matched(read, items, file)
    scored = [item for item in items if item.accepted]
    answers = [said.answers.get(item.id) for item in scored]
    columns = [
        Column(
            name,
            words,
            sum(rule(a, item.accepted) for a, item in zip(answers, scored, strict=True)),
            len(scored),
        )
        for name, words, rule in _RULES
    ]
    return ScoreTable(
        len(scored),
        len(items) - len(scored),
        sum(answer is None for answer in answers),
        said.unknown,
        tuple(columns),
        said.unreadable,
        said.warnings,
    )


class _Matched(NamedTuple):
    """Predictions, each with its problem."""

    answers: Mapping[str, Value]
    """By id of an item."""
    unknown: tuple[str, ...]
    unreadable: tuple[str, ...]
    warnings: tuple[str, ...]


def _matched(read: Predictions, items: Sequence[Item], file: Path) -> _Matched:
    find, notes = _finder(items, read)
    found: dict[str, Prediction] = {}
    unknown: list[str] = []
    for row in read.rows:
        ids = find(row.name)
        if not ids:
            unknown.append(short(row.name))
        for identity in ids:
            if identity in found:
                raise PredictionsError(
                    f"Two predictions for {identity!r}: {found[identity].place} and {row.place}.",
                    where=f"{file}, {row.place}",
                    fix="Keep one row per problem; of several samples, score one at a time.",
                )
            found[identity] = row
    if not found:
        raise PredictionsError(
            f"No prediction is for a problem of the data; the file has {some(unknown)}.",
            where=str(file),
            fix=f"The data has {some([item.id for item in items])}. Is it the right set, and "
            f"is {read.key!r} the field that names a problem? Else say --key.",
        )
    if 2 * len(unknown) > len(read.rows):
        notes.append(
            f"{len(unknown)} of {len(read.rows)} predictions are for problems that the data does "
            f"not have: {some(unknown)}. Is it the right set?"
        )
    if 2 * len(found) < len(items):
        notes.append(f"Only {len(found)} of the {len(items)} problems have a prediction.")
    odd = tuple(f"{row.odd!r} for {short(i)} ({row.place})" for i, row in found.items() if row.odd)
    answers = {identity: row.answer for identity, row in found.items()}
    return _Matched(answers, tuple(unknown), odd, tuple(notes))


def _finder(
    items: Sequence[Item], read: Predictions
) -> tuple[Callable[[Any], Sequence[str]], list[str]]:
    """From the name a row gives to the ids meant, and what is doubtful about that.

    Several problems share a question at times.
    """
    ids = {item.id for item in items}
    if read.key.endswith("question"):
        texts: dict[str, list[str]] = {}
        for item in items:
            texts.setdefault(" ".join(item.question.split()), []).append(item.id)
        return lambda name: texts.get(" ".join(str(name).split()), ()), []
    given = {str(row.name) for row in read.rows}
    if read.key == "index" and not given <= ids:
        first, doubts = _first_place(given, len(items))
        places = {str(place): (item.id,) for place, item in enumerate(items, first)}
        if given <= places.keys() or ids.isdisjoint(given):
            return lambda name: places.get(str(name), ()), doubts
    return lambda name: (str(name),) if str(name) in ids else (), []


def _first_place(given: Set[str], n: int) -> tuple[int, list[str]]:
    """Do the places in a file count from 0 or from 1?

    From 1 where there is no 0 and there is an `n`, which does not exist from 0; else from 0.
    """
    if "0" in given:
        return 0, []
    if str(n) in given:
        return 1, [f"The indexes end at {n} and have no 0: they are read as places from 1."]
    return 0, ["The indexes have no 0, and are read as places from 0. Do yours count from 1?"]


def _near(answer: Value, accepted: Sequence[str], within: Callable[[float, float], bool]) -> bool:
    """A published rule: it knows one gold answer, the first."""
    if answer is None:
        return False
    if isinstance(answer, str):
        return verdicts(answer, accepted[:1]).lenient
    gold = read_number(accepted[0])
    return gold is not None and within(answer, float(gold))


def _relative(share: float) -> Callable[[float, float], bool]:
    """Within a share of the gold value; of 1 where that is 0."""
    return lambda answer, gold: abs(answer - gold) <= share * (abs(gold) or 1.0)


_Rule = Callable[[Value, Sequence[str]], bool]
_RULES: tuple[tuple[str, str, _Rule], ...] = (
    (
        "5% rounded",
        "both rounded to whole numbers, at most 5 % apart (ORLM)",
        lambda answer, accepted: _near(answer, accepted, within_rounded),
    ),
    (
        "abs 0.1",
        "at most 0.1 apart",
        lambda answer, accepted: _near(answer, accepted, lambda a, g: abs(a - g) <= 0.1),  # noqa: PLR2004 - the rule
    ),
    (
        "rel 1e-3",
        "at most 1e-3 of the gold answer apart",
        lambda answer, accepted: _near(answer, accepted, _relative(1e-3)),
    ),
    (
        "rel 1e-6",
        "at most 1e-6 of the gold answer apart",
        lambda answer, accepted: _near(answer, accepted, _relative(1e-6)),
    ),
    (
        "strict",
        "relative or absolute 1e-6",
        lambda answer, accepted: verdicts(answer, accepted).strict,
    ),
    (
        "main",
        "1e-4 of the gold answer, half a unit of its last printed digit, or 1e-6",
        lambda answer, accepted: verdicts(answer, accepted).main,
    ),
    (
        "lenient",
        "5% rounded, to any of the accepted answers",
        lambda answer, accepted: verdicts(answer, accepted).lenient,
    ),
)
