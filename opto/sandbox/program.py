"""A program to run, as the host gives it: checked and packed for the border.

Lives here: `Program`, `Stub`, and the refusals that name the argument at fault.
Never here: running anything, reading what came back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from keyword import iskeyword
from typing import Any, Protocol

from opto.errors import InputError
from opto.sandbox.limits import Limits
from opto.sandbox.plain import Plain, pack

_MOST_NAME = 200


class Tool(Protocol):
    """A trusted function of the host; plain data in, plain data out.

    Its arguments were chosen by the code inside: check them as you would check a web request.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Plain: ...


class Stub:
    """Stands for an object of the host, such as `self`: plain attributes, and tools as methods.

    Inside it is a copy. Setting an attribute there raises AttributeError; changing a list or dict
    of it in place is not seen by the host.
    """

    __slots__ = ("attributes", "tools")

    def __init__(
        self,
        attributes: Mapping[str, Plain] | None = None,
        tools: Mapping[str, Tool] | None = None,
    ) -> None:
        self.attributes = _named(attributes or {}, "attributes")
        self.tools = _named(tools or {}, "tools")

    def __repr__(self) -> str:
        return f"Stub(attributes={sorted(self.attributes)}, tools={sorted(self.tools)})"


class Program:
    """What to run, and the tools it may call."""

    __slots__ = ("filename", "limits", "request", "source", "stubs", "tools")

    def __init__(self, source: str, function: str | None, *, filename: str, limits: Limits) -> None:
        """A program without arguments yet; `function` None means a script.

        Raises:
            InputError: a name that cannot be one.
        """
        if function is not None:
            _named({function: None}, "function")
        if not filename.isprintable() or not 0 < len(filename) <= _MOST_NAME or '"' in filename:
            raise InputError(
                f"{filename[:50]!r} cannot name a source.",
                fix=f"Use printable text of up to {_MOST_NAME} characters without quotes.",
            )
        self.source, self.filename, self.limits = source, filename, limits
        self.tools: Mapping[str, Tool] = {}
        self.stubs: list[Mapping[str, Tool]] = []
        self.request: dict[str, Any] = {
            "source": pack(source, "source"),
            "function": function,
            "filename": pack(filename, "filename"),
            "limits": limits.as_dict(),
            "args": [],
            "kwargs": {},
            "names": {},
            "tools": [],
        }

    def call_with(self, args: Sequence[Plain | Stub], kwargs: Mapping[str, Plain | Stub]) -> None:
        """Arguments of the function. Raises NotPlainError, naming the part that is not plain."""
        packed = [self._packed(value, f"args[{i}]") for i, value in enumerate(args)]
        self.request["args"] = packed
        self.request["kwargs"] = self._packed_names(kwargs, "kwargs")

    def surround_with(self, names: Mapping[str, Plain | Stub], tools: Mapping[str, Tool]) -> None:
        """What is in the namespace before the source runs."""
        self.request["names"] = self._packed_names(names, "names")
        self.tools = _named(tools, "tools")
        self.request["tools"] = list(self.tools)

    def tool(self, stub: Any, name: Any) -> Tool | None:
        """The function a call from inside means; None when there is none of that name."""
        known: Mapping[str, Tool] = {}
        if stub is None:
            known = self.tools
        elif type(stub) is int and 0 <= stub < len(self.stubs):
            known = self.stubs[stub]
        return known.get(name) if type(name) is str else None

    def _packed_names(self, values: Mapping[str, Plain | Stub], where: str) -> dict[str, Any]:
        named = _named(values, where)
        return {name: self._packed(value, f"{where}[{name!r}]") for name, value in named.items()}

    def _packed(self, value: Plain | Stub, where: str) -> Any:
        if type(value) is not Stub:
            return pack(value, where)
        attributes = {
            name: pack(item, f"{where}.{name}") for name, item in value.attributes.items()
        }
        self.stubs.append(value.tools)
        return {"$stub": [len(self.stubs) - 1, attributes, list(value.tools)]}


def _named(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name in values:
        if type(name) is not str or not name.isidentifier() or iskeyword(name):
            raise InputError(
                f"{where}: {str(name)[:50]!r} is not a name in Python.",
                fix="Use a name such as `total` or `read_table`.",
            )
    return dict(values)
