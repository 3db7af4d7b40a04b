"""Which variable of a model is which variable of the gold model?

Lives here: assignments of columns, by name and by trying; variables that only name an expression,
replaced by it.
Never here: verdicts, solving.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, islice, permutations

from benchmarks.scoring.matrix import Matrix, Row, normal

Order = tuple[int, ...]
"""Per column of the gold model, the column of the model that stands for it."""

_MOST_ORDERS = 5040
_MOST_REDUCTIONS = 40
_STEM = 4
_ZERO = 1e-9


def orders(model: Matrix, gold: Matrix) -> Iterator[Order]:
    """Assignments of as many columns: the likeliest by price and name first, at most 5,040.

    Names decide nothing but the order: `x[0]` is not `factory 0` only because it sounds like it. Up
    to seven columns all assignments are among them.
    """
    rest = list(range(model.n))
    guess = []
    for name, cost in zip(gold.names, gold.cost, strict=True):
        fits = [(model.cost[i] == cost, alike(name, model.names[i])) for i in rest]
        guess.append(rest.pop(fits.index(max(fits))))
    yield from islice(permutations(guess), _MOST_ORDERS)


def alike(one: str, other: str) -> float:
    """Share of the words of `one` that `other` has too, from 0 to 1; endings do not count."""
    mine, theirs = _stems(one), _stems(other)
    return len(mine & theirs) / len(mine) if mine else 0.0


def reductions(model: Matrix, n: int) -> Iterator[Matrix]:
    """`model` with `n` columns: variables that equalities define are replaced, in every way.

    At most 40 ways; the model itself where it has `n` columns already.
    """
    extra = model.n - n
    if extra == 0:
        yield model
    if extra <= 0:
        return
    equalities = [row for row in model.rows if row.equal]
    defined = [j for j in range(model.n) if any(row.coefs[j] for row in equalities)]
    for chosen in islice(combinations(defined, extra), _MOST_REDUCTIONS):
        reduced: Matrix | None = model
        for j in sorted(chosen, reverse=True):
            reduced = _without(reduced, j) if reduced is not None else None
        if reduced is not None:
            yield reduced


def _stems(text: str) -> set[str]:
    words = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
    return {word if word.isdigit() else word.rstrip("s")[:_STEM] for word in words if word != "s"}


def _without(model: Matrix, j: int) -> Matrix | None:
    """Column `j` replaced by what an equality says it is; None where that is not exact."""
    using = [row for row in model.rows if row.equal and row.coefs[j]]
    if not using:
        return None
    # the row with the fewest other columns is its definition
    source = min(using, key=lambda row: sum(map(bool, row.coefs)))
    scale = source.coefs[j]
    terms = [-c / scale for c in source.coefs]
    terms[j] = 0.0
    constant = source.rhs / scale
    if not _stays_whole(model, j, terms, constant):
        return None

    def put(coefs: Sequence[float]) -> tuple[float, ...]:
        mixed = [c + coefs[j] * t for c, t in zip(coefs, terms, strict=True)]
        return tuple(0.0 if abs(c) < _ZERO else c for k, c in enumerate(mixed) if k != j)

    rows = [
        Row(put(row.coefs), row.rhs - row.coefs[j] * constant, row.equal)
        for row in model.rows
        if row is not source
    ]
    if model.signed[j]:  # 0 <= terms x + constant
        bound = tuple(-t + 0.0 for k, t in enumerate(terms) if k != j)
        rows.append(Row(bound, constant, equal=False))

    def drop(values: Sequence[bool]) -> tuple[bool, ...]:
        return tuple(value for k, value in enumerate(values) if k != j)

    return normal(
        replace(
            model,
            names=tuple(name for k, name in enumerate(model.names) if k != j),
            cost=put(model.cost),
            offset=model.offset + model.cost[j] * constant,
            rows=tuple(rows),
            signed=drop(model.signed),
            integer=None if model.integer is None else drop(model.integer),
        )
    )


def _stays_whole(model: Matrix, j: int, terms: Sequence[float], constant: float) -> bool:
    """Is nothing lost where column `j`, if it must be whole, is replaced by its expression?"""
    if model.integer is None or not model.integer[j]:
        return True
    numbers = [constant, *terms]
    used = [whole for whole, term in zip(model.integer, terms, strict=True) if term]
    return all(used) and all(abs(x - round(x)) < _ZERO for x in numbers)
