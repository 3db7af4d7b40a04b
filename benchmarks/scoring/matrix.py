"""A small model as rows that can be compared: one spelling for every way to write the same thing.

Lives here: `Matrix`, made from a model of ours or from a gold matrix form, and its normal form.
Never here: matching of variables, solving, verdicts.

Normal form: the objective is minimized; every row is `coefs x <= rhs`, or an equality; bounds
other than `x >= 0` are rows; `>=` is turned round; two rows that squeeze an expression to one value
are an equality; a row is scaled so that its largest coefficient is 1 in size, and, if asked for,
where all its variables are whole, rounded inward to what whole numbers can reach; rows that always
hold over the bounds, and repetitions, are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from solvers_bridge import Model, StandardForm, compile_model

LARGEST = 60
"""Most columns of a model that is compared; `TooLargeError` above."""
_ROWS = 400
_TINY = 1e-9
_DENOMINATOR = 10**6
_CLOSED = {"<": "<=", ">": ">="}

Vector = tuple[float, ...]


class TooLargeError(Exception):
    """The model has more columns or rows than are compared."""


class Row(NamedTuple):
    """`coefs x <= rhs`, or `==`; one coefficient per column."""

    coefs: Vector
    rhs: float
    equal: bool

    def under(self, order: Sequence[int]) -> Row:
        """The row with column `order[j]` at place j; the scale stays that of the normal form."""
        moved = self._replace(coefs=tuple(self.coefs[j] for j in order))
        return _facing(moved) if self.equal else moved

    def plain(self) -> Row:
        """The row with whole coefficients where it has such: thirds are exact for no solver."""
        step = _step(self.coefs, (True,) * len(self.coefs))
        if not step:
            return self
        coefs = tuple(float(round(c / step)) for c in self.coefs)
        return Row(coefs, _neat(self.rhs / step), self.equal)


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A model in the normal form above; n columns."""

    names: tuple[str, ...]
    """What is known in words about each column."""
    sense: Literal["min", "max", "satisfy"]
    """As written; `cost` and `offset` are those of minimizing."""
    cost: Vector
    offset: float
    rows: tuple[Row, ...]
    signed: tuple[bool, ...]
    """Per column: is it at least 0?"""
    integer: tuple[bool, ...] | None
    """Per column: must it be whole? None where nobody says."""
    rounded: bool
    """Are rows rounded inward to what whole numbers can reach?"""

    @property
    def n(self) -> int:
        """Number of columns."""
        return len(self.cost)


def of_model(model: Model, *, closed: bool = False, rounded: bool = False) -> Matrix:
    """A model of ours with its numbers.

    Args:
        model: Any that compiles.
        closed: Read `<` as `<=` and `>` as `>=`.
        rounded: Round rows inward to what whole numbers can reach.

    Raises:
        BridgeError: It does not compile.
        TooLargeError: It has more than `LARGEST` columns or 400 rows.
    """
    if closed:
        rows = [
            c.model_copy(update={"relation": _CLOSED.get(c.relation, c.relation)})
            for c in model.constraints
        ]
        model = model.model_copy(update={"constraints": rows})
    words = {v.name: f"{v.name} {v.meaning}" for v in model.variables}
    return of_form(compile_model(model), words=words, rounded=rounded)


def of_form(
    form: StandardForm, *, words: Mapping[str, str] | None = None, rounded: bool = False
) -> Matrix:
    """A compiled model; `words` adds meanings to names of variables."""
    if form.n > LARGEST or form.m > _ROWS:
        raise TooLargeError(f"{form.n} columns, {form.m} rows")
    names = []
    for j in range(form.n):
        name, key = form.column_key(j)
        names.append(" ".join([*map(str, key), (words or {}).get(name, name)]))
    rows: list[Row] = []
    for i in range(form.m):
        coefs = [0.0] * form.n
        for entry in range(int(form.starts[i]), int(form.starts[i + 1])):
            coefs[int(form.indices[entry])] = float(form.coefs[entry])
        rows += _sides(coefs, float(form.row_lower[i]), float(form.row_upper[i]))
    for j in range(form.n):
        unit = [float(k == j) for k in range(form.n)]
        rows += _sides(unit, float(form.col_lower[j]), float(form.col_upper[j]))
    sign = -1.0 if form.sense == "max" else 1.0
    return normal(
        Matrix(
            tuple(names),
            form.sense,
            tuple(sign * float(c) + 0.0 for c in form.cost),
            sign * form.offset + 0.0,
            tuple(rows),
            tuple(low >= 0 for low in form.col_lower),
            tuple(map(bool, form.integer)),
            rounded,
        )
    )


def of_gold(gold: Mapping[str, Any], *, strict: bool = False, rounded: bool = False) -> Matrix:
    """A gold matrix form: `vars`, `sense`, `c`, `rows` of `coef`, `op`, `rhs`, `strict`.

    Columns are at least 0. `domain` (`integer`, `real`, or one of them per variable) is optional;
    without it, nothing is known about whole numbers. `offset` is optional too.

    Args:
        gold: The form.
        strict: Keep rows marked strict apart from their closure where all is whole.
        rounded: Round rows inward to what whole numbers can reach.
    """
    n = len(gold["vars"])
    domain = gold.get("domain")
    if isinstance(domain, str):
        domain = [domain] * n
    integer = None if domain is None else tuple(kind != "real" for kind in domain)
    rows: list[Row] = []
    for row in gold["rows"]:
        coefs, rhs, op = [float(c) for c in row["coef"]], float(row["rhs"]), row["op"]
        if op in {"=", "=="}:
            rows.append(Row(tuple(coefs), rhs, equal=True))
            continue
        sign = -1.0 if op.startswith(">") else 1.0
        side = Row(tuple(sign * c + 0.0 for c in coefs), sign * rhs + 0.0, equal=False)
        rows.append(_below(side, integer) if strict and row.get("strict") else side)
    sign = -1.0 if gold["sense"] == "max" else 1.0
    return normal(
        Matrix(
            tuple(map(str, gold["vars"])),
            gold["sense"],
            tuple(sign * float(c) + 0.0 for c in gold["c"]),
            sign * float(gold.get("offset", 0.0)) + 0.0,
            tuple(rows),
            (True,) * n,
            integer,
            rounded,
        )
    )


def normal(matrix: Matrix) -> Matrix:
    """The normal form of the module docstring."""
    kept: dict[Row, None] = {}
    signed = list(matrix.signed)
    for row in matrix.rows:
        scaled = _scaled(row, matrix.integer if matrix.rounded else None)
        used = [j for j, c in enumerate(scaled.coefs) if c]
        if len(used) == 1 and scaled.coefs[used[0]] < 0 and scaled.rhs == 0 and not scaled.equal:
            signed[used[0]] = True
        else:
            kept[scaled] = None
    rows = [row for row in _squeezed(kept) if not always(row, signed)]
    return replace(matrix, rows=tuple(rows), signed=tuple(signed))


def always(row: Row, signed: Sequence[bool]) -> bool:
    """Does the row hold for every point within the bounds, whatever the others say?"""
    if row.equal:
        return not any(row.coefs) and row.rhs == 0
    return row.rhs >= 0 and all(
        c == 0 or (c < 0 and low) for c, low in zip(row.coefs, signed, strict=True)
    )


def _sides(coefs: Sequence[float], lower: float, upper: float) -> Iterable[Row]:
    if lower == upper:
        yield Row(tuple(coefs), upper, equal=True)
        return
    if math.isfinite(upper):
        yield Row(tuple(coefs), upper, equal=False)
    if math.isfinite(lower):
        yield Row(tuple(-c + 0.0 for c in coefs), -lower + 0.0, equal=False)


def _scaled(row: Row, integer: Sequence[bool] | None) -> Row:
    """Largest coefficient 1 in size; rounded inward first where all variables are whole."""
    largest = max(map(abs, row.coefs), default=0.0)
    if largest == 0:  # true or false for good, however far off
        holds = row.rhs == 0 if row.equal else row.rhs >= 0
        return row._replace(rhs=0.0 if holds else -1.0)
    rhs = row.rhs
    if integer is not None and not row.equal:
        step = _step(row.coefs, integer)
        if step:
            rhs = math.floor(rhs / step + _TINY) * step
    coefs = tuple(_neat(c / largest) for c in row.coefs)
    scaled = Row(coefs, _neat(rhs / largest), row.equal)
    return _facing(scaled) if row.equal else scaled


def _facing(row: Row) -> Row:
    """An equality with its first coefficient positive."""
    if next((c for c in row.coefs if c), 1.0) > 0:
        return row
    return Row(tuple(-c + 0.0 for c in row.coefs), -row.rhs + 0.0, row.equal)


def _squeezed(rows: Mapping[Row, None]) -> Iterable[Row]:
    """Pairs `e <= b` and `-e <= -b` become one equality."""
    kept: dict[Row, None] = {}
    for row in rows:
        turned = Row(tuple(-c + 0.0 for c in row.coefs), -row.rhs + 0.0, row.equal)
        pair = not row.equal and any(row.coefs) and turned in rows
        kept[_facing(row._replace(equal=True)) if pair else row] = None
    return kept


def _below(row: Row, integer: Sequence[bool] | None) -> Row:
    """`coefs x < rhs` as the largest value that whole numbers reach; else its closure."""
    step = _step(row.coefs, integer) if integer is not None else 0.0
    if not step:
        return row
    return row._replace(rhs=(math.ceil(row.rhs / step - _TINY) - 1) * step)


def _step(coefs: Sequence[float], integer: Sequence[bool]) -> float:
    """The greatest number of which every value of the row is a multiple; 0 where there is none."""
    if any(c and not whole for c, whole in zip(coefs, integer, strict=True)):
        return 0.0
    parts = [Fraction(c).limit_denominator(_DENOMINATOR) for c in coefs if c]
    if any(
        abs(float(f) - c) > _TINY * abs(c) for f, c in zip(parts, filter(None, coefs), strict=True)
    ):
        return 0.0
    below = math.lcm(*(f.denominator for f in parts))
    return math.gcd(*(f.numerator * (below // f.denominator) for f in parts)) / below


def _neat(value: float) -> float:
    """Twelve digits, so that two ways of computing a number give one key; never -0."""
    return float(f"{value:.12g}") + 0.0
