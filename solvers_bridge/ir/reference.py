"""What an expression means: a slow, exact evaluator over keys and fractions.

Lives here: names looked up in one model and its data, and the value of a tree at given keys.
Never here: matrices, floats, numpy; `compile` must not use this, because it is judged by it.

Semantics are Python's: an inner index hides an outer one, `for` clauses nest left to right,
comparisons chain. Numbers are fractions, so order of summation does not matter. Work is counted;
past `max_steps` it stops with TooLargeError instead of running for hours.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from solvers_bridge.errors import DataError, ModelError
from solvers_bridge.ir.expression import (
    Clause,
    clauses_of,
    keys_of,
    parse_condition,
    parse_expression,
)
from solvers_bridge.ir.model import IndexSet, Key, Model, Variable
from solvers_bridge.ir.tables import (
    Axis,
    Keys,
    Table,
    base_axis,
    brief,
    combinations,
    exact,
    listed_axis,
    place_in,
    shown,
    sum_in_pairs,
)

Scope = Mapping[str, Key]
Choose = Callable[[str, Keys], Fraction]

_MAX_BITS = 200_000
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class TooLargeError(ModelError):
    """Evaluating one key at a time would take too long."""

    code = "bridge.model.too_large"


class OutsideSetError(ModelError):
    """A key, often a computed one such as `t-1`, is not in the set it is used with."""

    code = "bridge.model.outside_set"


class Reference:
    """One model with its data, its sets and tables made when first asked for."""

    def __init__(
        self,
        model: Model,
        data: Mapping[str, Any] | None = None,
        *,
        max_steps: int = 20_000_000,
    ) -> None:
        self.variables = {item.name: item for item in model.variables}
        self.parameters = {item.name: item for item in model.parameters}
        self.steps_left = max_steps
        """How much work is still allowed; may be set anew between uses."""
        self._sets = {item.name: (at, item) for at, item in enumerate(model.sets)}
        self._values = {item.parameter: (at, item) for at, item in enumerate(model.data)}
        self._data = data or {}
        self._axes: dict[str, Axis] = {}
        self._tables: dict[str, Table] = {}
        self._open: set[str] = set()

    def spend(self, steps: int = 1) -> None:
        """Count work; TooLargeError when there has been too much."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise TooLargeError(
                "The model is too large to be evaluated key by key.",
                fix="Use the compiler, or a smaller instance of the same model.",
            )

    def axis(self, name: str) -> Axis:
        """The elements of a set, in order."""
        if name not in self._axes:
            if name not in self._sets:
                raise ModelError(f'Unknown set "{name}".', fix="Declare it in `sets`.")
            if name in self._open:
                raise ModelError(f'Set "{name}" depends on itself.', fix="List its `rows`.")
            self._open.add(name)
            try:
                self._axes[name] = self._spelled_out(*self._sets[name])
            finally:
                self._open.discard(name)
        return self._axes[name]

    def axes(self, index: Iterable[str]) -> tuple[Axis, ...]:
        """The axes of an index list."""
        return tuple(self.axis(name) for name in index)

    def table(self, name: str) -> Table:
        """The numbers of a parameter."""
        if name not in self._tables:
            at, values = self._values.get(name, (0, None))
            override = self._data.get(name)
            where = f"data[{at}]" if override is None and values is not None else f"data[{name!r}]"
            parameter = self.parameters[name]
            self._tables[name] = Table(
                parameter, self.axes(parameter.index), values=values, override=override, where=where
            )
        return self._tables[name]

    def _spelled_out(self, at: int, item: IndexSet) -> Axis:
        if item.tuples_of is None:
            return base_axis(item)
        parts = self.axes(item.tuples_of)
        bases = tuple(base for part in parts for base in part.bases)
        if item.rows is not None:
            return listed_axis(item.name, bases, (tuple(row) for row in item.rows))
        reading = Reading(self, f"sets[{at}].where")
        condition = parse_condition(item.where or "0 == 0", where=reading.where)
        chosen = []
        for key in combinations(parts):
            self.spend()
            if reading.holds(condition, {f"i{place}": part for place, part in enumerate(key)}):
                chosen.append(key)
        return listed_axis(item.name, bases, chosen)


@dataclass(frozen=True, slots=True)
class Reading:
    """The evaluation of one expression of a model.

    `choose` gives the value of a variable at a key; without it a variable is an error, as in
    conditions and bounds.
    """

    reference: Reference
    where: str
    choose: Choose | None = None

    def scopes(self, clauses: tuple[Clause, ...], scope: Scope) -> Iterator[dict[str, Key]]:
        """Every way to bind the names of `clauses`, in order, on top of `scope`."""
        if not clauses:
            yield dict(scope)
            return
        clause = clauses[0]
        axis = self.reference.axis(clause.set_name)
        if axis.width != len(clause.names):
            raise self._fault(f"An element of {clause.set_name} has {axis.width} keys.")
        for element in axis:
            self.reference.spend()
            inner = {**scope, **dict(zip(clause.names, element, strict=True))}
            if all(self.holds(condition, inner) for condition in clause.conditions):
                yield from self.scopes(clauses[1:], inner)

    def number(self, node: ast.expr, scope: Scope) -> Fraction:
        """The value of a number-valued tree."""
        self.reference.spend()
        match node:
            case ast.Constant(value=int() | float() as literal):
                value = Fraction(literal)
            case ast.Name():
                value = self._named(node.id, scope)
            case ast.Subscript(value=ast.Name(id=name)):
                keys = tuple(self.key(part, scope) for part in keys_of(node))
                value = self._looked_up(name, keys)
            case ast.UnaryOp(op=ast.USub()):
                value = -self.number(node.operand, scope)
            case ast.UnaryOp(op=ast.UAdd()):
                value = self.number(node.operand, scope)
            case ast.BinOp():
                value = self._arithmetic(node, scope)
            case ast.Call(func=ast.Name(id=name)):
                value = self._call(name, node, scope)
            case _:
                raise self._fault(f"`{ast.unparse(node)}` is not a number.")
        return value

    def holds(self, node: ast.expr, scope: Scope) -> bool:
        """The truth of a condition; like Python's, a later part may go unread."""
        match node:
            case ast.BoolOp(op=ast.And()):
                return all(self.holds(part, scope) for part in node.values)
            case ast.BoolOp():
                return any(self.holds(part, scope) for part in node.values)
            case ast.UnaryOp():
                return not self.holds(node.operand, scope)
            case ast.Compare(ops=[ast.In() | ast.NotIn() as sort], comparators=[ast.Name(id=name)]):
                left = node.left.elts if isinstance(node.left, ast.Tuple) else [node.left]
                keys = tuple(self.key(part, scope) for part in left)
                axis = self.reference.axis(name)
                if axis.width != len(keys):
                    raise self._fault(f"An element of {name} has {axis.width} keys.")
                return (axis.place(keys) is not None) == isinstance(sort, ast.In)
            case ast.Compare():
                sides = [self._operand(side, scope) for side in (node.left, *node.comparators)]
                pairs = zip(node.ops, pairwise(sides), strict=True)
                return all(self._compared(sort, pair) for sort, pair in pairs)
        raise self._fault(f"`{ast.unparse(node)}` is not a condition.")

    def key(self, node: ast.expr, scope: Scope) -> Key:
        """The key a subscript's part stands for: text, or a whole number."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name) and node.id in scope:
            return scope[node.id]
        value = Reading(self.reference, self.where).number(node, scope)
        if value.denominator != 1:
            raise self._fault(f"`{ast.unparse(node)}` is {brief(value)}: a key must be whole.")
        return int(value)

    def _operand(self, node: ast.expr, scope: Scope) -> Key | Fraction:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name) and node.id in scope:
            return scope[node.id]
        return Reading(self.reference, self.where).number(node, scope)

    def _compared(self, sort: ast.cmpop, pair: tuple[Key | Fraction, Key | Fraction]) -> bool:
        texts = sum(isinstance(side, str) for side in pair)
        if texts and not isinstance(sort, (ast.Eq, ast.NotEq)):
            raise self._fault(f"{pair[0]!r} and {pair[1]!r} have no order.")
        return _COMPARE[type(sort)](*pair)

    def _named(self, name: str, scope: Scope) -> Fraction:
        if name not in scope:
            return self._looked_up(name, ())
        key = scope[name]
        if isinstance(key, str):
            raise self._fault(f"Index {name} is the text {key!r}, not a number.")
        return Fraction(key)

    def _looked_up(self, name: str, keys: Keys) -> Fraction:
        if name in self.reference.parameters:
            index = self.reference.parameters[name].index
        elif name in self.reference.variables:
            index = self.reference.variables[name].index
        else:
            raise self._fault(f'Unknown name "{name}".')
        if place_in(self.reference.axes(index), keys) is None:
            raise OutsideSetError(
                f"{name}{shown(keys)} does not exist: keys are from {', '.join(index) or '()'}.",
                where=self.where,
                fix="Filter such keys away with `if`, or extend the set.",
            )
        if name in self.reference.parameters:
            return self.reference.table(name)[keys]
        if self.choose is None:
            raise self._fault(f'"{name}" is a variable; only parameters may stand here.')
        return self.choose(name, keys)

    def _arithmetic(self, node: ast.BinOp, scope: Scope) -> Fraction:
        left = self.number(node.left, scope)
        if isinstance(node.op, ast.Pow):
            return self._power(left, node)
        right = self.number(node.right, scope)
        match node.op:
            case ast.Add():
                value = left + right
            case ast.Sub():
                value = left - right
            case ast.Mult():
                value = left * right
            case _:
                value = left / self._nonzero(right, node)
        return self._sized(value)

    def _power(self, base: Fraction, node: ast.BinOp) -> Fraction:
        exponent = int(self.number(node.right, {}))
        if exponent < 0:
            self._nonzero(base, node)
        if (base.numerator.bit_length() + base.denominator.bit_length()) * exponent > _MAX_BITS:
            raise self._fault("A power is too large.")
        return Fraction(base**exponent)

    def _nonzero(self, value: Fraction, node: ast.expr) -> Fraction:
        if not value:
            raise DataError(
                f"Division by zero in `{ast.unparse(node)[:60]}`.",
                where=self.where,
                fix="Correct the number, or filter the key away with `if`.",
            )
        return value

    def _sized(self, value: Fraction) -> Fraction:
        if value.numerator.bit_length() + value.denominator.bit_length() > _MAX_BITS:
            raise TooLargeError("An exact number is too long.", where=self.where, fix="Rescale.")
        return value

    def _call(self, name: str, node: ast.Call, scope: Scope) -> Fraction:
        first = node.args[0]
        if isinstance(first, ast.GeneratorExp):
            inner = self.scopes(clauses_of(first), scope)
            values = (self.number(first.elt, bound) for bound in inner)
        else:
            values = (self.number(arg, scope) for arg in node.args)
        if name == "sum":
            return self._sized(sum_in_pairs(values))
        if name == "abs":
            return abs(next(values))
        found = list(values)
        if not found:
            raise DataError(f"{name} of nothing.", where=self.where, fix="Check the filter.")
        return min(found) if name == "min" else max(found)

    def _fault(self, what: str) -> ModelError:
        return ModelError(what, where=self.where, fix="Run `check` for all findings.")


def bounds_at(
    reference: Reference, item: Variable, key: Keys, *, path: str
) -> tuple[Fraction | None, Fraction | None]:
    """Lower and upper bound of one variable; a binary one is between 0 and 1 in any case."""
    scope = {f"i{place}": part for place, part in enumerate(key)}
    found: list[Fraction | None] = []
    for side, bound in (("lower", item.lower), ("upper", item.upper)):
        where = f"{path}.{side}"
        if isinstance(bound, str):
            tree = parse_expression(bound, where=where)
            found.append(Reading(reference, where).number(tree, scope))
        else:
            found.append(None if bound is None else exact(bound, where=where))
    lower, upper = found
    if item.domain == "binary":
        lower = max(lower or Fraction(), Fraction())
        upper = Fraction(1) if upper is None else min(upper, Fraction(1))
    return lower, upper
