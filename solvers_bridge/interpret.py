"""What a model says about given values of its variables: the oracle, slow and exact.

Lives here: objective, rows, bounds and integrality of one point, as fractions.
Never here: anything of `compile`, whose judge this is; tolerances; solvers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from solvers_bridge.errors import DataError
from solvers_bridge.ir.expression import parse_expression, parse_forall
from solvers_bridge.ir.model import Constraint, Model, Number, Relation, Variable
from solvers_bridge.ir.reference import Reading, Reference, bounds_at
from solvers_bridge.ir.tables import Keys, combinations, exact, shown

Point = Mapping[str, Mapping[Keys, Fraction | float]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a constraint at the point, in the units of that constraint."""

    name: str
    key: Keys
    """The values of the names of `forall`, in the order they are written."""
    activity: Fraction
    """Left side minus right side."""
    relation: Relation

    @property
    def violation(self) -> Fraction:
        """By how much the row is broken; 0 when it holds, and for `<` or `>` met with equality."""
        if self.relation == "==":
            return abs(self.activity)
        excess = self.activity if self.relation in {"<=", "<"} else -self.activity
        return max(excess, Fraction())

    @property
    def holds(self) -> bool:
        """Whether the row is true as written: `<` and `>` do not allow equality."""
        strict = self.relation in {"<", ">"}
        return not self.violation and not (strict and self.activity == 0)


@dataclass(frozen=True, slots=True)
class Bounds:
    """One variable at the point, with its bounds (None: there is none)."""

    name: str
    key: Keys
    value: Fraction
    lower: Fraction | None
    upper: Fraction | None
    whole: bool
    """Whether the value must be whole (domain integer or binary)."""

    @property
    def violation(self) -> Fraction:
        """By how much the value is outside its bounds."""
        below = Fraction() if self.lower is None else self.lower - self.value
        above = Fraction() if self.upper is None else self.value - self.upper
        return max(below, above, Fraction())

    @property
    def fraction(self) -> Fraction:
        """Distance to the nearest whole number where one is demanded, else 0."""
        return abs(self.value - round(self.value)) if self.whole else Fraction()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that a model says about one point."""

    objective: Fraction
    rows: tuple[Row, ...]
    bounds: tuple[Bounds, ...]
    """Every variable at every key, in the order of the model, row-major."""

    @property
    def feasible(self) -> bool:
        """Whether every row, bound and integrality holds exactly."""
        inside = all(not item.violation and not item.fraction for item in self.bounds)
        return inside and all(row.holds for row in self.rows)


def evaluate(model: Model, values: Point, data: Mapping[str, Any] | None = None) -> Evaluation:
    """Objective, rows, bounds and integrality of `model` at `values`, in exact arithmetic.

    Args:
        model: A model that `check` has no errors for.
        values: Per variable one number per key; the key of an index-free variable is `()`.
        data: Parameter values instead of `model.data`, shaped like their index sets.

    Raises:
        ExpressionError: A text of the model is outside the grammar.
        ModelError: A name, key or set of the model does not fit, or it is too large for this.
        DataError: A number is missing or not finite, in the data or in `values`.
    """
    reference = Reference(model, data)
    point = _Point(reference, values)
    sight = Reading(reference, "objective.expr", point.at)
    objective = sight.number(parse_expression(model.objective.expr, where=sight.where), {})
    rows = [
        row
        for at, item in enumerate(model.constraints)
        for row in _rows(reference, item, path=f"constraints[{at}]", point=point)
    ]
    bounds = [
        bound
        for at, item in enumerate(model.variables)
        for bound in _bounds(reference, item, path=f"variables[{at}]", point=point)
    ]
    return Evaluation(objective, tuple(rows), tuple(bounds))


class _Point:
    """The given values, looked up strictly: an unknown key is an error, not a zero."""

    def __init__(self, reference: Reference, values: Point) -> None:
        unknown = sorted(set(values) - set(reference.variables))
        if unknown:
            raise DataError(
                f'There is no variable "{unknown[0]}".', where="values", fix="Leave it out."
            )
        self._values = values

    def at(self, name: str, key: Keys) -> Fraction:
        value: Number | Fraction | None = self._values.get(name, {}).get(key)
        if value is None:
            raise DataError(
                f'Variable "{name}" has no value for key {shown(key)}.',
                where=f"values[{name!r}]",
                fix="Give one number per key of its index sets.",
            )
        return exact(value, where=f"values[{name!r}]")


def _rows(reference: Reference, item: Constraint, *, path: str, point: _Point) -> Iterator[Row]:
    clauses = parse_forall(item.forall, where=f"{path}.forall")
    names = list(dict.fromkeys(name for clause in clauses for name in clause.names))
    left = parse_expression(item.lhs, where=f"{path}.lhs")
    right = parse_expression(item.rhs, where=f"{path}.rhs")
    left_sight = Reading(reference, f"{path}.lhs", point.at)
    right_sight = Reading(reference, f"{path}.rhs", point.at)
    for scope in Reading(reference, f"{path}.forall").scopes(clauses, {}):
        activity = left_sight.number(left, scope) - right_sight.number(right, scope)
        yield Row(item.name, tuple(scope[name] for name in names), activity, item.relation)


def _bounds(reference: Reference, item: Variable, *, path: str, point: _Point) -> Iterator[Bounds]:
    for key in combinations(reference.axes(item.index)):
        lower, upper = bounds_at(reference, item, key, path=path)
        value = point.at(item.name, key)
        yield Bounds(item.name, key, value, lower, upper, item.domain != "real")
