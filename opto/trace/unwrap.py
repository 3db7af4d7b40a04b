"""Python text without what makes it trainable: decorators, `node(...)`, `.data` of parameters.

Lives here: `Unwrap`, edits of text by the positions of its syntax tree.
Never here: finding the text, files, running anything.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping
from typing import Any

from opto.trace.base import Node
from opto.trace.bundle import FunModule, bundle
from opto.trace.errors import TraceError
from opto.trace.literal import literal, shifted
from opto.trace.modules import model
from opto.trace.nodes import MessageNode, ParameterNode, node

FunctionAst = ast.FunctionDef | ast.AsyncFunctionDef
_DECORATORS = {"bundle": bundle, "model": model}
_WRAPPERS = {
    "node": node,
    "Node": Node,
    "MessageNode": MessageNode,
    "ParameterNode": ParameterNode,
}


class Unwrap:
    """The edits that make one statement of a module plain Python."""

    def __init__(
        self,
        source: str,
        names: Mapping[str, Any],
        *,
        values: Mapping[str, Any],
        code_of: Callable[[str, str], str | None],
    ) -> None:
        """Get ready to edit `source`.

        Args:
            source: The text that positions refer to.
            names: The globals of its module.
            values: Attribute of `self` to the value it is set to in `__init__`.
            code_of: The rewritten text of a function, by its class (or "") and name, if it has one.
        """
        self.text = source.encode()
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.names, self.values, self.code_of = names, values, code_of
        self.set_here: set[str] = set()
        """Attributes that were given their value in the text."""
        self.beside: list[str] = []
        """Statements that rewritten functions need beside them."""
        self.edits: list[tuple[int, int, str]] = []
        self.me = ""
        """The name of the object in the method that is visited."""
        self.in_init = False

    def plain(self, part: ast.stmt, owner: str = "") -> str:
        """The text of a statement of the module, edited, at the left margin."""
        self.edits = []
        target = part.targets[0] if isinstance(part, ast.Assign) else None
        if isinstance(target, ast.Name) and isinstance(self.names.get(target.id), ParameterNode):
            self._replace(part.value, literal(self.names[target.id]._now, target.id))  # type: ignore[attr-defined]
        else:
            self._visit(part, owner)
        first = min([part.lineno, *(d.lineno for d in getattr(part, "decorator_list", ()))])
        start, end = self.starts[first - 1], self._at(part.end_lineno, part.end_col_offset)
        pieces: list[bytes] = []
        for begin, stop, new in sorted(self.edits):
            pieces += [self.text[start:begin], new.encode()]
            start = stop
        text = b"".join([*pieces, self.text[start:end]]).decode()
        return shifted(text, -part.col_offset) if part.col_offset else text

    def _at(self, line: int | None, column: int | None) -> int:
        return self.starts[(line or 1) - 1] + (column or 0)

    def _replace(self, part: ast.AST, new: str) -> None:
        begin = self._at(part.lineno, part.col_offset)  # type: ignore[attr-defined]
        stop = self._at(part.end_lineno, part.end_col_offset)  # type: ignore[attr-defined]
        self.edits.append((begin, stop, new))

    def _visit(self, part: ast.AST, owner: str | None) -> None:
        """Edit `part`, which stands in the class `owner`, in the module "" or in a function."""
        if isinstance(part, FunctionAst | ast.ClassDef):
            self._drop_decorators(part)
        if isinstance(part, FunctionAst):
            self._visit_function(part, owner)
        elif isinstance(part, ast.ClassDef):
            self._visit_children(part, part.name)
        elif not self._value_set(part) and not self._unwrapped(part, owner):
            self._visit_children(part, owner)

    def _visit_children(self, part: ast.AST, owner: str | None) -> None:
        for child in ast.iter_child_nodes(part):
            if child not in getattr(part, "decorator_list", ()):
                self._visit(child, owner)

    def _visit_function(self, part: FunctionAst, owner: str | None) -> None:
        if owner is not None and self._rewritten(part, owner):
            return
        before = self.me, self.in_init
        if owner:
            self.me = part.args.args[0].arg if part.args.args else ""
            self.in_init = part.name == "__init__"
        self._visit_children(part, None)
        self.me, self.in_init = before

    def _drop_decorators(self, part: FunctionAst | ast.ClassDef) -> None:
        """Whole lines: a decorator shares its lines with nothing else."""
        for decorator in part.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if self._is_ours(called, _DECORATORS):
                last = decorator.end_lineno or decorator.lineno
                self.edits.append((self.starts[decorator.lineno - 1], self.starts[last], ""))

    def _rewritten(self, part: FunctionAst, owner: str) -> bool:
        """Put the current code of a trainable function in place of the one that was written."""
        text = self.code_of(owner, part.name)
        if text is None:
            return False
        inner = Unwrap(text, self.names, values=self.values, code_of=lambda *_: None)
        for found in ast.parse(text).body:
            if isinstance(found, FunctionAst) and found.name == part.name:
                tabs = self.text[self._at(part.lineno, 0) :].startswith(b"\t")
                moved = shifted(inner.plain(found, owner), part.col_offset, "\t" if tabs else " ")
                self._replace(part, moved[part.col_offset :])
            elif not isinstance(found, ast.Expr):
                self.beside.append(inner.plain(found))
        return True

    def _value_set(self, part: ast.AST) -> bool:
        """`self.x = ...` in `__init__` becomes the current value where that is a parameter."""
        if isinstance(part, ast.Assign) and len(part.targets) == 1:
            target: ast.AST = part.targets[0]
        elif isinstance(part, ast.AnnAssign) and part.value is not None:
            target = part.target
        else:
            return False
        if not self.in_init or not self._is_parameter(target):
            return False
        name = target.attr  # type: ignore[attr-defined]
        if isinstance(part, ast.AnnAssign):
            self._visit(part.annotation, None)
        self._replace(part.value, literal(self.values[name], f"self.{name}"))  # type: ignore[arg-type]
        self.set_here.add(name)
        return True

    def _is_parameter(self, part: ast.AST) -> bool:
        """Is it `self.x`, where that is a parameter?"""
        if not isinstance(part, ast.Attribute) or not isinstance(part.value, ast.Name):
            return False
        return part.value.id == self.me and part.attr in self.values

    def _unwrapped(self, part: ast.AST, owner: str | None) -> bool:
        """Cut away all but the inner part of `part`, if it has one."""
        if isinstance(part, ast.JoinedStr):  # positions within are wrong before Python 3.12
            before = ast.unparse(part)
            after = ast.unparse(_InText(self).visit(copy.deepcopy(part)))
            if before != after:
                self._replace(part, after)
            return True
        inner = self.inner(part)
        if inner is None:
            return False
        whole: Any = part
        begin = self._at(whole.lineno, whole.col_offset)
        middle = self._at(inner.lineno, inner.col_offset)
        end = self._at(inner.end_lineno, inner.end_col_offset)
        stop = self._at(whole.end_lineno, whole.end_col_offset)
        brackets = ("", "") if _stands_alone(inner) else ("(", ")")
        self.edits += [(begin, middle, brackets[0]), (end, stop, brackets[1])]
        self._visit(inner, owner)
        return True

    def inner(self, part: ast.AST) -> ast.expr | None:
        """`x` of `node(x, ...)` and `Node[x]`, `self.x` of `self.x.data` for a parameter."""
        if isinstance(part, ast.Call) and self._is_ours(part.func, _WRAPPERS):
            named = [key.value for key in part.keywords if key.arg in ("data", "value")]
            given = [*part.args, *named]
            if given and not isinstance(given[0], ast.Starred):
                return given[0]
            raise TraceError(
                f"`{ast.unparse(part)}` cannot be exported.",
                fix="Give node() its value as the first argument.",
            )
        if isinstance(part, ast.Subscript) and self._is_ours(part.value, _WRAPPERS):
            return part.slice
        if isinstance(part, ast.Attribute) and part.attr == "data":
            return part.value if self._is_parameter(part.value) else None
        return None

    def _is_ours(self, part: ast.expr, ours: Mapping[str, Any]) -> bool:
        """Does a dotted name mean one of `ours`? Names of no module go by how they end."""
        names = ast.unparse(part).split(".")
        if not all(name.isidentifier() for name in names):
            return False
        if names[0] not in self.names:
            return names[-1] in ours
        found = self.names[names[0]]
        for name in names[1:]:
            found = getattr(found, name, None)
        return any(found is one for one in ours.values())


def _stands_alone(part: ast.expr) -> bool:
    """Does it mean the same without brackets, wherever it stands?"""
    if isinstance(part, ast.List | ast.Dict | ast.Set):
        return True
    if isinstance(part, ast.Constant) and not isinstance(part.value, str | bytes | bool | None):
        return False
    plain = isinstance(part, ast.Constant | ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    return plain and part.lineno == part.end_lineno


class _InText(ast.NodeTransformer):
    """Unwraps within an f-string."""

    def __init__(self, edit: Unwrap) -> None:
        self.edit = edit

    def generic_visit(self, node: ast.AST) -> ast.AST:
        inner = self.edit.inner(node)
        return super().generic_visit(node) if inner is None else self.visit(inner)


def current_code(function: Any, where: str) -> str | None:
    """The rewritten text of a trainable function; None where it is as it was written.

    Raises:
        TraceError: The text may not stand for the function.
    """
    if not isinstance(function, FunModule) or function.parameter is None or function.code is None:
        return None
    text = str(function.parameter._now)
    if text == function.code.source.text:
        return None
    try:
        return function.code.check(text).strip("\n")
    except (SyntaxError, TraceError) as fault:
        raise TraceError(
            f"The code of {where} cannot be exported: {fault}",
            fix="Give its parameter code that works, then export.",
        ) from fault
