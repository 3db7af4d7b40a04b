"""What differs between a model and the gold model, row by row.

Lives here: `Diff`, the assignment of variables with the fewest differences, and the competition's
counts of it.
Never here: solving; whether two models that are written differently mean the same
(`benchmarks.scoring.same`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.scoring.errors import UNITS
from benchmarks.scoring.matching import Order, orders, reductions
from benchmarks.scoring.matrix import Matrix, Row, TooLargeError, of_gold, of_model
from solvers_bridge import BridgeError, Model

Slip = Literal["turned", "unit", "number"]
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Diff:
    """The difference in NL4OPT's terms: the objective and each row are one declaration."""

    errors: int
    """False positives and false negatives, at most `declared`."""
    declared: int
    """The objective and the rows of the gold model."""
    objective: Literal["same", "turned", "different"]
    missing: tuple[str, ...]
    """Rows of the gold model to which nothing in the model comes near."""
    extra: tuple[str, ...]
    """Rows of the model to which nothing in the gold model comes near."""
    slips: tuple[tuple[Slip, str], ...]
    """Rows that are there with a fault: turned round, off by a factor of a unit, another number."""
    whole: bool | None
    """Does the model ask for whole numbers where the gold model does? None where nobody says."""
    note: str = ""
    """Why the two could not be compared, where they could not."""

    @property
    def counts(self) -> dict[str, int]:
        """For `ItemResult.declarations`."""
        return {"errors": self.errors, "declared": self.declared}


def diff_model(model: Model | None, gold: Mapping[str, Any]) -> Diff:
    """Compare under the assignment of variables that leaves the fewest errors.

    Names only decide between assignments that fit equally well. Strict rows count as their
    closure and whole numbers do not count as errors, as in the competition. A variable that only
    names an expression is replaced by it.

    Args:
        model: With its numbers; None (nothing was written) has every declaration wrong.
        gold: Matrix form as in `Item.gold_model`.

    Cost: about 2 ms for the compiler; assignments of up to seven variables are all tried.
    """
    wanted = of_gold(gold)
    if model is None:
        return _nothing(wanted, "there is no model")
    try:
        found = of_model(model, closed=True)
    except (BridgeError, TooLargeError) as error:
        return _nothing(wanted, f"the model cannot be compared: {error}")
    best: tuple[int, Matrix, Order] | None = None
    for reduced in reductions(found, wanted.n):
        for order in orders(reduced, wanted):
            errors = _errors(reduced, wanted, order)
            if best is None or errors < best[0]:
                best = (errors, reduced, order)
            if errors == 0:
                break
    if best is None:
        return _nothing(wanted, f"{found.n} variables instead of {wanted.n}")
    return _described(best[1], wanted, best[2])


def _errors(model: Matrix, gold: Matrix, order: Order) -> int:
    rows = {row.under(order) for row in model.rows}
    return _count(_objective(model, gold, order) != "same", rows, gold.rows)


def _count(wrong_objective: object, rows: Iterable[Row], gold: Sequence[Row]) -> int:
    """False positives and negatives as the NL4OPT competition counts them, at most all."""
    found = set(rows)
    surplus = len(found - set(gold))
    lacking = max(len(gold) - len(found), 0)
    return min(bool(wrong_objective) + surplus + lacking, 1 + len(gold))


def _nothing(gold: Matrix, note: str) -> Diff:
    declared = 1 + len(gold.rows)
    return Diff(declared, declared, "different", (), (), (), None, note)


def _objective(model: Matrix, gold: Matrix, order: Order) -> Literal["same", "turned", "different"]:
    mine = [model.cost[i] for i in order]
    if _equal(mine, gold.cost):
        return "same"
    return "turned" if _opposite(mine, gold.cost) else "different"


def _described(model: Matrix, gold: Matrix, order: Order) -> Diff:
    rows = list(dict.fromkeys(row.under(order) for row in model.rows))
    objective = _objective(model, gold, order)
    missing = [row for row in gold.rows if row not in rows]
    extra = [row for row in rows if row not in gold.rows]
    slips: list[tuple[Slip, str]] = []
    for row in list(missing):
        pair = next(((kind, other) for other in extra if (kind := _slip(other, row))), None)
        if pair is not None:
            slips.append((pair[0], words(row, gold.names)))
            missing.remove(row)
            extra.remove(pair[1])
    return Diff(
        _count(objective != "same", rows, gold.rows),
        1 + len(gold.rows),
        objective,
        tuple(words(row, gold.names) for row in missing),
        tuple(words(row, gold.names) for row in extra),
        tuple(slips),
        _same_domains(model, gold, order),
    )


def _same_domains(model: Matrix, gold: Matrix, order: Order) -> bool | None:
    if model.integer is None or gold.integer is None:
        return None
    return tuple(model.integer[i] for i in order) == gold.integer


def _slip(found: Row, wanted: Row) -> Slip | None:
    """How `found` could be `wanted` with one fault; None where they have little in common."""
    support = [bool(c) for c in wanted.coefs]
    if [bool(c) for c in found.coefs] != support:
        return None
    mine, theirs = [*found.coefs, found.rhs], [*wanted.coefs, wanted.rhs]
    if found.equal != wanted.equal:
        return "turned" if _equal(mine, theirs) or _opposite(mine, theirs) else None
    if _opposite(mine, theirs):
        return "turned"
    if any(a * b < 0 for a, b in zip(mine, theirs, strict=True)):
        return None
    ratios = [a / b for a, b in zip(mine, theirs, strict=True) if a and b]
    common = max(ratios, key=lambda ratio: sum(_close(ratio, other) for other in ratios))
    off = [ratio / common for ratio in ratios if not _close(ratio, common)]
    if off and all(any(_close(x, unit) or _close(1 / x, unit) for unit in UNITS) for x in off):
        return "unit"
    return "number"


def words(row: Row, names: Sequence[str]) -> str:
    """A row for people: `2 chairs + tables <= 24`, scaled as it is compared."""
    terms = [f"{c:g} {name}" for c, name in zip(row.coefs, names, strict=True) if c]
    return f"{' + '.join(terms) or '0'} {'=' if row.equal else '<='} {row.rhs:g}"


def _equal(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(map(_close, one, other))


def _opposite(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(_close(-a, b) for a, b in zip(one, other, strict=True))


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _CLOSE * max(1.0, abs(one), abs(other))
