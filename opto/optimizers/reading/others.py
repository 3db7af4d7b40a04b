"""Values of rarer types: arrays, enumerations, complex numbers, bytes.

numpy is imported only where the present value is one of its arrays or numbers.

Lives here: the rules for these types, and the refusal for all others.
Never here: plain values and containers.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from opto.optimizers.reading.values import Refused, literal, read_value, unquoted, wrong

_NUMPY_TEXT = re.compile(r"(?<=[\d.\]eE])\s+(?=[-+\d.\[])|(?<=[\d.\]])\s+(?=[TFni])")
_ARRAY_CALL = re.compile(r"\A(?:np\.|numpy\.)?array\((.*?)(?:,\s*dtype=[\w.'<>]+)?\)\Z", re.DOTALL)


def read_other(raw: Any, like: Any) -> Any:
    """`raw` as the type of `like`, one of those this module knows.

    Raises:
        Refused: It is no such value, or values of this type cannot be written as text.
    """
    kind = type(like)
    if isinstance(like, Enum):
        return _member(raw, kind)
    if kind.__module__ == "numpy":
        return _array(raw, like) if kind.__name__ == "ndarray" else _number(raw, like)
    if isinstance(like, bool | int | float | str):
        raise Refused(f"a {kind.__name__} cannot be made from text safely")
    if isinstance(raw, str):
        found = literal(raw)
        if type(found) is kind:
            return found
        if kind is complex and isinstance(found, int | float) and not isinstance(found, bool):
            return complex(found)
    elif type(raw) is kind:
        return raw
    raise wrong(kind.__name__, raw)


def _member(raw: Any, kind: type[Enum]) -> Enum:
    text = unquoted(raw) if isinstance(raw, str) else raw
    for member in kind:
        if text in (member.name, str(member), f"{kind.__name__}.{member.name}"):
            return member
    for member in kind:
        if text == member.value or (isinstance(raw, str) and text == str(member.value)):
            return member
    raise wrong(f"one of {', '.join(member.name for member in kind)}", raw)


def _number(raw: Any, like: Any) -> Any:
    """A numpy scalar, by way of the Python number it holds."""
    return type(like)(read_value(raw, like.item()))


def _array(raw: Any, like: Any) -> Any:
    """Nested lists of numbers as an array of the same shape and dtype."""
    import numpy as np  # noqa: PLC0415  (only where a parameter holds an array)

    if like.dtype.hasobject:
        raise Refused("an array of objects cannot be made from text")
    found = _lists(raw) if isinstance(raw, str) else raw
    if not isinstance(found, list | tuple | int | float):
        raise wrong("an array as nested lists of numbers", raw)
    try:
        array = np.asarray(found)
    except ValueError as fault:
        raise Refused("the lists have different lengths") from fault
    if array.shape != like.shape:
        raise Refused(f"expected shape {like.shape}; got {array.shape}")
    fits = not array.size or np.can_cast(array.dtype, like.dtype, casting="same_kind")
    if not fits and not _whole(array, like):
        raise Refused(f"expected numbers of {like.dtype}; got {array.dtype}")
    if array.dtype.kind in "fc" and np.isnan(array).any():
        raise Refused("nan is no number")
    return array.astype(like.dtype)


def _whole(array: Any, like: Any) -> bool:
    """Are these whole numbers, written with a point, for an array of integers?"""
    both = array.dtype.kind == "f" and like.dtype.kind in "iu"
    return bool(both and (array == array.round()).all())


def _lists(raw: str) -> Any:
    text = raw.strip()
    if call := _ARRAY_CALL.match(text):
        text = call[1]
    try:
        return literal(text)
    except Refused:
        return literal(_NUMPY_TEXT.sub(", ", text))
