"""LP files (the CPLEX dialect) from the standard form, for people and for other solvers.

Lives here: `write_lp`.
Never here: MPS, solving, reading.

The format names columns where they first occur, so a reader may number them differently; names
are kept. A two-sided row becomes two, `name_lo` and `name_up`: readers, HiGHS among them, take
`low <= expression <= high` for something else without a word. Rows without sides are left out.
Numbers have the fewest digits that read back as the same double (at most 17), and every bound
that is not zero to infinity is said. Lines end well before the 560 characters some readers allow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from solvers_bridge.form import StandardForm
from solvers_bridge.formats.names import legal_names
from solvers_bridge.formats.target import Target, writing

_LINE = 100


def write_lp(form: StandardForm, file: Target) -> None:
    """Write `form` as an LP file.

    Args:
        form: The compiled model; "satisfy" is written as minimizing nothing.
        file: A path, or an open text stream.
    """
    with writing(file) as out:
        out.writelines(f"{line}\n" for line in _lines(form))


def _lines(form: StandardForm) -> Iterator[str]:
    columns = legal_names(map(form.column_name, range(form.n)), prefix="x")
    yield f"\\ sense: {form.sense}"
    yield "Maximize" if form.sense == "max" else "Minimize"
    yield from _wrapped("obj:", [*_objective_terms(form, columns), *_constant(form.offset)], "")
    yield "Subject To"
    starts, indices, coefs = form.starts.tolist(), form.indices.tolist(), form.coefs.tolist()
    sides = list(_one_sided(form))
    for name, (i, _, side) in zip(
        legal_names((n for _, n, _ in sides), prefix="r"), sides, strict=True
    ):
        span = range(starts[i], starts[i + 1])
        terms = [_term(coefs[k], columns[indices[k]]) for k in span] or [f"+ 0 {columns[0]}"]
        yield from _wrapped(f"{name}:", terms, side)
    yield "Bounds"
    yield from _bounds(form, columns)
    whole = [name for name, flag in zip(columns, form.integer.tolist(), strict=True) if flag]
    if whole:
        yield "Generals"
        yield from _wrapped("", whole, "")
    yield "End"


def _objective_terms(form: StandardForm, columns: Sequence[str]) -> list[str]:
    """Costs, and a zero for columns that no row names, so that every column is in the file."""
    used = np.zeros(len(columns), dtype=bool)
    used[form.indices] = True
    shown = np.flatnonzero((form.cost != 0) | ~used).tolist()
    return [_term(float(form.cost[j]), columns[j]) for j in shown]


def _constant(offset: float) -> list[str]:
    return [f"{'-' if offset < 0 else '+'} {abs(offset)!r}"] if offset else []


def _term(coefficient: float, column: str) -> str:
    sign = "-" if coefficient < 0 else "+"
    size = abs(coefficient)
    return f"{sign} {column}" if size == 1 else f"{sign} {size!r} {column}"


def _one_sided(form: StandardForm) -> Iterator[tuple[int, str, str]]:
    """Row number, name and side of each row of the file."""
    for i, (low, high) in enumerate(
        zip(form.row_lower.tolist(), form.row_upper.tolist(), strict=True)
    ):
        name = form.row_name(i)
        if low == high:
            yield i, name, f" = {low!r}"
        elif math.isinf(high):
            if not math.isinf(low):
                yield i, name, f" >= {low!r}"
        elif math.isinf(low):
            yield i, name, f" <= {high!r}"
        else:
            yield i, f"{name}_lo", f" >= {low!r}"
            yield i, f"{name}_up", f" <= {high!r}"


def _bounds(form: StandardForm, columns: Sequence[str]) -> Iterator[str]:
    for name, low, high in zip(
        columns, form.col_lower.tolist(), form.col_upper.tolist(), strict=True
    ):
        if low == high:
            yield f" {name} = {low!r}"
        elif math.isinf(low) and math.isinf(high):
            yield f" {name} free"
        elif math.isinf(high):
            if low:
                yield f" {name} >= {low!r}"
        else:
            yield f" {low if math.isfinite(low) else '-inf'} <= {name} <= {high!r}"


def _wrapped(head: str, terms: Sequence[str], tail: str) -> Iterator[str]:
    """`head`, the terms and `tail` over as many lines as they need."""
    line = f" {head}" if head else ""
    for term in terms:
        if len(line) + len(term) > _LINE:
            yield line
            line = " "
        line += f" {term}"
    yield line + tail
