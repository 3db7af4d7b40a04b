"""Which parameter each argument of a call belongs to.

Worked out once per function, since `inspect` is far slower than the call it describes.

Lives here: `Signature`, binding.
Never here: nodes, running functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

_VARARGS, _VARKEYWORDS = 0x04, 0x08


class Bound(NamedTuple):
    """A call taken apart: the parameter of every argument, positional ones first."""

    names: tuple[str, ...]
    values: tuple[Any, ...]
    positional: int
    """How many of `values` are passed by position; the rest by keyword."""
    keywords: tuple[str, ...]
    """The keyword of each value after the positional ones."""


class Signature:
    """The parameters of one function."""

    __slots__ = ("_defaults", "_function", "_inspected", "_kwonly", "_required", "names", "simple")

    def __init__(self, function: Callable[..., Any]) -> None:
        """Read the parameters off the code object, or through `inspect` where there is none."""
        code = getattr(function, "__code__", None)
        self._function = function
        self._inspected: Any = None
        self.names: tuple[str, ...] = ()
        """Parameters that may be given by position."""
        self._kwonly: Mapping[str, Any] = {}
        self._defaults: tuple[Any, ...] = getattr(function, "__defaults__", None) or ()
        wrapped = code is None or hasattr(function, "__wrapped__") or hasattr(function, "__self__")
        if code is not None and not wrapped:
            self.names = code.co_varnames[: code.co_argcount]
            varied = code.co_flags & (_VARARGS | _VARKEYWORDS)
        else:
            varied = 1
        only_named = 0 if code is None else code.co_kwonlyargcount
        self.simple = not varied and not only_named
        """Are there only parameters that may be given by position?"""
        self._required = len(self.names)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Bound:
        """Give every argument, defaults included, the name of its parameter.

        Raises:
            TypeError: As the call itself would.
        """
        if self.simple and not kwargs:
            missing = self._required - len(args)
            if missing == 0:
                return Bound(self.names, args, self._required, ())
            if 0 < missing <= len(self._defaults):
                values = args + self._defaults[-missing:]
                return Bound(self.names, values, self._required, ())
        return self._inspect(args, kwargs)

    @property
    def inspected(self) -> Any:
        """The `inspect.Signature`."""
        if self._inspected is None:
            import inspect  # noqa: PLC0415  (8 ms that a program without keywords never pays)

            self._inspected = inspect.signature(self._function)
        return self._inspected

    def _inspect(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Bound:
        """Bind as Python does, for all that the quick way leaves."""
        bound = self.inspected.bind(*args, **kwargs)
        bound.apply_defaults()
        names: list[str] = []
        values: list[Any] = []
        keyworded: list[tuple[str, Any]] = []
        for name, value in bound.arguments.items():
            kind = self.inspected.parameters[name].kind
            if kind is kind.VAR_POSITIONAL:
                names += [f"{name}_{number}" for number in range(len(value))]
                values += value
            elif kind is kind.VAR_KEYWORD:
                keyworded += value.items()
            elif kind is kind.KEYWORD_ONLY:
                keyworded.append((name, value))
            else:
                names.append(name)
                values.append(value)
        keywords = tuple(name for name, _ in keyworded)
        return Bound(
            (*names, *keywords),
            (*values, *(value for _, value in keyworded)),
            len(values),
            keywords,
        )
