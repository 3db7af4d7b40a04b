"""What an audit found.

Lives here: the records, their JSON and their Markdown.
Never here: solving, matching, explaining.

Texts come from data files and are not trusted: Markdown shows them as plain words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#|~!&])")
_LONGEST = 320


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

    def to_markdown(self) -> str:
        """A short report: the counts, then one line per contradicted label."""
        share = f" ({self.agreeing / len(self.rows):.1%})" if self.rows else ""
        how = Counter(row.matched for row in self.rows)
        lines = [
            f"# Labels of {_plain(self.name)}",
            "",
            f"{self.agreeing} of {len(self.rows)} labels{share} agree with the model of their "
            f"text: equal to one of {', '.join(self.versions)} within max(0.01, 1e-3 relative).",
            f"Matched by equal text: {how['text']}; by the nearest text: {how['near']}; "
            f"not matched: {len(self.unmatched)}; without a model: {self.without_model}.",
        ]
        if self.unlabeled:
            told = ", ".join(f"{count} {what}" for what, count in self.unlabeled.items())
            lines.append(f"Texts without a label, by what their model says: {told}.")
        lines += [f"Note: {_plain(note)}" for note in self.notes]
        if self.contradicted:
            lines += ["", "| difference | labels |", "|---|---|"]
            lines += [f"| {code} | {count} |" for code, count in self.classes.items()]
            lines += ["", "| label | of | says | model says | why |", "|---|---|---|---|---|"]
            lines += [_line(row) for row in self.contradicted]
        return "\n".join(lines) + "\n"


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
    clean = _CONTROL.sub(" ", text)
    clean = clean if len(clean) <= _LONGEST else clean[:_LONGEST] + " …"
    return _MARKUP.sub(r"\\\1", clean)
