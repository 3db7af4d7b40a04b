"""Whether a proposed text may become the code of a function.

Nothing here runs text: it is parsed and looked at.

Lives here: `check_code` and the rules it applies.
Never here: running, repairing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from opto.trace.errors import CodeRejected
from opto.trace.options import Options
from opto.trace.source import FunctionAst, Source

_FENCE = re.compile(r"\A\s*(`{3,})[^\n]*\n(.*?)\n?\s*\1\s*\Z", re.DOTALL)
_BESIDE = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_MAX_CHARS = 200_000


class Rules(NamedTuple):
    """What a rewrite of one function must keep."""

    name: str
    tree: FunctionAst
    modules: frozenset[str]
    """Top-level packages it may import; empty and `any_module` for all."""
    any_module: bool
    any_signature: bool

    @classmethod
    def of(cls, source: Source, options: Options, around: Iterable[str]) -> Rules:
        """The rules for the function of `source`; `around` are the modules known beside it."""
        assert source.tree is not None  # noqa: S101  (a lambda was refused before)
        allowed = options.allow_imports
        named = () if isinstance(allowed, bool) else allowed
        known = {name.partition(".")[0] for name in (*around, *named, *_imports(source.tree))}
        return cls(
            source.tree.name,
            source.tree,
            frozenset(known),
            any_module=allowed is True,
            any_signature=options.allow_signature_change,
        )


def check_code(text: str, rules: Rules) -> str:
    """`text` as it is to be installed: without a fence around it and without `@bundle`.

    Raises:
        SyntaxError: It is no Python.
        CodeRejected: It is too long, defines another function, has another signature, imports
            other modules, is decorated, or holds statements beside definitions.
    """
    if len(text) > _MAX_CHARS:
        raise CodeRejected(f"The code has {len(text):,} characters; {_MAX_CHARS:,} are allowed.")
    if fenced := _FENCE.match(text):
        text = fenced[2]
    text = text.strip("\n")
    try:
        tree = ast.parse(text)
    except (RecursionError, MemoryError, ValueError) as fault:
        raise CodeRejected("The code cannot be parsed.", where=str(fault)) from fault
    own = [part for part in tree.body if isinstance(part, FunctionAst) and part.name == rules.name]
    if len(own) != 1:
        names = [part.name for part in tree.body if isinstance(part, FunctionAst)]
        raise CodeRejected(
            f"The code must define the function {rules.name} once.",
            where=f"It defines: {', '.join(names) or 'no function'}.",
        )
    for part in tree.body:
        _check_beside(part)
    _check_signature(own[0], rules)
    _check_imports(tree, rules)
    return _undecorated(text, own[0])


def _check_beside(part: ast.stmt) -> None:
    """Definitions, imports, constants and docstrings may stand beside the function."""
    if isinstance(part, _BESIDE):
        return
    if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant):
        return
    if isinstance(part, ast.Assign | ast.AnnAssign):
        return
    raise CodeRejected(
        "Only definitions may stand beside the function.",
        where=f"line {part.lineno}: {ast.unparse(part)[:80]}",
        fix="Move the statement into the function.",
    )


def _check_signature(own: FunctionAst, rules: Rules) -> None:
    if type(own) is not type(rules.tree):
        raise CodeRejected(
            f"{rules.name} must stay {'async def' if _is_async(rules.tree) else 'def'}.",
            where=f"line {own.lineno}",
        )
    if rules.any_signature or _shape(own) == _shape(rules.tree):
        return
    raise CodeRejected(
        f"{rules.name} must keep its parameters: ({ast.unparse(rules.tree.args)}).",
        where=f"line {own.lineno}: ({ast.unparse(own.args)})",
    )


def _check_imports(tree: ast.AST, rules: Rules) -> None:
    if rules.any_module:
        return
    if other := sorted({name for name in _imports(tree) if name not in rules.modules}):
        raise CodeRejected(
            f"The code imports {', '.join(other)}, which the program does not.",
            fix=f"Do without, or say bundle(allow_imports={other!r}).",
        )


def _imports(tree: ast.AST) -> Iterator[str]:
    """The top-level packages imported anywhere in `tree`."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Import):
            yield from (name.name.partition(".")[0] for name in part.names)
        elif isinstance(part, ast.ImportFrom):
            yield "." * part.level + (part.module or "").partition(".")[0]


def _shape(tree: FunctionAst) -> object:
    """Names and kinds of the parameters and which have defaults; annotations do not count."""
    arguments = tree.args
    return (
        [part.arg for part in arguments.posonlyargs],
        [part.arg for part in arguments.args],
        [part.arg for part in arguments.kwonlyargs],
        arguments.vararg and arguments.vararg.arg,
        arguments.kwarg and arguments.kwarg.arg,
        len(arguments.defaults),
        [part is not None for part in arguments.kw_defaults],
    )


def _is_async(tree: FunctionAst) -> bool:
    return isinstance(tree, ast.AsyncFunctionDef)


def _undecorated(text: str, own: FunctionAst) -> str:
    """`text` without our decorators on the function: it is decorated already."""
    if not own.decorator_list:
        return text
    for part in own.decorator_list:
        called = ast.unparse(part.func if isinstance(part, ast.Call) else part)
        if called.rpartition(".")[2] != "bundle":
            raise CodeRejected(f"The code decorates the function with @{ast.unparse(part)}.")
    lines = text.splitlines()
    first = min(part.lineno for part in own.decorator_list)
    del lines[first - 1 : own.lineno - 1]
    return "\n".join(lines)
