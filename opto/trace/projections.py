"""What is done to a proposed value before it becomes a parameter's value.

Lives here: `Projection` and the ones for code.
Never here: checking code (`opto.trace.code`).
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from typing import Any

from opto.trace.source import function_in


class Projection(ABC):
    """Maps any proposed value to an allowed one."""

    @abstractmethod
    def project(self, x: Any) -> Any:
        """The allowed value nearest to `x`."""


class BlackCodeFormatter(Projection):
    """Formats code with Black where it is installed; text that Black refuses stays as it is."""

    def project(self, x: Any) -> Any:
        try:
            import black  # type: ignore[import-not-found]  # noqa: PLC0415  (optional)
        except ModuleNotFoundError:
            return x
        try:
            return black.format_str(x, mode=black.Mode())
        except black.InvalidInput:
            return x


class DocstringProjection(Projection):
    """Gives a function the docstring it must have."""

    def __init__(self, docstring: str) -> None:
        self.docstring = docstring

    def project(self, x: Any) -> Any:
        tree = function_in(x) if isinstance(x, str) else None
        if tree is None:
            return x
        wanted = ast.Expr(ast.Constant(self.docstring))
        if ast.get_docstring(tree, clean=False) is None:
            tree.body.insert(0, wanted)
        else:
            tree.body[0] = wanted
        return ast.unparse(ast.fix_missing_locations(tree))
