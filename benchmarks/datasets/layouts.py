"""The layouts in which problem sets are published, one reader each.

Lives here: from the fields of one record to question, printed answers and gold form.
Never here: files, downloads, comparing sets.

| layout | fields | sets |
|---|---|---|
| plain | a question and an answer under one of several names | most sets, ours, your own |
| results | `question`, and `results`: values by words, the objective among them | ReSocratic's |
| samples | `description`, and `sample` with `input` and `output` | ComplexOR |
| declarations | `document`, `obj_declaration`, `const_declarations` | the NL4OPT competition |
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.datasets.declarations import form_of
from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.goldforms import read_form, read_solved
from benchmarks.datasets.printed import accepted
from benchmarks.datasets.records import Record

QUESTIONS = (
    *("question", "en_question", "description", "document", "problem", "problem_description"),
    *("text", "prompt"),
)
ANSWERS = (
    *("answer", "en_answer", "ground_truth", "gold_answer", "gold", "objective_value"),
    *("optimal_value", "objective", "solution"),
)
KINDS = ("type", "kind", "problem_type", "question_type")
_MISSING = object()
_OPTIMUM = re.compile(r"\b(?:max|min)imi[sz]|\b(?:max|min)imum\b|\boptimal\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Draft:
    """One problem as its record says it, before ids, versions and other sets come in."""

    question: str
    accepted: tuple[str, ...]
    has_answer: bool = True
    """Whether the record has a field for an answer, empty or not."""
    id: str = ""
    kind: str | None = None
    split: str | None = None
    form: Mapping[str, Any] | None = None
    """Gold form, in matrix form."""
    solved: Mapping[str, Any] = field(default_factory=dict)
    """Recorded optima of the gold form by version."""
    point: tuple[float, ...] = ()
    """Recorded values of the variables, in the order of the source."""
    recorded: tuple[str, ...] = ()
    """What the record says its own program or formulation gave, apart from the label."""
    tables: tuple[str, ...] = ()
    """As the record names them."""
    trouble: str = ""
    """Why the printed answer could not be read; empty when it could."""
    misfit: str = ""
    """Field of the gold form or its optima that does not fit, and why; such a form is left out."""


Layout = Callable[[str, Record], Draft]


def plain(name: str, record: Record) -> Draft:
    """A question and an answer, each under the first of its usual names that is there."""
    key, question = _first(record, QUESTIONS)
    if not isinstance(question, str) or not question.strip():
        raise _no_question(record, key)
    _, answer = _first(record, ANSWERS)
    raw = record.get("answer_raw")
    has_answer = answer is not _MISSING or raw is not None
    answers, trouble = _read(_best(None if answer is _MISSING else answer, raw, record))
    form, misfit = read_form(record.get("gold_lp"))
    solved, misfit_too = read_solved(record.get("solved"))
    return Draft(
        question=question,
        accepted=answers,
        has_answer=has_answer or "gold_lp" in record,
        id=_id(name, record),
        kind=_kind(record),
        split=record.get("split") if isinstance(record.get("split"), str) else None,
        form=form,
        solved=solved,
        point=_point(record.get("variables")),
        recorded=_recorded(record),
        tables=_tables(record.get("tables") or []),
        trouble=trouble,
        misfit=misfit or misfit_too,
    )


def results(name: str, record: Record) -> Draft:
    """`results` of ReSocratic: values by words, usually with the objective last."""
    values = record["results"]
    if not isinstance(values, dict) or not values:
        raise DatasetError("The `results` of a record are not an object with values.")
    objective = record.get("objective_key") or _objective(list(values))
    answers, trouble = _read(values.get(objective))
    if not isinstance(record.get("question"), str):
        raise _no_question(record, "question")
    return Draft(
        question=record["question"],
        accepted=answers,
        id=_id(name, record),
        kind=_kind(record),
        point=_point({key: value for key, value in values.items() if key != objective}),
        trouble=trouble,
    )


def _objective(names: list[str]) -> str:
    """The entry with the objective: the only one that speaks of an optimum, else the last.

    Right for 288 of the 289 of NL4OPT-E and 276 of half of OptiBench (283), three of which print
    no objective at all.
    """
    speaking = [name for name in names if _OPTIMUM.search(name)]
    return speaking[0] if len(speaking) == 1 else names[-1]


def samples(name: str, record: Record) -> Draft:
    """A general `description`, and data and answer of one `sample`, which becomes its text."""
    sample = record["sample"][0] if record["sample"] else {}
    output = sample.get("output")
    answers, trouble = _read(output)
    data = json.dumps(sample.get("input", {}), ensure_ascii=False)
    return Draft(
        question=f"{record['description']}\n\nData:\n{data}",
        accepted=answers,
        id=_id(name, record),
        kind=_kind(record),
        trouble=trouble,
    )


def declarations(name: str, record: Record) -> Draft:
    """The competition's annotation; its answers come from solving the form."""
    form, misfit = read_form(form_of(record))
    return Draft(question=record["document"], accepted=(), id=name, form=form, misfit=misfit)


_MARKS: tuple[tuple[str, Layout], ...] = (
    ("obj_declaration", declarations),
    ("results", results),
    ("sample", samples),
)
LAYOUTS: Mapping[str, Layout] = {
    "plain": plain,
    "results": results,
    "samples": samples,
    "declarations": declarations,
}


def recognized(record: Record) -> Layout:
    """The layout a record of unknown origin is in, by the fields it has."""
    return next((layout for mark, layout in _MARKS if mark in record), plain)


def has_question(record: Record) -> bool:
    """Has the record a field for the text of a problem?"""
    return _first(record, QUESTIONS)[1] is not _MISSING


def fields_of(record: Record) -> str:
    """The names of the fields, for an error; long lists are cut."""
    names = [str(key)[:40] for key in record]
    return ", ".join(names[:20]) + (", …" if len(names) > 20 else "")  # noqa: PLR2004


def _first(record: Record, names: tuple[str, ...]) -> tuple[str, Any]:
    """The first of `names` among the fields, whatever their case, and its value."""
    folded = {str(key).casefold(): key for key in record}
    for name in names:
        if name in folded:
            return folded[name], record[folded[name]]
    return "", _MISSING


def _no_question(record: Record, key: str) -> DatasetError:
    what = f"The field {key!r} holds no text." if key else "A record has no field with a question."
    return DatasetError(
        what,
        where=f"fields found: {fields_of(record)}",
        fix=f"Name the text of the problem one of: {', '.join(QUESTIONS)}.",
    )


def _best(answer: Any, raw: Any, record: Record) -> Any:
    """The printed answer: what the source wrote where that is one value, else what was read."""
    if isinstance(raw, dict):
        raw = raw.get(str(record.get("objective_key", "objective")))
    if raw is None or isinstance(raw, dict):
        return answer
    if answer is None:  # taken out by who made the file; only words for no optimum still count
        return raw if isinstance(raw, str) and not _numeric(raw) else None
    return raw


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read(value: Any) -> tuple[tuple[str, ...], str]:
    """Accepted answers, or none with the reason why the value cannot be read."""
    if isinstance(value, dict):
        return (), f"an object with the fields {fields_of(value)}"
    try:
        return accepted(value), ""
    except DatasetError as fault:
        return (), fault.what.rstrip(".")
    except RecursionError:
        return (), "lists in lists, nested too deeply"


def _id(name: str, record: Record) -> str:
    for key in ("id", "index", "problem_id", "name"):
        if isinstance(record.get(key), str | int):
            return str(record[key])
    return name


def _kind(record: Record) -> str | None:
    _, kind = _first(record, KINDS)
    return kind if isinstance(kind, str) else None


def _tables(names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise DatasetError(
            "The field `tables` of a record is not a list of names of files.",
            fix='Give a list such as ["costs.csv"], of files beside the data.',
        )
    return tuple(names)


def _point(values: Any) -> tuple[float, ...]:
    """Values of variables as numbers, indexed ones in order; none unless every one is a number."""
    if not isinstance(values, dict):
        return ()
    try:
        return tuple(_flat(values))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return ()


def _flat(values: dict[str, Any]) -> Iterator[float]:
    for value in values.values():
        if isinstance(value, dict):
            yield from _flat(value)
        elif isinstance(value, list):
            yield from map(float, value)
        else:
            yield float(value)


def _recorded(record: Record) -> tuple[str, ...]:
    """What the program of the record gave, where the record carries it beside the label."""
    outcome = record.get("answer_json")
    if isinstance(outcome, dict):
        value = outcome.get("obj")
        status = outcome.get("status")
        return _read(status if value is None and status != "optimal" else value)[0]
    raw = record.get("answer_raw")
    return _read(raw.get("objective"))[0] if isinstance(raw, dict) else ()
