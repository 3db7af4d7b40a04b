"""Taking up the problems of a set one by one, and what its reader must be told about them.

Lives here: ids, equal texts, the notes of a set, the errors of one that holds nothing.
Never here: files, layouts, solving.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace

from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.layouts import ANSWERS, Draft
from benchmarks.datasets.printed import agree
from benchmarks.datasets.text import normalized
from benchmarks.items import Item
from opto.display.text import plain

_FIRST = 5
"""Problems a note names."""
_SPLITS = 20
"""Splits an error names."""


@dataclass(slots=True)
class Reading:
    """What comes up while a set is read."""

    items: dict[str, Item] = field(default_factory=dict)
    splits: dict[str, None] = field(default_factory=dict)
    """Every split that was seen, chosen or not."""
    fields: str = ""
    """Of the first record, for errors."""
    _by_text: dict[str, str] = field(default_factory=dict)
    _duplicates: list[str] = field(default_factory=list)
    _contradictions: list[str] = field(default_factory=list)
    _renamed: list[str] = field(default_factory=list)
    _unreadable: list[str] = field(default_factory=list)
    _misfits: list[str] = field(default_factory=list)
    _with_answer: int = 0
    _with_form: int = 0
    _read: int = 0

    def name_of(self, id_: str, title: str) -> str:
        """The id of the next problem: its own, or one made of the set and its number."""
        return id_ or f"{title}-{self._read}"

    def take(self, item: Item, draft: Draft, told: str) -> None:
        """Take a problem up, unless its text is there already.

        Args:
            item: The problem; its id may be taken.
            draft: What it was made of.
            told: The fields of its record.
        """
        self._read += 1
        self.fields = self.fields or told
        self._with_answer += draft.has_answer or draft.form is not None
        self._with_form += draft.form is not None or bool(draft.solved)
        if draft.trouble:
            self._unreadable.append(f"{item.id}: {draft.trouble}")
        if draft.misfit:
            self._misfits.append(f"{item.id}: {draft.misfit}")
        form = normalized(item.question)
        if (first := self._by_text.get(form)) is not None:
            self._repeated(item, first)
            return
        name = free_name(item.id, self._read - 1, self.items)
        if name != item.id:
            self._renamed.append(f"{item.id} is now {name}")
        self._by_text[form] = name
        self.items[name] = replace(item, id=name)

    def _repeated(self, item: Item, first: str) -> None:
        kept = self.items[first]
        self._duplicates.append(f"{item.id} = {first}")
        if kept.accepted and item.accepted and not agree(kept.accepted, item.accepted):
            self.items[first] = replace(kept, labels="disputed")
            said, other = " or ".join(kept.accepted), " or ".join(item.accepted)
            self._contradictions.append(f"{first} says {said}, {item.id} {other}")

    def check(self, where: str, answers: str | None, split: str | None) -> None:
        """Is there anything to measure with?

        Raises:
            DatasetError: No problem, no field with an answer, or no gold form for `answers`.
        """
        if not self._read:
            raise self._empty(where, split)
        if not self._with_answer:
            raise DatasetError(
                "No record has a field with an answer.",
                where=f"{where}; fields found: {self.fields}",
                fix=f"Name the answer one of: {', '.join(ANSWERS)}; null where there is none.",
            )
        if answers and not self._with_form:
            raise DatasetError(
                f"The set has no answer version {answers!r}: it has no gold forms.",
                where="; ".join((where, *self._misfits[:1])),
                fix="Mend the gold forms." if self._misfits else "Leave the answer version out.",
            )

    def _empty(self, where: str, split: str | None) -> DatasetError:
        if not split:
            return DatasetError(
                "There is no problem.", where=where, fix="Give a file with problems."
            )
        known = ", ".join(list(self.splits)[:_SPLITS]) + (
            ", …" if len(self.splits) > _SPLITS else ""
        )
        return DatasetError(
            f"There is no problem of the split {split!r}.",
            where=where,
            fix=f"Give one of {known}, or none." if known else "The set has no splits: give none.",
        )

    def notes(self) -> Iterator[str]:
        """What was left out, changed or cannot be scored; safe to print."""
        bare = sum(not item.accepted for item in self.items.values())
        if bare:
            yield f"{bare} of {len(self.items)} have no answer and cannot be scored"
        for what, which in (
            ("left out as duplicates by text", self._duplicates),
            ("of these with another answer; the first stays, as disputed", self._contradictions),
            ("given another id, for theirs was taken", self._renamed),
            ("with an answer that cannot be read", self._unreadable),
            ("with a gold form that does not fit and is left out", self._misfits),
        ):
            if which:
                more = ", …" if len(which) > _FIRST else ""
                yield plain(f"{len(which)} {what}: {', '.join(which[:_FIRST])}{more}")


def free_name(wanted: str, number: int, taken: Container[str]) -> str:
    """`wanted`, or where that is taken the first of `wanted-number` and its successors."""
    name = wanted
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name
