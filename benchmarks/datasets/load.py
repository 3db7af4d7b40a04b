"""From a name or a path to the problems of a set.

Lives here: the record of a set, and reading one: files, layout, answer version.
Never here: what fields mean (`layouts`), downloads (`fetch`), what comes up while reading
(`reading`), other sets (`beside`).

Two problems of a set whose texts have one normal form (see `text`) are one: the first stays, and is
marked `disputed` where the answers differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.fetch import Notice, fetch
from benchmarks.datasets.forms import ANY, VERSIONS, known_or_solved
from benchmarks.datasets.layouts import LAYOUTS, Draft, Layout, fields_of, recognized
from benchmarks.datasets.reading import Reading
from benchmarks.datasets.records import Record, records
from benchmarks.datasets.registry import SETS, KnownSet, known_set
from benchmarks.datasets.tables import tables_of
from benchmarks.items import Item

DEMO = Path(__file__).with_name("demo.jsonl")
_SUFFIXES = (".json", ".jsonl", ".csv", ".tsv")
"""What a name that ends like this is: a path, also where no file is."""
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
        DatasetError: Unknown, unreachable, unreadable, or nothing to read; a table that cannot be
            read or lies elsewhere.
    """
    if answers is not None and answers != ANY and answers not in VERSIONS:
        raise DatasetError(
            f"There is no answer version {answers!r}.", fix=f"One of {', '.join(VERSIONS)}, {ANY}."
        )
    known = _known(name)
    title = known.name if known else Path(str(name)).stem
    reading = Reading()
    for file, layout, part in _files(name, known, path, cache_dir, notice):
        for draft, told in drafts(file, layout):
            if found := draft.split or part:
                reading.splits[found] = None
            if split is None or split == found:
                item = _item(draft, title, part, answers)
                id_ = reading.name_of(item.id, title)
                tables = tables_of(draft.tables, file, id_)
                reading.take(replace(item, id=id_, tables=tables), draft, told)
    reading.check(_place(path or name), answers, split)
    return Dataset(
        title,
        tuple(reading.items.values()),
        known.license if known else "unknown: your own file",
        str(path) if path else known.source if known else str(name),
        (*((f"labels: {known.problems}",) if known else ()), *reading.notes()),
    )


def _known(name: str | Path | KnownSet) -> KnownSet | None:
    """The entry of the table, or None where `name` is the path of a file."""
    if isinstance(name, KnownSet):
        return name
    if isinstance(name, Path) or (name not in SETS and _looks_like_path(name)):
        return None
    try:
        return known_set(name)
    except DatasetError as fault:
        more = "Any JSON or JSON-lines file with questions and answers can be given by its path."
        raise DatasetError(fault.what, where=fault.where, fix=f"{fault.fix} {more}") from fault


def _looks_like_path(name: str) -> bool:
    path = Path(name)
    return path.is_file() or path.suffix.casefold() in _SUFFIXES or len(path.parts) > 1


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
        where = f"{file}, record {name or number}"
        yield draft_of(name, record, layout, where), fields_of(record)


def draft_of(name: str, record: Record, layout: Layout | None, where: str) -> Draft:
    """One record as a draft.

    Args:
        name: What its file calls it; may be empty.
        record: Its fields.
        layout: How to read them; None recognizes it by the fields.
        where: Which record this is, for errors.

    Raises:
        DatasetError: It has no question, or is not in the layout.
    """
    if isinstance(own := record.get("id"), str | int):
        where = f"{where} ({own})"
    try:
        return (layout or recognized(record))(name, record)
    except DatasetError as fault:
        raise DatasetError(
            fault.what, where=f"{where}; {fault.where}" if fault.where else where, fix=fault.fix
        ) from fault
    except _BROKEN as fault:
        raise DatasetError(
            f"A record is not in the layout its fields promise: {fault!r}.",
            where=f"{where}; fields found: {fields_of(record)}",
            fix="Give a file with `question` and `answer` in each record.",
        ) from fault


def _item(draft: Draft, title: str, part: str | None, answers: str | None) -> Item:
    """The draft as a problem of the set, without tables; its id may still be empty or taken."""
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
    )


def _place(name: str | Path | KnownSet) -> str:
    return name.name if isinstance(name, KnownSet) else str(name)
