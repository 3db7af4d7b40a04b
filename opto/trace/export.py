"""A trained class as plain Python source.

Lives here: `export_model`, choosing what of the class's module goes into the file.
Never here: edits of text (`opto.trace.unwrap`), running anything.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import symtable
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

from opto.trace.base import Node
from opto.trace.bundle import FunModule
from opto.trace.containers import Map, Seq
from opto.trace.document import write_text
from opto.trace.errors import SourceError, TraceError
from opto.trace.nodes import ParameterNode
from opto.trace.projections import BlackCodeFormatter, Projection
from opto.trace.unwrap import Unwrap, current_code

_OF_EVERY_MODULE = {"__file__", "__name__", "__doc__", "__spec__", "__package__", "__loader__"}


def export_model(
    model: Any, path: str | Path, projections: Sequence[Projection] | None = None
) -> None:
    """Write the class of `model` as Python that needs no tracing.

    In the file, `self.x = node(...)` in `__init__` has the current value, other `node(x)` are `x`,
    trainable methods have their current code, decorators and `Node[...]` in annotations are gone;
    `__call__` is `forward` where the class has no other. What the class uses of its
    module comes along: imports, functions, classes, constants. Where nothing of `opto` is used any
    more, the file does not import it.

    Args:
        model: An instance of a class decorated with `model`, or derived from `Model`.
        path: The file; replaced whole or not at all.
        projections: Applied to the whole text, in order; none means Black, where it is installed.

    Raises:
        SourceError: The text of the class cannot be found.
        TraceError: A parameter has a value without a literal, or is set in a way that cannot be
            replaced; the class uses a name that its module does not define at its top.
    """
    text = _Export(model).text()
    for projection in projections or [BlackCodeFormatter()]:
        text = projection.project(text)
    write_text(text, Path(path))


class _Export:
    """One class on its way to a file."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.cls: type = vars(type(model)).get("__wrapped__", type(model))
        self.names = vars(sys.modules.get(self.cls.__module__, builtins))
        source = _module_text(self.cls)
        self.tree = ast.parse(source)
        self.values = {
            name: _plain(part) for name, part in vars(model).items() if _is_parameters(part)
        }
        self.code_of_class: set[str] = set()
        self.edit = Unwrap(source, self.names, values=self.values, code_of=self.code_of)

    def text(self) -> str:
        """The file."""
        own = _definition(self.tree, self.cls)
        plain = self.edit.plain(own)
        texts = {id(own): plain + _called(own, self.cls, tabs="\n\t" in plain)}
        bound: dict[str, list[ast.stmt]] = {}
        for part in self.tree.body:
            for name in _bound(part):
                bound.setdefault(name, []).append(part)
        wanted = [texts[id(own)], *self.edit.beside]
        while wanted:
            for name in sorted(_used(wanted.pop())):
                for part in bound.get(name, ()):
                    if id(part) not in texts and part is not own:
                        texts[id(part)] = self.edit.plain(part)
                        wanted += [texts[id(part)], *self.edit.beside]
        self._check_complete()
        order = [part for part in self.tree.body if id(part) in texts and not _is_future(part)]
        if own not in order:  # defined inside a function
            order.append(own)
        kept = [(part, texts[id(part)]) for part in order]
        title = f'"""{self.cls.__name__}, trained, as plain Python."""'
        head = [title, *(ast.unparse(part) for part in self.tree.body if _is_future(part))]
        place = order.index(own)
        kept[place:place] = _beside(self.edit.beside, kept)
        kept.sort(key=lambda pair: not _is_import(pair[0]))
        text = _joined(head, kept)
        _check_names(text, self.cls.__name__)
        return text

    def code_of(self, owner: str, name: str) -> str | None:
        """The current code of a method of the model, or of a function of its module."""
        where = f"{owner}.{name}" if owner else name
        if not owner:
            return current_code(self.names.get(name), where)
        for cls in self.cls.__mro__:
            found = vars(cls).get(name)
            if cls.__name__ != owner or not isinstance(found, FunModule):
                continue
            if found.trainable and getattr(type(self.model), name, None) is found:
                self.code_of_class.add(name)
                return current_code(getattr(self.model, name), where)
        return None

    def _check_complete(self) -> None:
        """No trained value may be lost."""
        told: set[int] = set()
        for name in self.edit.set_here:
            told |= {id(parameter) for parameter in _parameters_in(getattr(self.model, name))}
        told |= {id(getattr(self.model, name).parameter) for name in self.code_of_class}
        for parameter in self.model.parameters():
            if id(parameter) not in told:
                raise TraceError(
                    f"{parameter.name} of {self.cls.__name__} has no place in the exported class.",
                    fix="Set it as `self.x = node(...)` in __init__ of the class; export parts that"
                    " have parameters of their own one by one.",
                )


def _called(own: ast.ClassDef, cls: type, *, tabs: bool) -> str:
    """What makes an object of a class that has only `forward` callable, as `model` did."""
    names = {name for kind in cls.__mro__ for name in vars(kind)}
    if "__call__" in names or "forward" not in vars(cls):
        return ""
    margin = ("\t" if tabs else " ") * (own.body[0].col_offset - own.col_offset)
    return f"\n\n{margin}__call__ = forward"


def _is_parameters(part: Any) -> bool:
    """Is it a parameter, or a list or dict of parameters and values?"""
    return isinstance(part, ParameterNode) or (
        isinstance(part, Seq | Map) and any(True for _ in _parameters_in(part))
    )


def _parameters_in(part: Any) -> Iterator[ParameterNode[Any]]:
    if isinstance(part, ParameterNode):
        yield part
    elif isinstance(part, Map):
        for pair in part.data.items():
            for item in pair:
                yield from _parameters_in(item)
    elif isinstance(part, Seq):
        for item in part.data:
            yield from _parameters_in(item)


def _plain(part: Any) -> Any:
    if isinstance(part, Node):
        return part._now
    if isinstance(part, Map):
        return {_plain(key): _plain(item) for key, item in part.data.items()}
    return [_plain(item) for item in part.data] if isinstance(part, Seq) else part


def _module_text(cls: type) -> str:
    """The text of the file or notebook cell that defines `cls`."""
    codes = (code for part in vars(cls).values() if (code := _code(part)) is not None)
    for code in codes:
        if lines := linecache.getlines(code.co_filename):
            return "".join(lines)
    try:
        return Path(inspect.getfile(cls)).read_text(encoding="utf-8")
    except (OSError, TypeError) as fault:
        raise SourceError(
            f"The source of {cls.__name__} cannot be found.",
            fix="Define the class in a file or a notebook cell.",
        ) from fault


def _code(part: Any) -> CodeType | None:
    found = getattr(getattr(part, "fun", part), "__code__", None)
    return found if isinstance(found, CodeType) else None


def _definition(tree: ast.Module, cls: type) -> ast.ClassDef:
    """The statement that defines `cls`: where its name says, and around its methods."""
    lines = {code.co_firstlineno for part in vars(cls).values() if (code := _code(part))}
    stack: list[tuple[str, ast.AST]] = [("", tree)]
    while stack:
        prefix, part = stack.pop()
        if isinstance(part, ast.ClassDef) and f"{prefix}{part.name}" == cls.__qualname__:
            inside = range(part.lineno, (part.end_lineno or part.lineno) + 1)
            if not lines or lines & set(inside):
                return part
        if isinstance(part, ast.ClassDef):
            prefix += f"{part.name}."
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            prefix += f"{part.name}.<locals>."
        stack += [(prefix, child) for child in ast.iter_child_nodes(part)]
    raise SourceError(
        f"The source of {cls.__name__} cannot be found.",
        fix="Define the class with a class statement.",
    )


def _is_future(part: ast.stmt) -> bool:
    return isinstance(part, ast.ImportFrom) and part.module == "__future__"


def _is_import(part: ast.stmt) -> bool:
    return isinstance(part, ast.Import | ast.ImportFrom)


def _bound(part: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module binds, also inside `if`, `try` and `with`."""
    if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield part.name
        return
    if isinstance(part, ast.Import | ast.ImportFrom):
        for alias in part.names:
            yield alias.asname or alias.name.partition(".")[0]
        return
    for inner in ast.iter_child_nodes(part):
        if isinstance(inner, ast.stmt | ast.ExceptHandler):
            yield from _bound(inner)  # type: ignore[arg-type]
        else:
            for found in ast.walk(inner):
                if isinstance(found, ast.Name) and isinstance(found.ctx, ast.Store):
                    yield found.id


def _used(text: str) -> set[str]:
    return {part.id for part in ast.walk(ast.parse(text)) if isinstance(part, ast.Name)}


def _beside(
    texts: Sequence[str], kept: Sequence[tuple[ast.stmt, str]]
) -> list[tuple[ast.stmt, str]]:
    """What rewritten functions need beside them, once; it may not clash with what is there."""
    named = {name: text for part, text in kept for name in _bound(part)}
    found: list[tuple[ast.stmt, str]] = []
    for text in dict.fromkeys(texts):
        (part,) = ast.parse(text).body
        names = list(_bound(part))
        if clash := [name for name in names if named.get(name, text) != text]:
            raise TraceError(
                f"Rewritten code defines {clash[0]}, which the file defines otherwise.",
                fix="Give the helper in the code parameter another name.",
            )
        if not all(name in named for name in names):
            found.append((part, text))
            named |= dict.fromkeys(names, text)
    return found


def _joined(head: Sequence[str], parts: Sequence[tuple[ast.stmt, str]]) -> str:
    """Blank lines as is usual: two around functions and classes."""
    text = "\n\n".join(head)
    before: ast.stmt | None = None
    for part, own in parts:
        blocks = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        close = before is not None and _is_import(part) == _is_import(before)
        gap = "\n" if close else "\n\n"
        if isinstance(part, blocks) or isinstance(before, blocks):
            gap = "\n\n\n"
        text += gap + own
        before = part
    return f"{text}\n"


def _check_names(text: str, name: str) -> None:
    """Refuse a text that uses names it does not define."""
    if any(
        isinstance(part, ast.ImportFrom) and part.names[0].name == "*"
        for part in ast.parse(text).body
    ):
        return
    top = symtable.symtable(text, name, "exec")
    given = {found.get_name() for found in top.get_symbols() if _binds(found)}
    given |= set(dir(builtins)) | _OF_EVERY_MODULE
    missing: dict[str, None] = {}
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for found in table.get_symbols():
            free = found.is_global() or (table is top and found.is_referenced())
            if free and found.is_referenced() and found.get_name() not in given:
                missing[found.get_name()] = None
    if missing:
        raise TraceError(
            f"{name} uses {', '.join(sorted(missing))}, not defined at the top of its module.",
            fix="Define or import it at the top of the module, or pass it as an argument.",
        )


def _binds(found: symtable.Symbol) -> bool:
    return found.is_assigned() or found.is_imported() or found.is_namespace()
