"""Values as JSON and back, each with its exact type; nothing read can run.

None, bool, int, finite float, text and list are themselves; anything else is an object with
"type": `tuple`, `set`, `frozenset`, `dict` (as pairs, so keys may be of any type), `bytes`,
`float` (nan and infinities), `int` (of very many digits), `str` (with half surrogates), `ndarray`,
`numpy scalar`, `opaque`. An object that a value holds twice comes back as two.

Lives here: `encode`, `decode`, `Opaque`.
Never here: files, nodes, importing or running what a file names.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from opto.trace.errors import TraceError
from opto.trace.text import preview

DEEPEST = 100
"""Levels of containers within each other; more are refused, so no value exhausts the stack."""
_LONG_INT = 1 << 4096
"""Larger numbers are written in hexadecimal: Python refuses to read very many decimal digits."""
_ARRAY_KINDS = "biufcSUmM"
"""Arrays of numbers, texts and times; never of objects."""
_REPR = 1000
"""Characters kept of a value that cannot be encoded."""
_Wrap = Callable[[Iterable[Any]], Any]
_WRAPS: Mapping[str, _Wrap] = {"tuple": tuple, "set": set, "frozenset": frozenset}
_CONTAINERS = frozenset({list, dict, tuple, set, frozenset})


class Opaque(NamedTuple):
    """What is left of a value that JSON cannot hold: its type and the start of its `repr`."""

    kind: str
    text: str

    def __repr__(self) -> str:
        return f"<not saved: {self.kind} {self.text}>"


def encode(value: Any, *, where: str, keep_opaque: bool = False) -> Any:
    """`value` as what `json` writes.

    Args:
        value: Of one of the types above, exactly: a subclass would come back as its base.
        where: Named in errors.
        keep_opaque: Keep type and `repr` of anything else instead of refusing it.

    Raises:
        TraceError: The value cannot be encoded, or is nested deeper than `DEEPEST` levels.
    """
    return _Encoder(where, keep_opaque=keep_opaque).tree(value, DEEPEST)


class _Encoder:
    """How one value is encoded."""

    def __init__(self, where: str, *, keep_opaque: bool) -> None:
        self.where, self.keep_opaque = where, keep_opaque

    def tree(self, value: Any, depth: int) -> Any:
        """One value; `depth` levels of containers may follow."""
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind in _SCALARS:
            return _SCALARS[kind](value)
        if kind in _CONTAINERS and depth > 0:
            return self.container(value, depth - 1)
        array = _array(value)
        return self.rest(value, depth) if array is None else array

    def container(self, value: Any, depth: int) -> Any:
        """A container, by its items."""
        kind = type(value)
        if kind is list:
            return [self.tree(item, depth) for item in value]
        if kind is dict:
            pairs = [[self.tree(part, depth) for part in pair] for pair in value.items()]
            return {"type": "dict", "items": pairs}
        items = [self.tree(item, depth) for item in value]
        if kind is not tuple:  # the same set gives the same file
            items.sort(key=json.dumps)
        return {"type": kind.__name__, "items": items}

    def rest(self, value: Any, depth: int) -> Any:
        """What JSON cannot hold."""
        kind = type(value)
        if self.keep_opaque:
            kept = value if kind is Opaque else Opaque(_name(kind), preview(value, _REPR))
            return {"type": "opaque", "of": _text(kept.kind), "repr": _text(kept.text)}
        if kind in _CONTAINERS and depth == 0:
            raise TraceError(
                f"{self.where} is nested deeper than {DEEPEST} levels, or holds itself.",
                fix="Make the value flatter.",
            )
        raise TraceError(
            f"{self.where} holds a {_name(kind)}, which cannot be saved as JSON.",
            fix="Keep numbers, text, bytes, lists, tuples, sets, dicts or numpy arrays.",
        )


def _name(kind: type) -> str:
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _int(value: int) -> Any:
    return value if -_LONG_INT < value < _LONG_INT else {"type": "int", "hex": hex(value)}


def _float(value: float) -> Any:
    return value if math.isfinite(value) else {"type": "float", "value": repr(value)}


def _text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:
        return {"type": "str", "base64": _to_base64(value.encode("utf-8", "surrogatepass"))}
    return value


def _bytes(value: bytes) -> Any:
    return {"type": "bytes", "base64": _to_base64(value)}


_SCALARS: Mapping[type, Callable[[Any], Any]] = {
    int: _int,
    float: _float,
    str: _text,
    bytes: _bytes,
}


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _array(value: Any) -> dict[str, Any] | None:
    """A numpy array or scalar; numpy is there if there is one."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not (type(value) is numpy.ndarray or isinstance(value, numpy.generic)):
        return None
    dtype = value.dtype
    if dtype.kind not in _ARRAY_KINDS or dtype.hasobject:
        return None
    return {
        "type": "ndarray" if type(value) is numpy.ndarray else "numpy scalar",
        "dtype": dtype.str,
        "shape": list(value.shape),
        "base64": _to_base64(value.tobytes()),
    }


def decode(tree: Any, *, where: str) -> Any:
    """The value that `encode` wrote as `tree`.

    Raises:
        TraceError: `tree` is not what `encode` writes.
    """
    try:
        return _decode(tree, DEEPEST)
    except (TypeError, ValueError, KeyError, OverflowError, MemoryError, binascii.Error) as fault:
        raise TraceError(
            f"{where} cannot be read: {type(fault).__name__}: {preview(str(fault), 200)}.",
            fix="The file was changed or damaged; take one that was saved.",
        ) from fault


def _decode(tree: Any, depth: int) -> Any:
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if depth == 0:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    if isinstance(tree, list):
        return [_decode(item, depth - 1) for item in tree]
    kind = tree["type"]
    if kind == "dict":
        return {_decode(key, depth - 1): _decode(item, depth - 1) for key, item in tree["items"]}
    if kind in _WRAPS:
        return _WRAPS[kind](_decode(item, depth - 1) for item in tree["items"])
    if kind not in _READERS:
        raise ValueError(f"unknown type {preview(kind, 40)}")
    return _READERS[kind](tree)


def _read_float(tree: Mapping[str, Any]) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[tree["value"]]


def _read_bytes(tree: Mapping[str, Any]) -> bytes:
    return base64.b64decode(tree["base64"], validate=True)


def _read_opaque(tree: Mapping[str, Any]) -> Opaque:
    kind, text = _decode(tree["of"], 1), _decode(tree["repr"], 1)
    if not isinstance(kind, str) or not isinstance(text, str):
        raise TypeError("what is left of a value is text")
    return Opaque(kind, text)


def _read_array(tree: Mapping[str, Any]) -> Any:
    try:
        import numpy  # noqa: PLC0415  (loaded only for files that hold arrays)
    except ModuleNotFoundError as missing:
        raise TraceError(
            "The file holds arrays, and numpy is not installed.", fix="pip install numpy"
        ) from missing
    if not isinstance(tree["dtype"], str):
        raise TypeError("the type of an array is text")
    dtype = numpy.dtype(tree["dtype"])
    shape = tuple(tree["shape"])
    data = bytearray(_read_bytes(tree))
    if dtype.kind not in _ARRAY_KINDS or dtype.hasobject:
        raise ValueError(f"arrays of {preview(tree['dtype'], 40)} are not read")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("the shape is no list of sizes")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError("shape and data do not fit")
    array = numpy.ndarray(shape, dtype, data)
    return array if tree["type"] == "ndarray" else array[()]


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "int": lambda tree: int(tree["hex"], 16),
    "float": _read_float,
    "str": lambda tree: _read_bytes(tree).decode("utf-8", "surrogatepass"),
    "bytes": _read_bytes,
    "opaque": _read_opaque,
    "ndarray": _read_array,
    "numpy scalar": _read_array,
}
