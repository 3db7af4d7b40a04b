"""Checks of expressions without numbers: names, indices, degree, types, units.

Lives here: a typed walk over the trees of `ir.expression`; it goes on after a fault, so that one
run shows all of them.
Never here: values; what depends on them (`t-1` outside its set) is found in `check.probe`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise

from solvers_bridge.check.findings import Report
from solvers_bridge.check.keys import check_key_name, check_literal_key
from solvers_bridge.check.symbols import Symbols
from solvers_bridge.check.units import Unit, differ, parse_unit, product, spelled
from solvers_bridge.ir.expression import Clause, clauses_of, keys_of
from solvers_bridge.ir.model import Variable
from solvers_bridge.ir.tables import brief

Scope = Mapping[str, str]
"""Index name to the base set it runs over; empty text when that set is unknown."""

_HUGE, _TINY = 1e15, 1e-9
_PRODUCT_FIX = (
    "Keep one variable per product; for binaries x*y use a new binary z with z <= x, z <= y, "
    "z >= x + y - 1."
)
_PICK_FIX = {
    "abs": "Bound it by two constraints: e <= u and -e <= u.",
    "max": "Use a new variable u with u >= e for each part.",
    "min": "Use a new variable u with u <= e for each part.",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is known of a number-valued expression."""

    linear: bool = False
    """Whether a variable is in it."""
    unit: Unit | None = None


@dataclass(slots=True)
class Walk:
    """The walk over one expression; `variables` and `indices` collect what it used."""

    symbols: Symbols
    report: Report
    path: str
    only_parameters: str = ""
    """Where variables may not stand, in words such as `a bound`; empty when they may."""
    variables: dict[str, Variable] = field(default_factory=dict)
    indices: set[str] = field(default_factory=set)
    guesswork: bool = False
    """Whether a name is unknown, so that what is not there cannot be said."""

    def number(self, node: ast.expr, scope: Scope) -> Meaning:
        """Check a number-valued tree."""
        meaning = Meaning()
        match node:
            case ast.Constant():
                self._literal(node)
            case ast.Name():
                meaning = self._name(node.id, scope)
            case ast.Subscript(value=ast.Name(id=name)):
                meaning = self._subscript(name, node, scope)
            case ast.UnaryOp():
                meaning = self.number(node.operand, scope)
            case ast.BinOp():
                meaning = self._arithmetic(node, scope)
            case ast.Call(func=ast.Name(id=name)):
                meaning = self._call(name, node, scope)
        return meaning

    def condition(self, node: ast.expr, scope: Scope) -> None:
        """Check a condition; variables may not stand in it."""
        outer, self.only_parameters = self.only_parameters, self.only_parameters or "a condition"
        match node:
            case ast.BoolOp():
                for part in node.values:
                    self.condition(part, scope)
            case ast.UnaryOp():
                self.condition(node.operand, scope)
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=name)]):
                keys = node.left.elts if isinstance(node.left, ast.Tuple) else [node.left]
                bases = self._bases_of(name)
                if bases is not None and len(bases) != len(keys):
                    message = f'a key of "{name}" has {len(bases)} parts, not {len(keys)}'
                    self._error("wrong-arity", message, "Write `(a, b) in S` for a pair.")
                elif bases is not None:
                    for key, base in zip(keys, bases, strict=True):
                        self._key(key, base, scope, member=True)
            case ast.Compare():
                self._comparison(node, scope)
        self.only_parameters = outer

    def clauses(self, clauses: Sequence[Clause], scope: Scope) -> dict[str, str]:
        """Check `for` clauses and return the scope inside them."""
        inner = dict(scope)
        for clause in clauses:
            bases = self._bases_of(clause.set_name)
            if bases is not None and len(bases) != len(clause.names):
                fix = f"Write `({', '.join('abcdefgh'[: len(bases)])}) in {clause.set_name}`."
                fix = fix if len(bases) > 1 else "Use one name."
                message = f'an element of "{clause.set_name}" has {len(bases)} keys'
                self._error("wrong-arity", f"{message}, not {len(clause.names)}", fix)
                bases = None
            for name, base in zip(clause.names, bases or [""] * len(clause.names), strict=True):
                self._check_binding(name, inner)
                inner[name] = base
            for condition in clause.conditions:
                self.condition(condition, inner)
        return inner

    def check_use(self, clauses: Sequence[Clause], *, what: str) -> None:
        """Warn of clauses none of whose names occurs anywhere."""
        for clause in clauses:
            if not self.indices.intersection(clause.names):
                names = ", ".join(clause.names)
                message = f"index {names} is not used: {what} is repeated for each key"
                fix = f"Use {names} as an index, or leave the clause out."
                self.report.warn(self.path, "unused-index", message, fix)

    def _bases_of(self, set_name: str) -> tuple[str, ...] | None:
        self.symbols.used.add(set_name)
        if set_name not in self.symbols.sets:
            self.report.unknown(self.path, "set", set_name, self.symbols.sets)
        return self.symbols.flat([set_name])

    def _check_binding(self, name: str, scope: Scope) -> None:
        if name in scope:
            fix = "Use another index name here, and a filter such as `if j == i` to tie them."
            self._error("duplicate-name", f'index "{name}" is already in use', fix)
        elif name in self.symbols.sets or self.symbols.item(name) is not None:
            fix = "Rename the index."
            self._error("duplicate-name", f'index "{name}" hides what is declared so', fix)

    def _literal(self, node: ast.Constant) -> None:
        size = node.value if isinstance(node.value, (int, float)) else 0
        if size >= _HUGE or 0 < size <= _TINY:
            fix = "Choose units in which the numbers are between 1e-6 and 1e6."
            self._error("coefficient-range", f"the number {size:g} is out of range", fix)

    def _name(self, name: str, scope: Scope) -> Meaning:
        if name not in scope:
            return self._value(name, (), scope)
        self.indices.add(name)
        if scope[name] and self.symbols.numeric(scope[name]) is False:
            message = f'index "{name}" is a text key of "{scope[name]}", not a number'
            self._error("wrong-type", message, "Use a parameter over that set.")
        return Meaning()

    def _subscript(self, name: str, node: ast.Subscript, scope: Scope) -> Meaning:
        if name in scope:
            self._error("wrong-type", f'index "{name}" cannot have brackets', "Leave them out.")
            return Meaning()
        return self._value(name, keys_of(node), scope)

    def _value(self, name: str, keys: tuple[ast.expr, ...], scope: Scope) -> Meaning:
        item = self.symbols.item(name)
        if item is None:
            self._unknown(name, scope)
            for key in keys:
                self._key(key, "", scope)
            return Meaning()
        self.symbols.used.add(name)
        bases = self.symbols.flat(item.index)
        if bases is not None and len(bases) != len(keys):
            shape = f"{name}[{', '.join(bases)}]" if bases else name
            message = f"{name} has {len(bases)} keys, here are {len(keys)}"
            self._error("wrong-arity", message, f"Write it as {shape}, one key per set.")
            bases = None
        for key, base in zip(keys, bases or [""] * len(keys), strict=True):
            self._key(key, base, scope)
        if not isinstance(item, Variable):
            return Meaning(unit=parse_unit(item.unit))
        self.variables[name] = item
        if self.only_parameters:
            message = f'"{name}" is a variable; {self.only_parameters} may only use parameters'
            self._error("nonlinear", message, "State it as a constraint, or use a parameter.")
        return Meaning(linear=True, unit=parse_unit(item.unit))

    def _unknown(self, name: str, scope: Scope) -> None:
        self.guesswork = True
        if name in self.symbols.sets:
            message = f'"{name}" is a set, not a number'
            self._error("wrong-type", message, f"Sum over it: `sum(... for i in {name})`.")
        else:
            self.report.unknown(self.path, "name", name, (*scope, *self.symbols.values))

    def _key(self, node: ast.expr, base: str, scope: Scope, *, member: bool = False) -> None:
        """One key of a subscript, or of `key in set` when `member` (any key may be asked there)."""
        match node:
            case ast.Constant():
                if base and not member:
                    check_literal_key(self.symbols, self.report, node.value, base, path=self.path)
            case ast.Name(id=name) if name in scope:
                self.indices.add(name)
                if base and scope[name] and not member:
                    check_key_name(self.symbols, self.report, (name, scope[name], base), self.path)
            case ast.Name(id=name) if self.symbols.item(name) is None:
                axis = self.symbols.base(base) if base else None
                if axis is not None and axis.place((name,)) is not None:
                    self._error("unknown-name", f"{name} is a text key", f'Write "{name}".')
                else:
                    self._unbound(name, base, scope)
            case _:
                self._computed_key(node, base, scope)

    def _unbound(self, name: str, base: str, scope: Scope) -> None:
        near = get_close_matches(name, list(scope), n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        fix = f"Bind it: `sum(... for {name} in {base or 'SET'})`, or in `forall`."
        self._error("unknown-name", f'index "{name}" is not bound by a `for`{hint}', fix)

    def _computed_key(self, node: ast.expr, base: str, scope: Scope) -> None:
        if base and self.symbols.numeric(base) is False:
            message = f'keys of "{base}" are text; `{ast.unparse(node)[:40]}` is a number'
            fix = "Use a set of whole numbers, or a parameter or tuple set of neighbours."
            self._error("wrong-type", message, fix)
        outer, self.only_parameters = self.only_parameters, self.only_parameters or "a key"
        self.number(node, scope)
        self.only_parameters = outer

    def _comparison(self, node: ast.Compare, scope: Scope) -> None:
        sides = [(side, self._side(side, scope)) for side in (node.left, *node.comparators)]
        for sort, ((left, text_left), (right, text_right)) in zip(
            node.ops, pairwise(sides), strict=True
        ):
            if text_left is None or text_right is None:
                continue
            if text_left != text_right:
                message = f"`{ast.unparse(node)[:60]}` compares text with a number"
                self._error("wrong-type", message, "Compare with a key of the same kind.")
            elif text_left and not isinstance(sort, (ast.Eq, ast.NotEq)):
                message = f"`{ast.unparse(node)[:60]}` asks for the order of text keys"
                self._error("wrong-type", message, "Use == or !=, or a set of whole numbers.")
            self._known_key(left, right, scope)
            self._known_key(right, left, scope)

    def _known_key(self, key: ast.expr, index: ast.expr, scope: Scope) -> None:
        """Warn when an index is compared with a text that its set does not have."""
        text = key.value if isinstance(key, ast.Constant) else None
        axis = self.symbols.base(scope.get(index.id, "")) if isinstance(index, ast.Name) else None
        if isinstance(text, str) and axis is not None and axis.place((text,)) is None:
            message = f'{brief(text)} is not in set "{axis.name}"'
            self.report.warn(self.path, "wrong-index-set", message, "Check the spelling.")

    def _side(self, node: ast.expr, scope: Scope) -> bool | None:
        """Whether a side of a comparison is text; None when not known."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return True
        if isinstance(node, ast.Name) and node.id in scope:
            self.indices.add(node.id)
            numeric = self.symbols.numeric(scope[node.id]) if scope[node.id] else None
            return None if numeric is None else not numeric
        self.number(node, scope)
        return False

    def _arithmetic(self, node: ast.BinOp, scope: Scope) -> Meaning:
        left, right = self.number(node.left, scope), self.number(node.right, scope)
        linear = left.linear or right.linear
        match node.op:
            case ast.Add() | ast.Sub():
                pair = (left.unit, right.unit)
                if differ(*pair):  # asked here too: a node is not spelled out for nothing
                    what = f"`{ast.unparse(node)[:60]}` adds"
                    check_units(self.report, self.path, pair, what=what)
                return Meaning(linear, left.unit if left.unit is not None else right.unit)
            case ast.Mult():
                if left.linear and right.linear:
                    self._nonlinear(node, "multiplies two variables", _PRODUCT_FIX)
                return Meaning(linear, product(left.unit, right.unit))
            case ast.Div():
                if right.linear:
                    self._nonlinear(node, "divides by a variable", "Multiply both sides by it.")
                return Meaning(linear, product(left.unit, right.unit, power=-1))
        if linear:
            self._nonlinear(node, "raises a variable to a power", "Only linear terms are solved.")
        return Meaning(linear)

    def _call(self, name: str, node: ast.Call, scope: Scope) -> Meaning:
        first = node.args[0]
        if isinstance(first, ast.GeneratorExp):
            meaning = self._generated(first, scope)
        else:
            parts = [self.number(arg, scope) for arg in node.args]
            for one, other in pairwise(parts):
                check_units(
                    self.report, self.path, (one.unit, other.unit), what=f"`{name}` compares"
                )
            meaning = Meaning(any(part.linear for part in parts), parts[0].unit)
        if name != "sum" and meaning.linear:
            self._nonlinear(node, f"takes {name} of a variable", _PICK_FIX[name])
        return meaning

    def _generated(self, node: ast.GeneratorExp, scope: Scope) -> Meaning:
        outer, self.indices = self.indices, set()
        clauses = clauses_of(node)
        meaning = self.number(node.elt, self.clauses(clauses, scope))
        if not isinstance(node.elt, ast.Constant):
            self.check_use(clauses, what="the term")
        self.indices |= outer
        return meaning

    def _nonlinear(self, node: ast.expr, what: str, fix: str) -> None:
        self._error("nonlinear", f"`{ast.unparse(node)[:80]}` {what}", fix)

    def _error(self, code: str, message: str, fix: str) -> None:
        self.report.error(self.path, code, message, fix)


def check_units(
    report: Report, path: str, pair: tuple[Unit | None, Unit | None], *, what: str
) -> None:
    """Warn when both units are known and differ."""
    if differ(*pair):
        message = f"{what} {spelled(pair[0])} and {spelled(pair[1])}"
        fix = "Convert one of them, or correct the unit that is declared."
        report.warn(path, "unit-mismatch", message, fix)
