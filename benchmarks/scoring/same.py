"""Is a model the gold model in other words? A better question than whether one number agrees.

Lives here: `same_model`. Two models are the same if, with the variables of one put for those of the
other, they allow the same points and value them alike.
Never here: rows that differ in detail (`benchmarks.scoring.diff`), answers.

How it is decided, cheapest first:

1. Row for row: some assignment of variables makes the normal forms equal. Proves equality.
2. The optimum on the given numbers, or its lack, differs. Proves a difference.
3. For every assignment that agrees on the objective and on who must be whole: does each row of one
   hold for all points of the other, and back? One solve per row that has no twin. A few random
   objectives, smallest and greatest value, must agree as well. Where neither allows any point,
   every row of both is loosened by a further variable, and these models are compared.
4. Would they with other numbers? Yes, if every row of the gold model has a twin where its
   equalities hold. No, if the model has another row over the same variables instead, or none that
   shares a variable with it. Where further rows may stand for it, that stays open.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from benchmarks.scoring.diff import words
from benchmarks.scoring.matching import Order, orders, reductions
from benchmarks.scoring.matrix import Matrix, Row, TooLargeError, normal, of_gold, of_model
from benchmarks.scoring.sets import Points, UndecidedError, beyond, facets
from solvers_bridge import BridgeError, Model

_MOST_TRIED = 24
"""Assignments compared with a solver; what is right is nearly always the first."""
_DIRECTIONS = 3
_LOOSE = "(how far rows are loosened)"
_CLOSE = 1e-6


class Comparison(NamedTuple):
    """Is it the same model?"""

    same: bool | None
    """None where that cannot be decided."""
    why: str


def _agrees(why: str) -> Comparison:
    return Comparison(same=True, why=why)


def _differs(why: str) -> Comparison:
    return Comparison(same=False, why=why)


def same_model(model: Model, gold: Mapping[str, Any]) -> Comparison:
    """Compare a model of ours with a gold matrix form.

    Args:
        model: With its numbers.
        gold: As in `Item.gold_model`. Its optional `domain` (`integer`, `real`, or one of them per
            variable) says which variables are whole; without it, that is not compared. Rows marked
            `strict` may be read as strict or not; either agrees.

    Cost: 2 to 4 ms for the compiler where the models agree row for row, else one small solve for
    each row that has no twin.
    """
    known = gold.get("domain") is not None
    try:
        mine = of_model(model, closed=not known, rounded=known)
    except (BridgeError, TooLargeError) as error:
        return Comparison(None, f"the model cannot be compared: {error}")
    readings = [of_gold(gold, rounded=known)]
    if known and any(row.get("strict") for row in gold["rows"]):
        readings.append(of_gold(gold, strict=True, rounded=known))
    if mine.n < readings[0].n:
        return _of_fewer(mine, readings, whole=known)
    found = _differs("")
    for reading in readings:
        try:
            found = _compared(mine, reading, whole=known)
        except UndecidedError as error:
            found = Comparison(None, f"the solver did not decide: {error}")
        if found.same is not False:
            break
    return found


def _of_fewer(mine: Matrix, readings: Sequence[Matrix], *, whole: bool) -> Comparison:
    try:
        optimum = Points(mine, whole).optimum()
        other = [Points(reading, whole).optimum() for reading in readings]
    except UndecidedError as error:
        return Comparison(None, f"the solver did not decide: {error}")
    if not any(_equal(optimum, value) for value in other):
        return _differs(_optima(optimum, other[0]))
    return Comparison(None, f"{mine.n} variables instead of {readings[0].n}, of equal optimum")


def _compared(mine: Matrix, gold: Matrix, *, whole: bool) -> Comparison:
    reduced = list(reductions(mine, gold.n))
    for candidate in reduced:
        for order in orders(candidate, gold):
            if _row_for_row(_under(candidate, order), gold, whole=whole):
                return _agrees("row for row")
    theirs = Points(gold, whole)
    optimum, wanted = Points(mine, whole).optimum(), theirs.optimum()
    if not _equal(optimum, wanted):
        return _differs(_optima(optimum, wanted))
    if not reduced:
        return Comparison(None, f"{mine.n} variables instead of {gold.n}, of equal optimum")
    if optimum is None:
        loose = Points(_loosened(gold), whole)
        return _by_points([_loosened(candidate) for candidate in reduced], loose)
    return _by_points(reduced, theirs)


def _by_points(reduced: Sequence[Matrix], theirs: Points) -> Comparison:
    gold, whole = theirs.matrix, theirs.whole
    first: Comparison | None = None
    tried = 0
    for candidate in reduced:
        ours = Points(candidate, whole)
        ours.optimum()
        for order in orders(candidate, gold):
            if gold.names[-1] == _LOOSE != candidate.names[order[-1]]:
                continue
            mine = _under(candidate, order)
            if why := _valued_differently(mine, gold, whole=whole):
                first = first or _differs(why)
                continue
            if tried == _MOST_TRIED:
                return Comparison(None, f"none of {_MOST_TRIED} assignments fits; there are more")
            tried += 1
            points = Points(mine, whole, [tuple(p[i] for i in order) for p in ours.seen])
            found = _sets_equal(points, theirs)
            if found.same is not False:
                return found
            first = found if first is None or not first.same else first
    return first or _differs("no assignment of variables fits")


def _loosened(matrix: Matrix) -> Matrix:
    """Every row may be broken by the value of one further variable, so that there are points."""
    rows: list[Row] = []
    for coefs, rhs, equal in matrix.rows:
        rows.append(Row((*coefs, -1.0), rhs, equal=False))
        if equal:
            rows.append(Row((*(-c + 0.0 for c in coefs), -1.0), -rhs + 0.0, equal=False))
    loose = replace(
        matrix,
        names=(*matrix.names, _LOOSE),
        cost=(*matrix.cost, 0.0),
        rows=tuple(rows),
        signed=(*matrix.signed, True),
        integer=None if matrix.integer is None else (*matrix.integer, False),
        rounded=False,
    )
    return normal(loose)


def _under(matrix: Matrix, order: Order) -> Matrix:
    """`matrix` with its columns in the order of the gold model."""
    return replace(
        matrix,
        names=tuple(matrix.names[i] for i in order),
        cost=tuple(matrix.cost[i] for i in order),
        rows=tuple(row.under(order) for row in matrix.rows),
        signed=tuple(matrix.signed[i] for i in order),
        integer=None if matrix.integer is None else tuple(matrix.integer[i] for i in order),
    )


def _row_for_row(mine: Matrix, gold: Matrix, *, whole: bool) -> bool:
    return (
        set(mine.rows) == set(gold.rows)
        and mine.signed == gold.signed
        and not _valued_differently(mine, gold, whole=whole)
    )


def _valued_differently(mine: Matrix, gold: Matrix, *, whole: bool) -> str:
    """How objective or whole numbers differ; empty where they do not.

    Objectives that differ by a multiple of an equality that both have are equal.
    """
    if whole and mine.integer != gold.integer:
        pairs = zip(gold.names, mine.integer or (), gold.integer or (), strict=True)
        return f"whole numbers differ: {', '.join(name for name, a, b in pairs if a != b)}"
    cost, offset = _without_equalities(mine, gold)
    wanted, base = _without_equalities(gold, gold)
    if all(map(_close, cost, wanted)) and _close(offset, base):
        return ""
    return f"objectives differ: {_priced(mine, gold)} against {_priced(gold, gold)}"


def _without_equalities(matrix: Matrix, gold: Matrix) -> tuple[list[float], float]:
    """Cost and offset with every equality of the gold model used to drop one column."""
    cost, offset = list(matrix.cost), matrix.offset
    for coefs, rhs, pivot in _echelon(gold):
        factor = cost[pivot]
        cost = [c - factor * a for c, a in zip(cost, coefs, strict=True)]
        offset += factor * rhs
    return cost, offset


def _echelon(matrix: Matrix) -> list[tuple[list[float], float, int]]:
    """Equalities in reduced echelon form: coefficients, right side, pivot column (which is 1)."""
    done: list[tuple[list[float], float, int]] = []
    for row in matrix.rows:
        if not row.equal:
            continue
        coefs, rhs = list(row.coefs), row.rhs
        for other, side, pivot in done:
            factor = coefs[pivot]
            coefs = [a - factor * b for a, b in zip(coefs, other, strict=True)]
            rhs -= factor * side
        pivot = max(range(matrix.n), key=lambda j: abs(coefs[j]))
        if abs(coefs[pivot]) <= _CLOSE:
            continue
        scale = coefs[pivot]
        coefs, rhs = [a / scale for a in coefs], rhs / scale
        done = [
            (
                [a - other[pivot] * b for a, b in zip(other, coefs, strict=True)],
                side - other[pivot] * rhs,
                at,
            )
            for other, side, at in done
        ]
        done.append((coefs, rhs, pivot))
    return done


def _sets_equal(ours: Points, theirs: Points) -> Comparison:
    """Do two models over the same variables allow the same points?"""
    mine, gold = ours.matrix, theirs.matrix
    own, wanted = list(facets(mine)), list(facets(gold))
    ours.seen = [point for point in ours.seen if not any(beyond(row, point) for row in own)]
    for row in wanted:
        if row not in own and ours.breaks(row):
            return _differs(f"the model does not keep {words(row, gold.names)}")
    for row in own:
        if row not in wanted and theirs.breaks(row):
            return _differs(f"only the model asks for {words(row, gold.names)}")
    for direction in _random_directions(gold.n):
        if not _equal(ours.least(direction), theirs.least(direction)):
            return Comparison(None, "rows agree, values of random objectives do not")
    return _beyond_these_numbers(ours, theirs)


def _beyond_these_numbers(ours: Points, theirs: Points) -> Comparison:
    """Both allow the same points; would they if the numbers were others?"""
    mine, gold = ours.matrix, theirs.matrix
    known, asked = _folded(facets(mine), gold), _folded(facets(gold), gold)
    lost = [row for folded, row in _folded(gold.rows, gold).items() if folded not in known]
    extra = [row for folded, row in _folded(mine.rows, gold).items() if folded not in asked]
    if not lost:
        further = "; further rows of the model decide nothing" if extra else ""
        return _agrees(f"same points and objective{further}")
    others = [_support(row) for row in extra]
    twisted = [row for row in lost if not _may_stand_for(others, _support(row))]
    said = "; ".join(words(row, gold.names) for row in twisted or lost)
    if twisted:
        return _differs(f"equal on these numbers only: no row says {said}")
    return Comparison(None, f"equal on these numbers; what stands for {said} is not clear")


def _may_stand_for(others: Sequence[frozenset[int]], row: frozenset[int]) -> bool:
    """Rows over the same variables say another thing, rows over quite others nothing about it."""
    return row not in others and any(row & other for other in others)


def _folded(rows: Iterable[Row], gold: Matrix) -> dict[Row, Row]:
    """Rows by what they say where the equalities of the gold model hold."""
    found = {}
    for row in rows:
        coefs, rhs = list(row.coefs), row.rhs
        for other, side, pivot in _echelon(gold):
            factor = coefs[pivot]
            coefs = [a - factor * b for a, b in zip(coefs, other, strict=True)]
            rhs -= factor * side
        clean = Row(tuple(0.0 if _close(c, 0.0) else c for c in coefs), rhs, row.equal)
        for folded in normal(replace(gold, rows=(clean,), signed=(False,) * gold.n)).rows:
            found[folded] = row
    return found


def _support(row: Row) -> frozenset[int]:
    return frozenset(j for j, c in enumerate(row.coefs) if c)


def _random_directions(n: int) -> Iterator[list[float]]:
    """The same for the same `n`; each with its opposite, so that both ends are compared."""
    draw = random.Random(n)  # noqa: S311 - not for secrets
    for _ in range(_DIRECTIONS):
        direction = [round(draw.uniform(-1, 1), 3) for _ in range(n)]
        yield direction
        yield [-c for c in direction]


def _optima(one: float | None, gold: float | None) -> str:
    return f"optimum {_said(one)} instead of {_said(gold)} (minimized)"


def _said(value: float | None) -> str:
    if value is None:
        return "infeasible"
    return "unbounded" if math.isinf(value) else f"{value:.10g}"


def _priced(matrix: Matrix, gold: Matrix) -> str:
    terms = [f"{c:g} {name}" for c, name in zip(matrix.cost, gold.names, strict=True) if c]
    return " + ".join([*terms, *([f"{matrix.offset:g}"] if matrix.offset else [])]) or "0"


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None or math.isinf(one) or math.isinf(other):
        return one == other
    return _close(one, other)


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _CLOSE * max(1.0, abs(one), abs(other))
