"""What of Python's syntax an expression may use: a whitelist walk over `ast` nodes.

Lives here: the walk that refuses everything else, with a way to fix it.
Never here: parsing of text (`ir.expression`), names of a model, numbers, index sets.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Literal, NoReturn

from solvers_bridge.errors import ExpressionError

MAX_LENGTH = 20_000
MAX_DEPTH = 60
MAX_EXPONENT = 16
MAX_LITERAL = 10**15
FUNCTIONS = frozenset({"sum", "min", "max", "abs"})

Role = Literal["number", "key", "condition", "operand"]
Parts = list[tuple[ast.expr, Role, int]]

_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_SHOWN = 60

_HINTS: dict[type[ast.AST], str] = {
    ast.Attribute: "Use plain names without dots; decimals need digits on both sides of the dot.",
    ast.IfExp: "Write two sums with opposite `if` filters instead.",
    ast.ListComp: "Leave out the square brackets: `sum(x[i] for i in I)`.",
    ast.GeneratorExp: "A `for` needs `sum(...)`, `min(...)` or `max(...)` around it.",
    ast.Compare: "The relation is a field of its own; put only one side of it here.",
    ast.Tuple: "Keys with commas belong between square brackets: `x[i, j]`.",
    ast.Slice: "Name every key, or sum over the set: `sum(x[i] for i in I)`.",
    ast.BoolOp: "`and` and `or` may only stand in a condition after `if`.",
}


def keys_of(node: ast.Subscript) -> tuple[ast.expr, ...]:
    """The key expressions of `x[i, j]`, in order."""
    return tuple(node.slice.elts) if isinstance(node.slice, ast.Tuple) else (node.slice,)


def targets_of(target: ast.expr) -> list[ast.expr]:
    """The parts of `(a, b)`; a single expression is its own part."""
    return target.elts if isinstance(target, ast.Tuple) else [target]


def shortened(text: str) -> str:
    """`text` for a message: quoted, printable, at most 60 characters of it."""
    printable = "".join(char if char.isprintable() else "?" for char in text[: _SHOWN + 1])
    return f"`{printable}`" if len(text) <= _SHOWN else f"`{printable[:_SHOWN]}…`"


@dataclass(slots=True)
class Grammar:
    """The whitelist walk over one source text; what it does not know it refuses."""

    source: str
    where: str

    def visit(self, root: ast.expr, role: Role) -> None:
        """Return when `root` may play `role`; raise ExpressionError when not. No recursion."""
        self._drain([(root, role, 1)])

    def visit_clauses(self, generators: list[ast.comprehension]) -> None:
        """The same for the `for` clauses of a generator."""
        self._drain(self._generators(generators, 1))

    def _drain(self, stack: Parts) -> None:
        rules = {"number": self._number, "operand": self._operand}
        rules |= {"key": self._key, "condition": self._condition}
        while stack:
            node, role, depth = stack.pop()
            if depth > MAX_DEPTH:
                self._refuse(node, f"Nested deeper than {MAX_DEPTH}.", "Split the expression.")
            stack += rules[role](node, depth + 1)

    def _operand(self, node: ast.expr, depth: int) -> Parts:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return []
        return self._number(node, depth)

    def _number(self, node: ast.expr, depth: int) -> Parts:
        parts: Parts = []
        match node:
            case ast.Constant():
                self._literal(node)
            case ast.Name():
                self._name(node)
            case ast.Subscript():
                parts = self._subscript(node, depth)
            case ast.BinOp(op=ast.Pow()):
                self._exponent(node.right)
                parts = [(node.left, "number", depth)]
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
                parts = [(node.left, "number", depth), (node.right, "number", depth)]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                parts = [(node.operand, "number", depth)]
            case ast.Call():
                parts = self._call(node, depth)
            case ast.BinOp(op=ast.BitXor()):
                self._refuse(node, "`^` is not a power here.", "Write `**`.")
            case _:
                self._refuse(node, f"{_kind(node)} is not allowed here.")
        return parts

    def _key(self, node: ast.expr, depth: int) -> Parts:
        parts: Parts = []
        match node:
            case ast.Constant(value=str()):
                pass
            case ast.Constant(value=float()):
                self._refuse(node, "A key is a whole number or text, not a decimal number.")
            case ast.Constant():
                self._literal(node)
            case ast.Name():
                self._name(node)
            case ast.Subscript():
                parts = self._subscript(node, depth)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult()):
                parts = [(node.left, "key", depth), (node.right, "key", depth)]
            case ast.UnaryOp(op=ast.USub()):
                parts = [(node.operand, "key", depth)]
            case _:
                fix = "Use an index, a literal key, or arithmetic such as `t-1`."
                self._refuse(node, f"{_kind(node)} is not allowed in a key.", fix)
        return parts

    def _condition(self, node: ast.expr, depth: int) -> Parts:
        parts: Parts = []
        match node:
            case ast.BoolOp():
                parts = [(value, "condition", depth) for value in node.values]
            case ast.UnaryOp(op=ast.Not()):
                parts = [(node.operand, "condition", depth)]
            case ast.Compare(ops=[ast.In() | ast.NotIn()]):
                parts = self._membership(node, depth)
            case ast.Compare():
                if not all(isinstance(op, _COMPARISONS) for op in node.ops):
                    self._refuse(node, "`is`, and `in` within a chain, are not allowed.")
                parts = [(side, "operand", depth) for side in (node.left, *node.comparators)]
            case _:
                fix = "Write for example `open[i] == 1`."
                self._refuse(node, "A condition must be a comparison.", fix)
        return parts

    def _membership(self, node: ast.Compare, depth: int) -> Parts:
        group = node.comparators[0]
        if not isinstance(group, ast.Name):
            self._refuse(group, "Right of `in` must be the name of a set.", "Declare the set.")
        self._name(group)
        keys = targets_of(node.left)
        if not keys:
            self._refuse(node, "There is nothing left of `in`.")
        return [(key, "key", depth) for key in keys]

    def _subscript(self, node: ast.Subscript, depth: int) -> Parts:
        if isinstance(node.value, ast.Subscript):
            self._refuse(node, "Brackets after brackets.", "Write `x[i, j]`, not `x[i][j]`.")
        if not isinstance(node.value, ast.Name):
            self._refuse(node, "Only a parameter or a variable can have brackets.")
        self._name(node.value)
        keys = keys_of(node)
        if not keys:
            self._refuse(node, "Empty brackets.", "Leave them out when there is no index.")
        return [(key, "key", depth) for key in keys]

    def _call(self, node: ast.Call, depth: int) -> Parts:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS:
            fix = "Use sum, min, max or abs; an index goes in square brackets, as in `x[i]`."
            self._refuse(node, "There is no such function.", fix)
        if node.keywords:
            self._refuse(node, f"{name} takes no keyword arguments.")
        if any(isinstance(arg, ast.ListComp) for arg in node.args):
            self._refuse(node, "A list is not allowed.", _HINTS[ast.ListComp])
        if name != "abs" and len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp):
            inner = node.args[0]
            return [(inner.elt, "number", depth), *self._generators(inner.generators, depth)]
        if name == "sum":
            self._refuse(node, "sum needs a `for`.", "Write `sum(x[i] for i in I)` or `a + b`.")
        least, most = (1, 1) if name == "abs" else (2, MAX_LENGTH)
        if not least <= len(node.args) <= most:
            self._refuse(node, f"Wrong number of arguments of {name}.")
        return [(arg, "number", depth) for arg in node.args]

    def _generators(self, generators: list[ast.comprehension], depth: int) -> Parts:
        parts: Parts = []
        for part in generators:
            names = [name for name in targets_of(part.target) if isinstance(name, ast.Name)]
            if part.is_async or not names or len(names) != len(targets_of(part.target)):
                self._refuse(part.target, "Left of `in` must be one name or `(a, b)`.")
            if len({name.id for name in names}) != len(names):
                self._refuse(part.target, "One name stands for two keys.", "Use two names.")
            if not isinstance(part.iter, ast.Name):
                fix = "Declare a set, with `first` and `last` for a range, and name it here."
                self._refuse(part.iter, "Right of `in` must be the name of a set.", fix)
            for name in (*names, part.iter):
                self._name(name)
            parts += [(condition, "condition", depth) for condition in part.ifs]
        return parts

    def _literal(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self._refuse(node, f"A value of type {type(value).__name__} is not allowed here.")
        if not math.isfinite(value) or abs(value) > MAX_LITERAL:
            self._refuse(node, "A number beyond 1e15 in size.", "Choose larger units.")

    def _exponent(self, node: ast.expr) -> None:
        negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
        value = inner.value if isinstance(inner, ast.Constant) else None
        if type(value) is not int or value > MAX_EXPONENT:
            fix = f"Use a whole literal up to {MAX_EXPONENT}, or put the result in a parameter."
            self._refuse(node, "An exponent must be a small whole constant.", fix)

    def _name(self, node: ast.Name) -> None:
        if node.id.startswith("__") or node.id in FUNCTIONS:
            self._refuse(node, f"The name {shortened(node.id)} is not allowed here.", "Rename it.")

    def _refuse(self, node: ast.expr, what: str, fix: str = "") -> NoReturn:
        part = ast.get_source_segment(self.source, node) or self.source
        raise ExpressionError(
            f"{what} In {shortened(part)}.",
            where=self.where,
            fix=fix or _HINTS.get(type(node), "Keep to numbers, names, x[i, j], + - * / and sum."),
        )


def _kind(node: ast.AST) -> str:
    """The Python name of a construct in words: `IfExp` as `if exp`."""
    name = type(node).__name__
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()
