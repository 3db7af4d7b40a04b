"""What an audit found.

Lives here: the records, their JSON, their Markdown and their text for a terminal.
Never here: solving, matching, explaining.

Texts come from data files and are not trusted: they are shown as plain words, without control
characters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import Any

from opto.display.text import plain as printable

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#|~!&])")
_LONGEST = 320
_AS_PRINTED = 10
"""Characters up to which a number is shown as it is written; longer ones with as many digits."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that explains a difference, found by computation."""

    code: str
    """The class it is counted under, such as `text edited`."""
    text: str
    """The facts: what differs, which row, which value."""


@dataclass(frozen=True, slots=True)
class Row:
    """One label and the model of its text."""

    label_id: str
    data_id: str
    matched: str
    """`text`: equal normal forms; `near`: the nearest text."""
    similarity: float
    label: tuple[str, ...]
    """Accepted answers, as printed."""
    optima: Mapping[str, str]
    """Checked optimum or verdict by version of the gold form; or `recorded`, what a program of the
    data gave."""
    agrees_with: tuple[str, ...]
    """Versions that say the same as the label."""
    reasons: tuple[Reason, ...] = ()
    """For a difference, the class it is counted under first; empty where it agrees."""

    @property
    def agrees(self) -> bool:
        return bool(self.agrees_with)


@dataclass(frozen=True, slots=True)
class Audit:
    """All labels that could be compared, and what could not."""

    name: str
    data: str
    labels: str
    versions: tuple[str, ...]
    """Versions of the answer that count as agreement."""
    rows: tuple[Row, ...]
    unmatched: tuple[str, ...]
    """Labels whose text is not, nor nearly, in the data."""
    unlabeled: Mapping[str, int]
    """Matched texts without a label, by what their model says: `finite` or a verdict."""
    without_model: int
    """Matched texts whose record has neither a form nor the value of a program."""
    seconds: float
    notes: tuple[str, ...] = ()
    """What was left out of the data, such as a form that does not fit, by id and field."""

    @property
    def agreeing(self) -> int:
        return sum(row.agrees for row in self.rows)

    @property
    def contradicted(self) -> tuple[Row, ...]:
        """Labels their own model contradicts."""
        return tuple(row for row in self.rows if not row.agrees)

    @property
    def classes(self) -> dict[str, int]:
        """How often each class of difference occurs, most often first."""
        return dict(Counter(row.reasons[0].code for row in self.contradicted).most_common())

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data, counts first."""
        return {
            "name": self.name,
            "compared": len(self.rows),
            "agree": self.agreeing,
            "classes": self.classes,
            "matched": dict(Counter(row.matched for row in self.rows)),
            "unmatched": list(self.unmatched),
            "unlabeled": dict(self.unlabeled),
            "without_model": self.without_model,
            "versions": list(self.versions),
            "data": self.data,
            "labels": self.labels,
            "seconds": round(self.seconds, 2),
            "notes": list(self.notes),
            "contradicted": [asdict(row) for row in self.contradicted],
        }

    def to_text(self, width: int = 88) -> str:
        """The report for a terminal: the counts, then a few lines per contradicted label.

        Numbers have at most 10 digits.

        Args:
            width: Characters of a line, 24 or more.
        """
        lines = [f"Labels of {_clean(self.name)}", "", *self._counts(_clean)]
        if self.contradicted:
            lines += ["", "Differences:"]
            lines += [f"{count:6}  {code}" for code, count in self.classes.items()]
        for row in self.contradicted:
            lines += ["", *_told(row)]
        return "\n".join(part for line in lines for part in _wrapped(line, width))

    def to_markdown(self) -> str:
        """A short report: the counts, then one line per contradicted label."""
        lines = [f"# Labels of {_plain(self.name)}", "", *self._counts(_plain)]
        if self.contradicted:
            lines += ["", "| difference | labels |", "|---|---|"]
            lines += [f"| {code} | {count} |" for code, count in self.classes.items()]
            lines += ["", "| label | of | says | model says | why |", "|---|---|---|---|---|"]
            lines += [_line(row) for row in self.contradicted]
        return "\n".join(lines) + "\n"

    def _counts(self, safe: Callable[[str], str]) -> Iterator[str]:
        """The sentences that every report starts with; `safe` is for what is foreign in them."""
        if self.rows:
            yield (
                f"{self.agreeing} of {len(self.rows)} labels "
                f"({self.agreeing / len(self.rows):.1%}) agree with the model of their text: equal "
                f"to one of {', '.join(self.versions)} within max(0.01, 1e-3 relative)."
            )
        else:
            yield "No problem with a model has a label, so none could be compared."
        how = Counter(row.matched for row in self.rows)
        yield (
            f"Matched by equal text: {how['text']}; by the nearest text: {how['near']}; "
            f"not matched: {len(self.unmatched)}; without a model: {self.without_model}."
        )
        if self.unlabeled:
            told = ", ".join(f"{count} {what}" for what, count in self.unlabeled.items())
            yield f"Texts without a label, by what their model says: {told}."
        yield from (f"Note: {safe(note)}" for note in self.notes)


def _told(row: Row) -> Iterator[str]:
    """A contradicted label in lines; those after the first are set in."""
    near = f" (nearest text, {row.similarity:.2f})" if row.matched == "near" else ""
    yield f"{_clean(row.label_id)}: text of {_clean(row.data_id)}{near}"
    short = {name: _short(value) for name, value in row.optima.items()}
    model = ", ".join(f"{value} {names}" for value, names in _grouped(short).items())
    yield f"    says {' or '.join(map(_short, row.label))}; model says {model}"
    for reason in row.reasons:
        yield f"    {reason.code}: {_clean(reason.text)}" if reason.text else f"    {reason.code}"


def _short(value: str) -> str:
    """A label or an optimum with at most 10 digits: `95` for `94.99999999999999`."""
    if len(value) <= _AS_PRINTED:
        return _clean(value)
    try:
        return f"{float(value):.{_AS_PRINTED}g}"
    except ValueError:
        return _clean(value)


def _wrapped(line: str, width: int) -> list[str]:
    """The line in pieces of `width`; where it is set in, the rest is by two more."""
    inset = line[: len(line) - len(line.lstrip())]
    room = max(width, len(inset) + 20)
    rest = f"{inset}  " if inset else ""
    return wrap(line, room, subsequent_indent=rest, break_on_hyphens=False) or [""]


def _line(row: Row) -> str:
    model = ", ".join(f"{value} {names}" for value, names in _grouped(row.optima).items())
    match = f" (near {row.similarity:.2f})" if row.matched == "near" else ""
    why = "; ".join(
        f"{reason.code}: {reason.text}" if reason.text else reason.code for reason in row.reasons
    )
    cells = (row.label_id, f"{row.data_id}{match}", " or ".join(row.label), model, why)
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _grouped(optima: Mapping[str, str]) -> dict[str, str]:
    """Each value once, with the versions that have it."""
    values = dict.fromkeys(optima.values())
    return {
        value: "for all"
        if len(values) == 1 and len(optima) > 1
        else "for " + ", ".join(name for name, one in optima.items() if one == value)
        for value in values
    }


def _plain(text: str) -> str:
    """Text of a data file as words of one Markdown cell: no markup, no control characters."""
    return _MARKUP.sub(r"\\\1", _clean(text))


def _clean(text: str) -> str:
    """Text of a data file on one line, without control characters, cut where it is long."""
    clean = printable(_CONTROL.sub(" ", text))
    return clean if len(clean) <= _LONGEST else clean[:_LONGEST] + " …"
