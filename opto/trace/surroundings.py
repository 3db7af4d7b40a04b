"""The names that a function's text may use: its closure, the function around it, its module.

They are looked up when needed, so a name bound after the decorator ran is found too.

Lives here: `Surroundings`.
Never here: running text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any

_OPTIMIZED = 0x01
"""Code flag of functions; class bodies and modules lack it."""


class Surroundings:
    """Looks names up as the original function would, and as the code around it could."""

    def __init__(self, function: Callable[..., Any], frame: FrameType | None) -> None:
        """Remember where `function` was defined.

        Args:
            function: The function as Python compiled it.
            frame: Where it was decorated. The frame of an enclosing function is kept, since a
                rewrite may use any of its variables; class bodies are passed over.
        """
        while frame is not None and not frame.f_code.co_flags & _OPTIMIZED:
            if frame.f_code.co_name == "<module>":
                frame = None
                break
            frame = frame.f_back
        self.function = function
        self._enclosing = frame
        self.globals: dict[str, Any] = getattr(function, "__globals__", {})

    def find(self, name: str) -> Any:
        """The value of a name.

        Raises:
            KeyError: Nothing around the function has this name.
        """
        code = getattr(self.function, "__code__", None)
        cells = getattr(self.function, "__closure__", None) or ()
        if code is not None and name in code.co_freevars:
            try:
                return cells[code.co_freevars.index(name)].cell_contents
            except ValueError:  # not bound yet
                raise KeyError(name) from None
        if self._enclosing is not None and name in self._enclosing.f_locals:
            return self._enclosing.f_locals[name]
        return self.globals[name]

    def modules(self) -> Iterator[str]:
        """The modules that are known by some name around the function."""
        for scope in (self.globals, self._enclosing.f_locals if self._enclosing else {}):
            for value in tuple(scope.values()):
                if isinstance(value, ModuleType):
                    yield value.__name__
                elif isinstance(module := getattr(value, "__module__", None), str):
                    yield module
