"""Expressions over a frame: numbers become arrays, variables become linear terms.

Lives here: the walk over number-valued trees, for all cells of a frame at once.
Never here: conditions and keys (`conditions`), the grammar, rows and bounds.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from solvers_bridge.compile.conditions import Conditions, Places
from solvers_bridge.compile.frames import Frame
from solvers_bridge.compile.scope import Columns, Scope, Table
from solvers_bridge.compile.terms import ONE, Digit, Grid, Linear, counting
from solvers_bridge.errors import DataError, ModelError
from solvers_bridge.form import Floats
from solvers_bridge.ir.expression import clauses_of, keys_of

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Reads the expressions found at one path of a model."""

    scope: Scope
    where: str

    def linear(self, node: ast.expr, frame: Frame) -> Linear:
        """The value of `node` per cell of `frame`.

        Raises:
            ModelError: not linear, a key outside its set, an unknown name; `where` is the path.
            DataError: a division by zero, or a parameter without a number for a key.
        """
        try:
            with np.errstate(divide="raise", invalid="raise", over="raise"):
                return self._linear(node, frame)
        except FloatingPointError as fault:
            raise DataError(
                f"`{_shown(node)}` has no finite value: {fault}.",
                where=self.where,
                fix="Check the parameters it divides by.",
            ) from None

    def number(self, node: ast.expr, frame: Frame) -> Floats:
        """Like `linear`, for an expression without variables: an array that broadcasts."""
        value = self.linear(node, frame)
        if value.has_terms:
            self._refuse(f"`{_shown(node)}` has a variable; only parameters may stand here.")
        return value.constant

    def _linear(self, node: ast.expr, frame: Frame) -> Linear:
        match node:
            case ast.Constant(value=int() | float() as literal):
                value = Linear(constant=np.asarray(float(literal)))
            case ast.Name():
                value = self._name(node.id, frame)
            case ast.Subscript(value=ast.Name(id=name)):
                value = self._looked_up(name, keys_of(node), frame)
            case ast.UnaryOp(op=ast.USub()):
                value = self._linear(node.operand, frame).times(-ONE, frame)
            case ast.UnaryOp(op=ast.UAdd()):
                value = self._linear(node.operand, frame)
            case ast.BinOp():
                value = self._binary(node, frame)
            case ast.Call(func=ast.Name(id="sum"), args=[ast.GeneratorExp() as body]):
                inner = self._conditions().expanded(clauses_of(body), frame.inner())
                value = Linear()
                if inner.cells:
                    value = self._linear(body.elt, inner).summed(inner, frame)
            case ast.Call(func=ast.Name(id=name)):
                value = Linear(constant=self._function(name, node, frame))
            case _:
                self._refuse(f"`{_shown(node)}` is not a number.")
        return value

    def _conditions(self) -> Conditions:
        return Conditions(self.scope, self.where, self.number)

    def _name(self, name: str, frame: Frame) -> Linear:
        bound = frame.bound.get(name)
        if bound is not None and bound.group is not None:
            if not bound.group.is_numeric:
                self._refuse(f"Index {name} runs over text keys; it is not a number.")
            return Linear(constant=bound.group.numbers[bound.array(frame.shape)])
        return self._looked_up(name, (), frame)

    def _looked_up(self, name: str, keys: tuple[ast.expr, ...], frame: Frame) -> Linear:
        if self.scope.is_table(name):
            table = self.scope.table(name, where=self.where)
            places = self._conditions().places(name, keys, table.groups, frame)
            return Linear(constant=self._gathered(table, places, frame))
        if name in self.scope.variables:
            columns = self.scope.variables[name]
            places = self._conditions().places(name, keys, columns.groups, frame)
            return Linear((self._entries(columns, places, frame),))
        raise self.scope.unknown_name(name, where=self.where)

    def _entries(self, columns: Columns, places: Places, frame: Frame) -> Grid:
        digits = []
        for position, place in enumerate(places):
            stride = columns.stride(position)
            if place.codes is None:
                digits.append(counting(place.axis, frame.shape, stride))
            else:
                codes = place.codes.reshape(
                    (1,) * (len(frame.shape) - place.codes.ndim) + place.codes.shape
                )
                digits.append(Digit(stride, codes))
        return Grid(columns.number, columns.first, frame.shape, tuple(digits), ONE)

    def _gathered(self, table: Table, places: Places, frame: Frame) -> Floats:
        axes = [place.axis for place in places]
        if all(place.codes is None for place in places) and len(set(axes)) == len(axes):
            # every index runs along an axis as it is: a view, whatever the size of the table
            view = table.values.transpose(np.argsort(axes)) if axes else table.values
            sizes = tuple(n if a in axes else 1 for a, n in enumerate(frame.shape))
            values = view.reshape(sizes) if axes else view
        else:
            values = table.values[tuple(place.array(frame.shape) for place in places)]
        if not table.full and np.isnan(values).any():
            cell = tuple(int(k) for k in np.argwhere(np.isnan(values))[0])
            key = tuple(
                table.groups[k].keys[int(np.broadcast_to(p.array(frame.shape), values.shape)[cell])]
                for k, p in enumerate(places)
            )
            shown = ", ".join(repr(part) for parts in key for part in parts)
            raise DataError(
                f"{table.name}[{shown}] has no number and no default.",
                where=f"data[{table.name}].cells",
                fix=f"Add the cell, give a default, or filter it away in {self.where}.",
            )
        return values

    def _binary(self, node: ast.BinOp, frame: Frame) -> Linear:
        left, right = self._linear(node.left, frame), self._linear(node.right, frame)
        if not left.has_terms and not right.has_terms:
            constant = _OPERATORS[type(node.op)](left.constant, right.constant)
            return Linear(constant=np.asarray(constant, np.float64))
        match node.op:
            case ast.Add():
                value = left.plus(right)
            case ast.Sub():
                value = left.plus(right.times(-ONE, frame))
            case ast.Mult() if not right.has_terms:
                value = left.times(right.constant, frame)
            case ast.Mult() if not left.has_terms:
                value = right.times(left.constant, frame)
            case ast.Div() if not right.has_terms:
                if not right.constant.all():
                    self._refuse_division(node)
                value = left.times(right.constant, frame, operation=np.divide)
            case ast.Pow() if right.constant == 1.0:
                value = left
            case ast.Pow() if right.constant == 0.0:
                value = Linear(constant=ONE)
            case _:
                self._refuse(
                    f"`{_shown(node)}` is not linear: variables multiply or divide each other.",
                    fix="Rewrite it with linear terms; a product with a binary needs own rows.",
                )
        return value

    def _function(self, name: str, node: ast.Call, frame: Frame) -> Floats:
        if name == "abs":
            return np.abs(self.number(node.args[0], frame))
        best = np.minimum if name == "min" else np.maximum
        if not isinstance(node.args[0], ast.GeneratorExp):
            values = [self.number(arg, frame) for arg in node.args]
            result = values[0]
            for value in values[1:]:
                result = best(result, value)
            return np.asarray(result)
        body = node.args[0]
        inner = self._conditions().expanded(clauses_of(body), frame.inner())
        if not inner.cells:
            self._refuse_nothing(name)
        values_in = np.broadcast_to(self.number(body.elt, inner), inner.shape).ravel()
        rows = inner.rows_in(frame)
        if rows is None:
            rows = np.arange(frame.cells, dtype=np.int32).reshape(
                frame.shape + (1,) * (len(inner.shape) - len(frame.shape))
            )
        flat = np.broadcast_to(rows, inner.shape).ravel()
        if np.bincount(flat, minlength=frame.cells).min(initial=1) == 0:
            self._refuse_nothing(name)
        found = np.full(frame.cells, np.inf if name == "min" else -np.inf)
        best.at(found, flat, values_in)
        return found.reshape(frame.shape)

    def _refuse_nothing(self, name: str) -> NoReturn:
        raise DataError(f"{name} of nothing.", where=self.where, fix="Check the filter.")

    def _refuse_division(self, node: ast.expr) -> NoReturn:
        raise DataError(
            f"Division by zero in `{_shown(node)}`.",
            where=self.where,
            fix="Correct the number, or filter the key away with `if`.",
        )

    def _refuse(self, what: str, *, fix: str = "Run `check` for all findings.") -> NoReturn:
        raise ModelError(what, where=self.where, fix=fix)


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
