"""An audit of a file of labels against a file of problems with models.

Lives here: reading both, pairing texts, solving the forms, putting the result together.
Never here: explanations (`explain`), words (`result`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.audit.explain import Case, Form, reasons
from benchmarks.audit.result import Audit, Reason, Row
from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.forms import VERSIONS, optima
from benchmarks.datasets.layouts import Draft
from benchmarks.datasets.load import drafts
from benchmarks.datasets.printed import agree
from benchmarks.datasets.reading import free_name
from benchmarks.datasets.text import Match, match

RECORDED = "recorded"
"""Stands for a version where the data has no form, but what its program gave."""


def run_audit(
    data: Path,
    labels: Path | None = None,
    *,
    name: str = "",
    versions: Sequence[str] = tuple(VERSIONS),
) -> Audit:
    """Compare every label with the model of its text.

    Texts are paired by their normal form, then by the nearest text. A label agrees when it equals
    the checked optimum of one of `versions` within max(0.01, 1e-3 relative), or the verdict. Where
    the data has no form, but the value its own program gave, that is compared.

    Args:
        data: Problems with gold forms or values of programs, in any layout of the data sets.
        labels: Problems with answers; None compares the answers of `data` with its own models.
        name: For the report; empty takes the name of the labels' file.
        versions: Which optima count: any of `VERSIONS`.

    Raises:
        DatasetError: A file cannot be read, nothing in the data has a model, or nothing can be
            compared.
    """
    if odd := set(versions) - set(VERSIONS):
        raise DatasetError(
            f"There is no answer version {', '.join(sorted(odd))}.",
            fix=f"Choose among {', '.join(VERSIONS)}.",
        )
    begun = time.perf_counter()
    models, asked = _named(data), _named(labels or data)
    misfits = [f"{key}: {one.misfit}, left out" for key, one in models.items() if one.misfit]
    if not any(one.form is not None or one.recorded for one in models.values()):
        raise DatasetError(
            "No problem of the data has a gold form or the value of a program.",
            where="; ".join((str(data), *misfits[:1])),
            fix="Give the set with its gold forms, such as nl4opt, as --data.",
        )
    pairs = match(
        {key: draft.question for key, draft in asked.items()},
        {key: draft.question for key, draft in models.items()},
    )
    tally = _Tally(tuple(versions))
    for key, draft in asked.items():
        tally.take(key, draft, pairs.get(key), models)
    if not tally.rows and not tally.unlabeled:
        raise DatasetError(
            "Nothing can be compared: no problem of the labels is, nor nearly, in the data."
            if not pairs
            else f"Nothing can be compared: none of the {len(pairs)} problems in both has a model.",
            where=f"data {data}, labels {labels or data}",
            fix="Give two files with the same problems, one with gold forms, one with answers.",
        )
    return Audit(
        name=name or (labels or data).stem,
        data=str(data),
        labels=str(labels or data),
        versions=tuple(versions),
        rows=tuple(tally.rows),
        unmatched=tuple(tally.unmatched),
        unlabeled=dict(tally.unlabeled),
        without_model=tally.without_model,
        seconds=time.perf_counter() - begun,
        notes=tuple(misfits),
    )


def _named(file: Path) -> dict[str, Draft]:
    """Every problem of a file by its id; a missing or taken one becomes its number."""
    found: dict[str, Draft] = {}
    for number, (draft, _) in enumerate(drafts(file, None)):
        found[free_name(draft.id or str(number), number, found)] = draft
    return found


@dataclass(slots=True)
class _Tally:
    """The parts of an audit while it runs."""

    versions: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    unlabeled: Counter[str] = field(default_factory=Counter)
    without_model: int = 0

    def take(self, key: str, label: Draft, hit: Match | None, models: Mapping[str, Draft]) -> None:
        """Compare one label with the model its text belongs to."""
        if hit is None:
            self.unmatched.append(key)
            return
        model = models[hit.id]
        if model.form is None and not model.recorded:
            self.without_model += 1
            return
        values = (
            optima(model.form)
            if model.form is not None
            else {RECORDED: " or ".join(model.recorded)}
        )
        if not label.accepted:
            self.unlabeled[_kind(values)] += 1
            return
        self.rows.append(self._row(key, label, hit, model, values))

    def _row(self, key: str, label: Draft, hit: Match, model: Draft, values: dict[str, str]) -> Row:
        why: tuple[Reason, ...] = ()
        if model.form is None:
            same = tuple(values) if agree(label.accepted, model.recorded) else ()
            if not same:
                why = (Reason("program differs", "the recorded program gave another value"),)
        else:
            same = tuple(n for n in self.versions if agree(label.accepted, (values[n],)))
            if not same:
                why = reasons(self._case(label, model, model.form, values))
        return Row(
            label_id=key,
            data_id=hit.id,
            matched=hit.how,
            similarity=hit.similarity,
            label=label.accepted,
            optima=values,
            agrees_with=same,
            reasons=why,
        )

    def _case(self, label: Draft, model: Draft, form: Form, values: Mapping[str, str]) -> Case:
        return Case(
            label=label.accepted,
            text=label.question,
            original=model.question,
            form=form,
            optima=values,
            point=label.point,
            versions=self.versions,
        )


def _kind(values: Mapping[str, str]) -> str:
    """What a model without a label says: its verdict over whole numbers, or that it is finite."""
    value = values.get("integer", values.get(RECORDED, ""))
    return value if value.isalpha() else "finite"
