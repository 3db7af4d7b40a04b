"""Sets beside each other: the same problem in several, and whether its labels agree.

Lives here: overlap and label status of loaded sets, and label status from a file.
Never here: solving anything; that is the audit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.layouts import fields_of, has_question
from benchmarks.datasets.load import Dataset, draft_of
from benchmarks.datasets.printed import agree, shown
from benchmarks.datasets.records import Record, records
from benchmarks.datasets.text import normalized
from benchmarks.items import Item, Labels

_STATUS_FIELDS = ("labels", "label_status", "status")
_STATUSES: dict[str, Labels] = {"agreed": "agreed", "disputed": "disputed"}
_FIX = (
    "Give records with `id` and `labels` (agreed or disputed), or the same problems with their "
    "answers."
)


def beside(datasets: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """The same sets, each problem with its `overlap` and, where it has one, its label status.

    `agreed`: another set has the text, and every two sets' answers say the same (see
    `printed.same_label`); `disputed`: two sets differ. A status that is there already stays when it
    is `disputed`. Problems without an answer do not vote.
    """
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    for item in (item for dataset in datasets for item in dataset):
        groups[normalized(item.question)].append(item)
    return tuple(
        replace(
            dataset,
            items=tuple(_placed(item, groups[normalized(item.question)]) for item in dataset),
        )
        for dataset in datasets
    )


def _placed(item: Item, group: Sequence[Item]) -> Item:
    others = [other for other in group if other.set != item.set]
    overlap = tuple(dict.fromkeys((*item.overlap, *(f"{one.set}/{one.id}" for one in others))))
    return replace(item, overlap=overlap, labels=_status(item, group))


def _status(item: Item, group: Sequence[Item]) -> Labels | None:
    voters = [one for one in group if one.accepted]
    pairs = [(a, b) for n, a in enumerate(voters) for b in voters[:n] if a.set != b.set]
    if item.labels == "disputed" or not all(agree(a.accepted, b.accepted) for a, b in pairs):
        return "disputed"
    return "agreed" if pairs else item.labels


def with_labels(dataset: Dataset, labels: Path) -> Dataset:
    """`dataset` with the label status a file gives.

    Args:
        dataset: A loaded set.
        labels: Records with `id` (or `set/id`) and `labels`, which is `agreed` or `disputed` in any
            case, or null for neither; or problems with question and answer, whose answers are
            compared by equal text.

    Raises:
        DatasetError: A status is another word, a record is neither, or nothing in the file belongs
            to a problem of the set.
    """
    by_id: dict[str, Labels] = {}
    by_text: dict[str, list[tuple[str, ...]]] = {}
    told = ""
    for number, (name, record) in enumerate(records(labels)):
        told = told or fields_of(record)
        where = f"{labels}, record {name or number}"
        asks = has_question(record)
        if status := _stated(record, where, asks=asks):
            by_id[str(record.get("id", name))] = status
        elif asks:
            draft = draft_of(name, record, None, where)
            if draft.accepted:
                by_text.setdefault(normalized(draft.question), []).append(draft.accepted)
    items = tuple(_labeled(item, by_id, by_text) for item in dataset)
    if all(new is old for new, old in zip(items, dataset, strict=True)):
        raise DatasetError(
            f"No label of the file belongs to a problem of {dataset.name}.",
            where=f"{labels}; fields found: {told}",
            fix=_FIX,
        )
    return replace(dataset, items=items)


def _stated(record: Record, where: str, *, asks: bool) -> Labels | None:
    """The status a record states; None where it says nothing, or is a problem with an answer."""
    field = next((key for key in _STATUS_FIELDS if key in record), None)
    if field is None and not asks:
        raise DatasetError(
            "A record has neither a label status nor a question.",
            where=f"{where}; fields found: {fields_of(record)}",
            fix=_FIX,
        )
    if field is None or record[field] is None:
        return None
    word = record[field]
    if isinstance(word, str) and (status := _STATUSES.get(word.strip().casefold())):
        return status
    if asks and field == "status":  # of a solver, most likely
        return None
    raise DatasetError(
        f"The label status {shown(word)} is not known.",
        where=f"{where}, field {field!r}",
        fix=f"Say {' or '.join(_STATUSES)}, or null.",
    )


def _labeled(
    item: Item, by_id: dict[str, Labels], by_text: dict[str, list[tuple[str, ...]]]
) -> Item:
    stated = by_id.get(item.id) or by_id.get(f"{item.set}/{item.id}")
    if stated:
        return replace(item, labels=stated)
    votes = by_text.get(normalized(item.question), [])
    if not votes or not item.accepted:
        return item
    same = all(agree(item.accepted, vote) for vote in votes)
    disputed = item.labels == "disputed" or not same
    return replace(item, labels="disputed" if disputed else "agreed")
