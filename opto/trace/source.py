"""Where a function's text is: read once, from `def` on, without decorators and indentation.

Lives here: `find_source`, `Source`.
Never here: parameters, checking or running text.
"""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

FunctionAst = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """The text of one function."""

    text: str
    """From `def` (or `async def`) on, dedented, without decorators."""
    line: int
    """Where `text` begins in `file`, from 1."""
    file: str
    tree: FunctionAst | None
    """None for a lambda."""
    shown: str = ""
    """The text with the decorators below `bundle`."""
    shown_line: int = 0
    """Where `shown` begins in `file`."""


_found: WeakKeyDictionary[Any, Source | None] = WeakKeyDictionary()


def find_source(function: Callable[..., Any]) -> Source | None:
    """The source of a function, or None where Python does not know it (`python -c`, builtins)."""
    try:
        if function not in _found:
            _found[function] = _read(function)
        return _found[function]
    except TypeError:  # cannot be referenced weakly
        return _read(function)


def _read(function: Callable[..., Any]) -> Source | None:
    bare = inspect.unwrap(function)
    try:
        lines, first = inspect.getsourcelines(bare)
        file = inspect.getsourcefile(bare) or "<unknown>"
    except (OSError, TypeError):
        return None
    text = textwrap.dedent("".join(lines))
    tree = function_in(text)
    if tree is None:
        text = text.rstrip("\n")
        return Source(text, first, file, None, text, first)
    lines = text.splitlines()[: tree.end_lineno]
    top = _below_bundle(tree)
    return Source(
        "\n".join(lines[tree.lineno - 1 :]),
        first + tree.lineno - 1,
        file,
        tree,
        "\n".join(lines[top - 1 :]),
        first + top - 1,
    )


def _below_bundle(tree: FunctionAst) -> int:
    """The line of the decorator below `bundle`, else of the `def`."""
    top = tree.lineno
    for part in reversed(tree.decorator_list):
        called = part.func if isinstance(part, ast.Call) else part
        if ast.unparse(called).rpartition(".")[2] == "bundle":
            return top
        top = part.lineno
    return tree.lineno


def function_in(text: str) -> FunctionAst | None:
    """The first function defined at the top of `text`, or None."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return None
    return next((part for part in body if isinstance(part, FunctionAst)), None)


def head_of(text: str) -> str:
    """The text of a function up to the end of its docstring, or of its signature without one."""
    tree = function_in(text)
    if tree is None:
        return ""
    lines = text.splitlines()
    first = tree.body[0]
    if ast.get_docstring(tree, clean=False) is not None:
        return "\n".join(lines[: first.end_lineno])
    row, column = _end_of_signature(text)
    return "\n".join([*lines[: row - 1], lines[row - 1][:column]])


def _end_of_signature(text: str) -> tuple[int, int]:
    """Line (from 1) and column behind the colon that ends the signature."""
    depth = 0
    begun = False
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        begun = begun or token.string == "def"
        if token.type != tokenize.OP:
            continue
        depth += (token.string in "([{") - (token.string in ")]}")
        if begun and depth == 0 and token.string == ":":
            return token.end
    return 1, len(text)
