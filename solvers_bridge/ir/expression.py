"""The expression grammar: a small subset of Python that is read, never evaluated.

Lives here: text to checked `ast` nodes, and the clauses of `sum(... for ...)` and `forall`.
Never here: names of a model, numbers, index sets; what an expression means is `ir.reference`.

Numbers: literals, names, `x[i, j]`, `d[t-1]`, `+ - * /`, `**` with a whole constant exponent,
unary minus, `sum(e for i in I for (a, b) in ARCS if cond)`, `min`, `max` (of a generator or of two
or more arguments) and `abs`. Keys (between brackets): whole numbers, text, index names, `+ - *`,
and parameters. Conditions (after `if`): comparisons, `and`, `or`, `not`, and `in` with the name
of a set on its right. Meaning is Python's.

A tree that comes back is at most `MAX_DEPTH` deep, so a recursive reader of it is safe. A longer
chain of `+` and `-` comes back balanced (same value in exact arithmetic, `a - b` as `a + -b`).
The checks, the compiler, the interpreter and the audit all read the same texts, so the trees of
short ones are kept; whoever gets a tree must not change it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

from solvers_bridge.errors import ExpressionError
from solvers_bridge.ir.grammar import MAX_LENGTH, Grammar, Role, keys_of, shortened, targets_of

__all__ = [
    "Clause",
    "clauses_of",
    "keys_of",
    "parse_condition",
    "parse_expression",
    "parse_forall",
    "terms_of",
]

_LONG_CHAIN = 24
_KEPT = 512
_KEPT_LENGTH = 400
"""Characters; with `_KEPT` of them the trees take a few dozen megabytes at worst."""
_EXPRESSION_FIX = "Use numbers, names, x[i, j], + - * /, and sum(... for i in I if ...)."
_FORALL_FIX = "Write `i in I for j in J if i != j`: no commas between clauses."


@dataclass(frozen=True, slots=True)
class Clause:
    """`for names in set_name if conditions`; several names take a key of a tuple set apart."""

    names: tuple[str, ...]
    set_name: str
    conditions: tuple[ast.expr, ...]


def parse_expression(text: str, *, where: str) -> ast.expr:
    """The tree of a number-valued expression; not to be changed.

    Args:
        text: One expression of the grammar in the module docstring, at most 20 kB.
        where: Path of the expression in its model, for the error.

    Raises:
        ExpressionError: `text` is outside the grammar; it says where and how to fix it.
    """
    return _read(text, where, "number")


def parse_condition(text: str, *, where: str) -> ast.expr:
    """The tree of a condition such as `i0 != i1` (`IndexSet.where`); see `parse_expression`."""
    return _read(text, where, "condition")


def parse_forall(text: str, *, where: str) -> tuple[Clause, ...]:
    """The clauses of `i in I for (a, b) in ARCS if a != b`; none for empty text.

    A leading `for` is allowed. Raises ExpressionError like `parse_expression`.
    """
    body = _read(text, where, "clauses") if text and not text.isspace() else None
    return clauses_of(cast("ast.GeneratorExp", body)) if body else ()


def clauses_of(gen: ast.GeneratorExp) -> tuple[Clause, ...]:
    """The clauses of a generator that `parse_expression` or `parse_forall` has let through."""
    return tuple(
        Clause(
            names=tuple(cast("ast.Name", name).id for name in targets_of(part.target)),
            set_name=cast("ast.Name", part.iter).id,
            conditions=tuple(part.ifs),
        )
        for part in gen.generators
    )


def terms_of(node: ast.expr) -> Iterator[tuple[int, ast.expr]]:
    """The signed terms (+1 or -1) of a chain of additions and subtractions, left to right."""
    stack = [(1, node)]
    while stack:
        sign, part = stack.pop()
        if isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Add, ast.Sub)):
            right = -sign if isinstance(part.op, ast.Sub) else sign
            stack += [(right, part.right), (sign, part.left)]
        elif isinstance(part, ast.UnaryOp) and isinstance(part.op, (ast.USub, ast.UAdd)):
            stack.append((-sign if isinstance(part.op, ast.USub) else sign, part.operand))
        else:
            yield sign, part


def _read(text: str, where: str, role: Role | Literal["clauses"]) -> ast.expr:
    try:
        return _kept(text, role) if len(text) <= _KEPT_LENGTH else _fresh(text, role)
    except ExpressionError as fault:  # the same text may stand in several places
        raise ExpressionError(fault.what, where=where, fix=fault.fix) from None


def _fresh(text: str, role: Role | Literal["clauses"]) -> ast.expr:
    flat = _one_line(text)
    if role == "clauses":
        return _clauses(flat)
    if not flat:
        raise ExpressionError("The expression is empty.", fix="Write 0 for nothing.")
    body = _balanced(_parse(flat, flat), flat)
    Grammar(flat, "").visit(body, role)
    return body


_kept = lru_cache(_KEPT)(_fresh)


def _clauses(flat: str) -> ast.GeneratorExp:
    source = f"(0 for {flat.removeprefix('for ')})"
    body = _balanced(_parse(source, flat, fix=_FORALL_FIX), source)
    if not isinstance(body, ast.GeneratorExp) or body.end_col_offset != len(source.encode()):
        raise ExpressionError(f"{shortened(flat)} is not a list of index clauses.", fix=_FORALL_FIX)
    Grammar(source, "").visit_clauses(body.generators)
    return body


def _one_line(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"The expression has {len(text):,} characters; {MAX_LENGTH:,} are allowed.",
            fix="Put the numbers in a parameter and write `sum(c[i]*x[i] for i in I)`.",
        )
    if "\\" in text:
        raise ExpressionError("A backslash is not allowed.", fix="Rename the key.")
    if text.isprintable():  # then the only space in it is " "
        return text.strip()
    return "".join(" " if char.isspace() else char for char in text).strip()


def _parse(source: str, shown: str, *, fix: str = _EXPRESSION_FIX) -> ast.expr:
    try:
        body = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as fault:
        why = fault.msg if isinstance(fault, SyntaxError) else "nested or chained too deep"
        raise ExpressionError(
            f"{shortened(shown)} cannot be read: {shortened(str(why))}.", fix=fix
        ) from None
    if "#" in source and source.count("#") != _hashes_in_strings(body):
        raise ExpressionError("A comment is not allowed.", fix="Use `meaning`.")
    return body


def _hashes_in_strings(body: ast.expr) -> int:
    values = (node.value for node in ast.walk(body) if isinstance(node, ast.Constant))
    return sum(value.count("#") for value in values if isinstance(value, str))


def _balanced(root: ast.expr, source: str) -> ast.expr:
    """`root` with long `+`/`-` chains made balanced, everywhere in it. No recursion."""
    if source.count("+") + source.count("-") < _LONG_CHAIN:
        return root
    holder = ast.Expression(root)
    stack: list[ast.AST] = [holder]
    while stack:
        node = stack.pop()
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                value[:] = [
                    _shallow(item) if isinstance(item, ast.expr) else item for item in value
                ]
                stack += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.expr):
                shallow = _shallow(value)
                setattr(node, field, shallow)
                stack.append(shallow)
            elif isinstance(value, ast.AST):
                stack.append(value)
    return holder.body


def _shallow(node: ast.expr) -> ast.expr:
    """The same sum as a balanced tree when its left spine is long, else `node` itself."""
    parts: list[ast.expr] = []
    spine = node
    while isinstance(spine, ast.BinOp) and isinstance(spine.op, (ast.Add, ast.Sub)):
        right = spine.right
        if isinstance(spine.op, ast.Sub):
            right = ast.copy_location(ast.UnaryOp(ast.USub(), right), right)
        parts.append(right)
        spine = spine.left
    if len(parts) < _LONG_CHAIN:
        return node
    level = [spine, *reversed(parts)]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        paired = [ast.copy_location(ast.BinOp(a, ast.Add(), b), a) for a, b in pairs]
        level = [*paired, *level[len(level) - len(level) % 2 :]]
    return level[0]
