"""How would others have scored these answers? Published predictions by every rule in use.

Lives here: reading a file of predictions, and the table of one column per rule.
Never here: reading data sets, running models.

A row of the file has a key and a value. The key is `id`, else `index` (an id, else a place from 0),
else the question itself; so the outputs that ORLM publishes (`en_question`,
`execution_best_solution`) are read as they are. Fields that name the gold answer in such files
(`en_answer`) are never read.

The published rules (`5% rounded`, `abs 0.1`, `rel 1e-3`, `rel 1e-6`) compare with the first of the
accepted answers, ours (`strict`, `main`, `lenient`) with each.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.items import Item
from benchmarks.scoring.statistics import Interval, wilson
from benchmarks.scoring.verdict import NO_BEST, read_number, verdicts, within_rounded
from opto.errors import OptoError

KEYS = ("id", "index", "question", "en_question")
VALUES = ("execution_best_solution", "prediction", "predicted", "pred", "value", "answer")
"""Names of fields, in the order in which they are looked for."""
_STATUSES = ("infeasible", "unbounded", NO_BEST)
_NO_ANSWER = re.compile(r"|none|null|nan|[+-]?inf(inity)?|[+-]?[\d.]+e[+]?\d{3,}")
"""Nothing, or a number that is none."""
_LISTED = 5

Value = float | str | None


class PredictionsError(OptoError):
    """A file of predictions cannot be read, or does not fit the data."""

    code = "bench.predictions"


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
    """Problems of the `n` without a prediction, or with one that says nothing: counted wrong."""
    unknown: tuple[str, ...]
    """Keys of predictions for problems that are not in the data, left out."""
    columns: tuple[Column, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "missing_gold": self.missing_gold,
            "no_answer": self.no_answer,
            "unknown": list(self.unknown),
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
        file: JSON lines of objects.
        items: The problems with their accepted answers.
        key: Field that names the problem; None looks for the first of `KEYS` in the first row.
        value: Field with the answer (number, number as text, status or null); None looks for the
            first of `VALUES`.

    Raises:
        PredictionsError: `where` is the file and line.
    """
    items = list(items)
    said, unknown = _matched(file, items, key, value)
    scored = [item for item in items if item.accepted]
    answers = [said.get(item.id) for item in scored]
    columns = [
        Column(
            name,
            words,
            sum(rule(a, item.accepted) for a, item in zip(answers, scored, strict=True)),
            len(scored),
        )
        for name, words, rule in _RULES
    ]
    no_answer = sum(answer is None for answer in answers)
    return ScoreTable(
        len(scored), len(items) - len(scored), no_answer, tuple(unknown), tuple(columns)
    )


def _matched(
    file: Path, items: Sequence[Item], key: str | None, value: str | None
) -> tuple[dict[str, Value], list[str]]:
    """Prediction per id of an item, and the keys that no item has."""
    found: dict[str, tuple[int, Value]] = {}
    unknown: list[str] = []
    find: Callable[[Any], Sequence[str]] | None = None
    for line, row in _rows(file):
        where = f"{file}, line {line}"
        if find is None:
            key = key or _first(KEYS, row, where, "names the problem", "--key")
            value = value or _first(VALUES, row, where, "holds the answer", "--value")
            find = _finder(items, key)
        name = _field(row, str(key), where)
        answer = _value(_field(row, str(value), where), where)
        ids = find(name)
        if not ids:
            unknown.append(_short(name))
        for identity in ids:
            if identity in found:
                raise PredictionsError(
                    f"Two predictions for {identity!r}: lines {found[identity][0]} and {line}.",
                    where=where,
                    fix="Keep one row per problem; of several samples, score one at a time.",
                )
            found[identity] = (line, answer)
    if not found:
        raise PredictionsError(
            f"No prediction is for a problem of the data; the file has {_some(unknown)}.",
            where=str(file),
            fix=f"The data has {_some([item.id for item in items])}. Is it the right set, and "
            f"is {key!r} the field that names a problem? Else say --key.",
        )
    return {identity: answer for identity, (_, answer) in found.items()}, unknown


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _object(line, f"{file}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise PredictionsError(
            f"The predictions cannot be read: {error}.",
            where=str(file),
            fix="Give a text file with one JSON object a line.",
        ) from error


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise PredictionsError(
            f"This is no JSON: {error}.", where=where, fix="Write one JSON object a line."
        ) from error
    if not isinstance(row, dict):
        raise PredictionsError(
            "This is no JSON object.",
            where=where,
            fix='Write rows such as {"id": ..., "value": 3}.',
        )
    return row


def _first(names: Sequence[str], row: dict[str, Any], where: str, role: str, flag: str) -> str:
    for name in names:
        if name in row:
            return name
    raise PredictionsError(
        f"No field of the row {role}: it has {_some(list(row))}.",
        where=where,
        fix=f"Name it with {flag}; known are {', '.join(names)}.",
    )


def _field(row: dict[str, Any], name: str, where: str) -> Any:
    if name not in row:
        raise PredictionsError(
            f"The row has no field {name!r}: it has {_some(list(row))}.",
            where=where,
            fix="Give every row the same fields; null says that there is no answer.",
        )
    return row[name]


def _finder(items: Sequence[Item], key: str) -> Callable[[Any], Sequence[str]]:
    """From the value of `key` to the ids of the items meant; several share a question at times."""
    ids = {item.id for item in items}
    if key.endswith("question"):
        texts: dict[str, list[str]] = {}
        for item in items:
            texts.setdefault(" ".join(item.question.split()), []).append(item.id)
        return lambda name: texts.get(" ".join(str(name).split()), ())
    if key == "index":
        places = {str(place): item.id for place, item in enumerate(items)}
        return lambda name: (
            (str(name),) if str(name) in ids else tuple(filter(None, [places.get(str(name))]))
        )
    return lambda name: (str(name),) if str(name) in ids else ()


def _value(given: Any, where: str) -> Value:
    if given is None:
        return None
    if isinstance(given, int | float) and not isinstance(given, bool):
        try:
            return float(given) if math.isfinite(given) else None
        except OverflowError:
            return None
    if isinstance(given, str):
        number = read_number(given)
        if number is not None:
            return float(number)
        text = " ".join(given.lower().split())
        if _NO_ANSWER.fullmatch(text):
            return None
        if text in _STATUSES:
            return text
    raise PredictionsError(
        f"{_short(given)} is no answer.",
        where=where,
        fix="Give a number, null, or one of: " + ", ".join(_STATUSES) + ".",
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(_short(name)) for name in names[:_LISTED])
    return (shown or "nothing") + (", ..." if len(names) > _LISTED else "")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - fits a line


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
