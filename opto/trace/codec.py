"""Saving and loading parameters and traces, as JSON and source text.

What is loaded are values and text: nothing in a file is run, imported or unpickled.

Lives here: parameters by their paths; `save_graph`, `load_graph` are re-exported.
Never here: how a value is written (`opto.trace.values`), how a trace is (`opto.trace.recorded`,
`opto.trace.replayed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from opto.trace.document import read_document, write_document
from opto.trace.errors import CodeRejected, TraceError
from opto.trace.modules import ParameterContainer
from opto.trace.nodes import ParameterNode
from opto.trace.recorded import save_graph
from opto.trace.replayed import load_graph
from opto.trace.text import preview
from opto.trace.values import decode, encode

__all__ = ["load_graph", "load_parameters", "save_graph", "save_parameters"]

FORMAT, VERSION = "opto.parameters", 1
_NAMED = 5
"""Names listed in an error."""


def save_parameters(container: ParameterContainer, path: str | Path) -> None:
    """Write the value of every parameter below `container`, each once, trainable or not.

    The file holds, by path of attribute names (`decide_lang.parameter`), the value, and the
    constraint for whoever reads it. It is replaced whole or not at all.

    Raises:
        TraceError: A value cannot be saved; a parameter has no path of its own; the file cannot be
            written.
    """
    found = _paths(container)
    hidden = [p for p in container.parameters() if all(p is not other for other in found.values())]
    if hidden:
        raise TraceError(
            f"{hidden[0].name} in {type(container).__name__} has the name of another parameter.",
            fix="Give keys, attributes and methods different names.",
        )
    entries = {
        name: {
            "value": encode(parameter._value, where=f"The parameter {name}"),
            "constraint": encode(parameter.description, where=f"The constraint of {name}"),
        }
        for name, parameter in found.items()
    }
    document = {"format": FORMAT, "version": VERSION, "parameters": entries}
    write_document(document, Path(path))


def load_parameters(container: ParameterContainer, path: str | Path) -> None:
    """Give the parameters below `container` the values in a file that `save_parameters` wrote.

    All or nothing: where anything does not fit, no parameter is changed. Code is checked as any
    rewrite is, and runs when it is called.

    Raises:
        TraceError: The file is none of `save_parameters`; a parameter is missing in it or here; a
            value is of another type than the current one (int and float may stand for each other,
            and None for anything not set yet); code is not the function it must be.
    """
    file = Path(path)
    entries = read_document(file, kind=FORMAT, version=VERSION).get("parameters")
    if not isinstance(entries, dict) or not all(
        isinstance(entry, dict) and "value" in entry for entry in entries.values()
    ):
        raise TraceError(
            f"{file} holds no values by name.", fix="The file was changed; take one that was saved."
        )
    found = _paths(container)
    _same_names(found, entries, file)
    values = {name: decode(entries[name]["value"], where=f"{name} in {file}") for name in found}
    for name, parameter in found.items():
        _same_type(name, parameter._value, values[name], file)
        values[name] = _checked(name, parameter, values[name], file)
    for name, parameter in found.items():
        parameter._data = values[name]


def _checked(name: str, parameter: ParameterNode[Any], value: Any, file: Path) -> Any:
    """`value`; the text of a function only if it may stand for the function."""
    from opto.trace.code import CodeParameter  # noqa: PLC0415  (needs `ast`)

    if not isinstance(parameter, CodeParameter) or value == parameter._value:
        return value
    try:
        return parameter.check(value)
    except (SyntaxError, CodeRejected) as fault:
        raise TraceError(
            f"The code of {name} cannot be used: {fault}",
            where=str(file),
            fix="Take a file that this program saved, or mend the text in it.",
        ) from fault


def _paths(container: ParameterContainer) -> dict[str, ParameterNode[Any]]:
    """Each parameter once, by the first path to it; dots within a name are doubled."""
    found: dict[str, ParameterNode[Any]] = {}
    seen: dict[int, Any] = {id(container): container}  # held, so that no id is used twice
    stack: list[tuple[str, Any]] = [("", container)]
    while stack:
        prefix, holder = stack.pop()
        inner: list[tuple[str, Any]] = []
        for name, part in _stable(holder.parameters_dict()):
            if id(part) in seen:
                continue
            seen[id(part)] = part
            if isinstance(part, ParameterNode):
                found[prefix + name] = part
            else:
                inner.append((f"{prefix}{name}.", part))
        stack += reversed(inner)
    return found


def _stable(parts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names that stay the same: a key that is a parameter is named by its place, as is its item."""
    numbers: dict[str, int] = {}
    for name, part in parts.items():
        if isinstance(part, ParameterNode) and name == f"key {part.name}":
            number = numbers.setdefault(str(part._now), len(numbers))
            yield f"key #{number}", part
        elif name in numbers:
            yield f"item #{numbers[name]}", part
        else:
            yield name.replace(".", ".."), part


def _same_names(found: Mapping[str, Any], entries: Mapping[str, Any], file: Path) -> None:
    missing = [name for name in found if name not in entries]
    unknown = [name for name in entries if name not in found]
    if not missing and not unknown:
        return
    words = []
    if missing:
        words.append(f"no value for {_listed(missing)}")
    if unknown:
        words.append(f"values for {_listed(unknown)}, which are not here")
    near = get_close_matches(unknown[0][:200], missing, n=1) if unknown and missing else []
    hint = f"Is {preview(unknown[0], 80)} now called {near[0]!r}? " if near else ""
    raise TraceError(
        f"{file} has {' and '.join(words)}.",
        fix=f"{hint}Load into an object of the class that was saved.",
    )


def _listed(names: Iterable[str]) -> str:
    every = [preview(name, 80) for name in names]
    rest = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + rest


def _same_type(name: str, current: Any, value: Any, file: Path) -> None:
    kinds = {type(current), type(value)}
    if len(kinds) == 1 or kinds == {int, float} or current is None:
        return
    saved, here = type(value).__name__, type(current).__name__
    raise TraceError(
        f"{name} in {file} is of type {saved}, here of type {here}.",
        fix="Load into an object whose parameters have values of the types that were saved.",
    )
