"""Values as Python expressions, and moving text that holds Python without changing its strings.

Lives here: `literal`, `shifted`.
Never here: evaluating anything.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

from opto.trace.errors import TraceError
from opto.trace.values import DEEPEST

_BRACKETS: Mapping[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


def literal(value: Any, where: str, depth: int = DEEPEST) -> str:
    """An expression of builtins alone whose value is `value`, type and content.

    Raises:
        TraceError: There is none; `where` is named.
    """
    kind = type(value)
    if value is None or kind in (bool, str, bytes):
        return repr(value)
    if kind is int:
        return repr(value) if -(1 << 4096) < value < 1 << 4096 else hex(value)
    if kind is float:
        return repr(value) if math.isfinite(value) else f'float("{value!r}")'
    if kind in (*_BRACKETS, dict) and depth > 0:
        return _container(value, where, depth - 1)
    raise TraceError(
        f"{where} is a {kind.__name__} that no Python literal stands for.",
        fix="Keep numbers, text, bytes and containers of them in it; or use save().",
    )


def _container(value: Any, where: str, depth: int) -> str:
    kind = type(value)
    if kind is dict:
        pairs = (
            f"{literal(k, where, depth)}: {literal(v, where, depth)}" for k, v in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if not value and kind in (set, frozenset):
        return f"{kind.__name__}()"
    items = [literal(item, where, depth) for item in value]
    if kind in (set, frozenset):
        items.sort()
    opening, closing = _BRACKETS[kind]
    comma = "," if kind is tuple and len(items) == 1 else ""
    return f"{opening}{', '.join(items)}{comma}{closing}"


def shifted(text: str, by: int, fill: str = " ") -> str:
    """Python `text` indented by `by` times `fill`, or by `-by` characters less.

    Lines that begin within a string stay, or the string would change; docstrings move.
    """
    tree = ast.parse(text if by >= 0 else f"if 1:\n{text}")
    first = 0 if by >= 0 else 1
    within: set[int] = set()
    parts: list[Any] = list(ast.walk(tree))
    documentation = {id(doc) for part in parts if (doc := _docstring(part)) is not None}
    for part in parts:
        inside = isinstance(part, ast.JoinedStr) or (
            isinstance(part, ast.Constant) and isinstance(part.value, str | bytes)
        )
        if inside and id(part) not in documentation:
            within |= set(range(part.lineno + 1 - first, part.end_lineno + 1 - first))
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if number in within or not line.strip():
            continue
        if by >= 0:
            lines[number - 1] = fill * by + line
        elif line[:-by].isspace():
            lines[number - 1] = line[-by:]
    return "\n".join(lines)


def _docstring(part: Any) -> ast.expr | None:
    """The docstring of a definition: its readers take indentation away."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if not isinstance(part, kinds) or ast.get_docstring(part, clean=False) is None:
        return None
    found = part.body[0]
    return found.value if isinstance(found, ast.Expr) else None
