"""From a name or a path to the problems of a set.

Lives here: the record of a set, and reading one: layout, ids, answer version, duplicates.
Never here: what fields mean (`layouts`), downloads (`fetch`), other sets (`beside`).

Two problems of a set whose texts have one normal form (see `text`) are one: the first stays, and is
marked `disputed` where the answers differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.fetch import Notice, fetch
from benchmarks.datasets.forms import ANY, VERSIONS, known_or_solved
from benchmarks.datasets.layouts import (
    ANSWERS,
    LAYOUTS,
    Draft,
    Layout,
    fields_of,
    recognized,
)
from benchmarks.datasets.printed import agree
from benchmarks.datasets.records import records
from benchmarks.datasets.registry import SETS, KnownSet, known_set
from benchmarks.datasets.text import normalized
from benchmarks.items import Item

DEMO = Path(__file__).with_name("demo.jsonl")
_BROKEN = (AttributeError, LookupError, OverflowError, RecursionError, TypeError, ValueError)
"""What a reader of a layout raises on values of another shape."""
_DEFAULT_VERSION = "integer"
"""What the set of the competition is usually scored by: its texts count things."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Problems and where they come from."""

    name: str
    items: Sequence[Item]
    license: str
    source: str
    notes: tuple[str, ...] = ()
    """What a reader of results must know: known label problems, what was left out or unreadable."""

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(slots=True)
class _Reading:
    """What comes up while a set is read."""

    items: dict[str, Item] = field(default_factory=dict)
    by_text: dict[str, str] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    with_answer: int = 0
    with_form: int = 0
    read: int = 0
    fields: str = ""
    """Of the first record, for errors."""


def load(
    name: str | Path | KnownSet,
    path: Path | None = None,
    *,
    cache_dir: Path | None = None,
    answers: str | None = None,
    split: str | None = None,
    notice: Notice | None = None,
) -> Dataset:
    """Read a set: a named one from your copy, the cache or the network; or any file by its path.

    Only what an `Item` holds is kept of each record, so 5,000 problems take a few megabytes.

    Args:
        name: A name of the table, an entry like those of the table, or the path of a JSON or
            JSON-lines file.
        path: Your copy of the named set, in its published layout or as JSON lines with `question`
            and `answer`.
        cache_dir: Where downloads are kept; None means `datasets_folder()`.
        answers: For sets with gold forms, which version of the answer counts: one of `VERSIONS`, or
            `any`. None means the printed answer, or `integer` where optima are recorded or nothing
            is printed.
        split: Only problems of this split, such as `test`.
        notice: See `fetch`.

    Raises:
        DatasetError: Unknown, unreachable, unreadable, or nothing to read.
    """
    if answers is not None and answers != ANY and answers not in VERSIONS:
        raise DatasetError(
            f"There is no answer version {answers!r}.", fix=f"One of {', '.join(VERSIONS)}, {ANY}."
        )
    known = _known(name)
    title = known.name if known else Path(str(name)).stem
    reading = _Reading()
    for file, layout, part in _files(name, known, path, cache_dir, notice):
        for draft, told in drafts(file, layout):
            if split is None or split == (draft.split or part):
                _add(reading, _item(draft, title, part, answers), draft, told)
    _check(reading, path or name, answers, split)
    return Dataset(
        title,
        tuple(reading.items.values()),
        known.license if known else "unknown: your own file",
        str(path) if path else known.source if known else str(name),
        _notes(reading, known),
    )


def _known(name: str | Path | KnownSet) -> KnownSet | None:
    """The entry of the table, or None where `name` is the path of a file."""
    if isinstance(name, KnownSet):
        return name
    if isinstance(name, Path) or (name not in SETS and _looks_like_path(name)):
        return None
    return known_set(name)


def _looks_like_path(name: str) -> bool:
    path = Path(name)
    return path.is_file() or path.suffix in (".json", ".jsonl") or len(path.parts) > 1


def _files(
    name: str | Path | KnownSet,
    known: KnownSet | None,
    path: Path | None,
    cache_dir: Path | None,
    notice: Notice | None,
) -> Iterator[tuple[Path, Layout | None, str | None]]:
    """Each file with its layout, None to recognize it by its fields, and the split it holds."""
    if path is not None:
        yield path, None, None
    elif known is None:
        yield Path(str(name)), None, None
    elif not known.files:
        yield DEMO, LAYOUTS[known.layout], None
    else:
        places = fetch(known, cache_dir, notice=notice)
        for place, published in zip(places, known.files, strict=True):
            yield place, LAYOUTS[known.layout], published.split


def drafts(file: Path, layout: Layout | None) -> Iterator[tuple[Draft, str]]:
    """Each record as a draft, with the names of its fields."""
    for number, (name, record) in enumerate(records(file)):
        try:
            draft = (layout or recognized(record))(name, record)
        except DatasetError as fault:
            where = f"{file}, record {name or number}"
            raise DatasetError(
                fault.what, where=f"{where}; {fault.where}" if fault.where else where, fix=fault.fix
            ) from fault
        except _BROKEN as fault:
            raise DatasetError(
                f"A record is not in the layout its fields promise: {fault!r}.",
                where=f"{file}, record {name or number}; fields found: {fields_of(record)}",
                fix="Give a file with `question` and `answer` in each record.",
            ) from fault
        tables = tuple(str(file.parent / table) for table in draft.tables)
        yield replace(draft, tables=tables), fields_of(record)


def _item(draft: Draft, title: str, part: str | None, answers: str | None) -> Item:
    """The draft as a problem of the set; its id may still be empty or taken."""
    accepted = draft.accepted
    if draft.solved or (draft.form is not None and (answers or not accepted)):
        accepted = known_or_solved(draft.form, draft.solved, answers or _DEFAULT_VERSION)
    return Item(
        id=f"{part}-{draft.id}" if part and draft.id and not draft.split else draft.id,
        set=title,
        question=draft.question,
        accepted=accepted,
        kind=draft.kind,
        gold_model=draft.form,
        tables=draft.tables,
    )


def _add(reading: _Reading, item: Item, draft: Draft, told: str) -> None:
    """Take a problem up, unless its text is there already."""
    reading.read += 1
    reading.fields = reading.fields or told
    reading.with_answer += draft.has_answer or draft.form is not None
    reading.with_form += draft.form is not None or bool(draft.solved)
    name = item.id or f"{item.set}-{reading.read - 1}"
    if draft.trouble:
        reading.unreadable.append(f"{name}: {draft.trouble}")
    if draft.misfit:
        reading.misfits.append(f"{name}: {draft.misfit}")
    form = normalized(item.question)
    if (first := reading.by_text.get(form)) is not None:
        reading.duplicates.append(f"{name} = {first}")
        kept = reading.items[first]
        if kept.accepted and item.accepted and not agree(kept.accepted, item.accepted):
            reading.items[first] = replace(kept, labels="disputed")
        return
    if name in reading.items:
        name = f"{name}-{reading.read - 1}"
    reading.by_text[form] = name
    reading.items[name] = replace(item, id=name)


def _check(
    reading: _Reading, name: str | Path | KnownSet, answers: str | None, split: str | None
) -> None:
    where = name.name if isinstance(name, KnownSet) else str(name)
    if not reading.read:
        raise DatasetError(
            f"There is no problem of the split {split!r}." if split else "There is no problem.",
            where=where,
            fix="Give another split, or none." if split else "Give a file with problems.",
        )
    if not reading.with_answer:
        raise DatasetError(
            "No record has a field with an answer.",
            where=f"{where}; fields found: {reading.fields}",
            fix=f"Name the answer one of: {', '.join(ANSWERS)}; null where there is none.",
        )
    if answers and not reading.with_form:
        raise DatasetError(
            f"The set has no answer version {answers!r}: it has no gold forms.",
            where="; ".join((where, *reading.misfits[:1])),
            fix="Mend the gold forms." if reading.misfits else "Leave the answer version out.",
        )


def _notes(reading: _Reading, known: KnownSet | None) -> tuple[str, ...]:
    notes = [f"labels: {known.problems}"] if known else []
    if bare := sum(not item.accepted for item in reading.items.values()):
        notes.append(f"{bare} of {len(reading.items)} have no answer and cannot be scored")
    for what, which in (
        ("left out as duplicates by text", reading.duplicates),
        ("answers that cannot be read", reading.unreadable),
        ("gold forms left out because they do not fit", reading.misfits),
    ):
        if which:
            more = ", …" if len(which) > 5 else ""  # noqa: PLR2004
            notes.append(f"{len(which)} {what}: {', '.join(which[:5])}{more}")
    return tuple(notes)
