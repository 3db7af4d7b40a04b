"""Free MPS files from the standard form, without the traps of the format.

Lives here: `write_mps`.
Never here: the LP format, solving, reading.

Said explicitly because readers differ: OBJSENSE (some drop it, so maximization is also in a
comment), the objective constant as the negative right-hand side of the objective row, a lower
bound before every upper bound, both bounds of every integer column. Numbers are written with the
fewest digits that read back as the same double (at most 17). A two-sided row is a side and a
range that give back both sides exactly; a row for which no range does becomes two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np

from solvers_bridge.form import Block, StandardForm
from solvers_bridge.formats.names import legal_names
from solvers_bridge.formats.target import Target, writing

_OBJECTIVE = "obj"


def write_mps(form: StandardForm, file: Target) -> None:
    """Write `form` as a free MPS file.

    Args:
        form: The compiled model; "satisfy" is written as minimizing nothing.
        file: A path, or an open text stream.
    """
    with writing(file) as out:
        out.writelines(f"{line}\n" for line in _lines(_sayable(form)))


def _lines(form: StandardForm) -> Iterator[str]:
    columns = legal_names(map(form.column_name, range(form.n)), prefix="x")
    rows = legal_names(map(form.row_name, range(form.m)), prefix="r")
    lower, upper = form.row_lower.tolist(), form.row_upper.tolist()
    kinds = [_row_kind(low, high) for low, high in zip(lower, upper, strict=True)]
    sense = "MAX" if form.sense == "max" else "MIN"
    yield from (f"* sense: {form.sense}", "NAME model", "OBJSENSE", f"    {sense}", "ROWS")
    yield f" N {_OBJECTIVE}"
    yield from (f" {kind} {row}" for (kind, _, _), row in zip(kinds, rows, strict=True))
    yield "COLUMNS"
    yield from _column_lines(form, columns, rows)
    yield "RHS"
    if form.offset:
        yield f" rhs {_OBJECTIVE} {-form.offset!r}"
    sides = list(zip(kinds, rows, strict=True))
    yield from (f" rhs {row} {side!r}" for (_, side, _), row in sides if side)
    if any(span is not None for _, _, span in kinds):
        yield "RANGES"
        yield from (f" rng {row} {span!r}" for (_, _, span), row in sides if span is not None)
    yield "BOUNDS"
    bounds = zip(
        columns,
        form.col_lower.tolist(),
        form.col_upper.tolist(),
        form.integer.tolist(),
        strict=True,
    )
    yield from chain.from_iterable(_bound_lines(*column) for column in bounds)
    yield "ENDATA"


def _row_kind(low: float, high: float) -> tuple[str, float, float | None]:
    """Row type, right-hand side and range."""
    if low == high:
        return "E", low, None
    if math.isinf(high):
        return ("N", 0.0, None) if math.isinf(low) else ("G", low, None)
    return ("L", high, None) if math.isinf(low) else _ranged(low, high) or ("G", low, high - low)


def _ranged(low: float, high: float) -> tuple[str, float, float] | None:
    """The row type and range from which a reader computes exactly these sides, if there is one."""
    span = high - low
    for range_ in (span, math.nextafter(span, math.inf), math.nextafter(span, 0.0)):
        if low + range_ == high:
            return "G", low, range_
        if high - range_ == low:
            return "L", high, range_
    return None


def _sayable(form: StandardForm) -> StandardForm:
    """`form` with rows that no range can say split in two; almost always `form` itself."""
    sides = zip(form.row_lower.tolist(), form.row_upper.tolist(), strict=True)
    split = [
        i
        for i, (low, high) in enumerate(sides)
        if low != high and math.isfinite(high - low) and _ranged(low, high) is None
    ]
    if not split:
        return form
    spans = [slice(int(form.starts[i]), int(form.starts[i + 1])) for i in split]
    lower = np.append(form.row_lower, np.full(len(split), -np.inf))
    upper = np.append(form.row_upper, form.row_upper[split])
    upper[split] = np.inf
    ends = len(form.coefs) + np.cumsum([span.stop - span.start for span in spans])
    return replace(
        form,
        row_lower=lower,
        row_upper=upper,
        starts=np.append(form.starts, ends).astype(np.int32),
        indices=np.concatenate([form.indices, *(form.indices[span] for span in spans)]),
        coefs=np.concatenate([form.coefs, *(form.coefs[span] for span in spans)]),
        rows=(
            *form.rows,
            *(Block(f"{form.row_name(i)}_up", form.m + k, 1) for k, i in enumerate(split)),
        ),
    )


def _column_lines(form: StandardForm, columns: list[str], rows: list[str]) -> Iterator[str]:
    """The matrix by columns, integer columns between markers; an empty column gets a zero."""
    order = np.argsort(form.indices, kind="stable")
    row_of = np.repeat(np.arange(len(rows)), np.diff(form.starts))[order].tolist()
    coefs = form.coefs[order].tolist()
    ends = np.cumsum(np.bincount(form.indices, minlength=len(columns))).tolist()
    in_integers, start, marks = False, 0, 0
    for column, cost, whole, end in zip(
        columns, form.cost.tolist(), form.integer.tolist(), ends, strict=True
    ):
        if bool(whole) != in_integers:
            in_integers, marks = bool(whole), marks + 1
            yield f" mark{marks} 'MARKER' '{'INTORG' if whole else 'INTEND'}'"
        if cost or start == end:
            yield f" {column} {_OBJECTIVE} {cost!r}"
        yield from (f" {column} {rows[row_of[k]]} {coefs[k]!r}" for k in range(start, end))
        start = end
    if in_integers:
        yield f" mark{marks + 1} 'MARKER' 'INTEND'"


def _bound_lines(column: str, low: float, high: float, whole: int) -> Iterator[str]:
    """Bounds of one column; the default of a real column, zero to infinity, is left out."""
    if low == high:
        yield f" FX bnd {column} {low!r}"
        return
    if math.isinf(low) and math.isinf(high):
        yield f" FR bnd {column}"
        return
    if math.isinf(low):
        yield f" MI bnd {column}"
    elif low or whole or high < 0:
        yield f" LO bnd {column} {low!r}"
    if not math.isinf(high):
        yield f" UP bnd {column} {high!r}"
    elif whole:
        yield f" PL bnd {column}"
