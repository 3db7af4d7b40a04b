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

    __slots__ = ("_defaults", "_function", "_inspected", "_kwonly", "_named", "_quick", "names")

    def __init__(self, function: Callable[..., Any]) -> None:
        """Read the parameters off the code object, or through `inspect` where there is none."""
        code = getattr(function, "__code__", None)
        if hasattr(function, "__wrapped__") or hasattr(function, "__self__"):
            code = None
        self._function = function
        self._inspected: Any = None
        self.names: tuple[str, ...] = ()
        """Parameters that may be given by position."""
        self._kwonly: tuple[str, ...] = ()
        self._named = 0
        self._quick = code is not None and not code.co_flags & (_VARARGS | _VARKEYWORDS)
        self._defaults: dict[str, Any] = {}
        if code is not None:
            last = code.co_argcount
            self.names = code.co_varnames[:last]
            self._kwonly = code.co_varnames[last : last + code.co_kwonlyargcount]
            self._named = code.co_posonlyargcount
            given = getattr(function, "__defaults__", None) or ()
            self._defaults = dict(zip(self.names[last - len(given) :], given, strict=True))
            self._defaults |= getattr(function, "__kwdefaults__", None) or {}

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Bound:
        """Give every argument, defaults included, the name of its parameter.

        Raises:
            ArgumentError: The function does not take these arguments; a TypeError.
        """
        if self._quick:
            if not kwargs and len(args) == len(self.names) and not self._kwonly:
                return Bound(self.names, args, len(args), ())
            values = self._place(args, kwargs)
            if values is not None:
                names = (*self.names, *self._kwonly)
                return Bound(names, values, len(self.names), self._kwonly)
        return self._inspect(args, kwargs)

    def _place(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The values of all parameters; None where the call is wrong or unusual."""
        first = len(args)
        if first > len(self.names) or first < self._named:
            return None
        values, used = list(args), 0
        for name in (*self.names[first:], *self._kwonly):
            if name in kwargs:
                values.append(kwargs[name])
                used += 1
            elif name in self._defaults:
                values.append(self._defaults[name])
            else:
                return None
        return tuple(values) if used == len(kwargs) else None

    @property
    def inspected(self) -> Any:
        """The `inspect.Signature`."""
        if self._inspected is None:
            import inspect  # noqa: PLC0415  (8 ms that a program without keywords never pays)

            try:
                self._inspected = inspect.signature(self._function)
            except ValueError:  # a builtin that does not say, as `max`
                self._inspected = inspect.signature(lambda *args, **kwargs: (args, kwargs))
        return self._inspected

    def _inspect(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Bound:
        """Bind as Python does, for all that the quick way leaves."""
        try:
            bound = self.inspected.bind(*args, **kwargs)
        except TypeError as fault:
            from opto.trace.wrong import wrong_call  # noqa: PLC0415  (a call that is wrong)

            raise wrong_call(self._function, self.inspected, kwargs, fault) from None
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
