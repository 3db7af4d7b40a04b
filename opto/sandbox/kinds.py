"""Values of the standard library and of numpy as plain data: dates, decimals, paths, arrays.

Lives here: their tags (`plain` has those of the builtin types), and what to say of all other
types. Reading is as strict as in `plain`: nothing is made that `write` cannot have written.
Never here: pickles, arrays of objects, imports of numpy by the host: bytes from inside must not
decide what a program loads. A module that has not been imported has no values to write.

numpy: `{"$array": [dtype, shape, base64]}` and `{"$scalar": [dtype, base64]}`, in C order, of
booleans, numbers, text, bytes and times.
"""

from __future__ import annotations

import binascii
import math
import re
import sys
from collections.abc import Callable
from typing import Any

from opto.sandbox.errors import NotPlainError

ARRAY_BYTES = 32 << 20
"""Of one array; a run has a limit on what it gives besides."""
may_import_numpy = False
"""Set inside, where the one who sent the array is the host."""

_DTYPE = re.compile(
    r"[<>|](?:b1|[iu][1248]|f[248]|c8|c16|[US]\d{1,6}|[mM]8\[(?:[YMWDhms]|[munpfa]s)\])"
)
_MOST_AXES, _MOST_ITEMS = 32, 1 << 31
_MOST_DIGITS, _MOST_EXPONENT = 200, 6144  # as decimal128 has; int() of more could take forever
_LAST_CHARACTER, _SURROGATES = 0x10FFFF, (0xD800, 0xDFFF)
_MALFORMED = "a malformed tag"
_ADVICE = {"tolist": "x.tolist()", "to_dict": "x.to_dict()", "item": "x.item()"}


def write(value: Any) -> dict[str, Any]:
    """`value` as what JSON can hold.

    Raises:
        NotPlainError: It is of another type, or too large.
    """
    if _is_of_numpy(value):
        return _write_numpy(value)
    kind = type(value)
    home, name = kind.__module__.partition(".")[0], kind.__name__
    if (home, name) in _WRITERS and getattr(sys.modules[home], name, None) is kind:
        tag, writer = _WRITERS[home, name]
        return {tag: writer(value)}
    raise NotPlainError(f"{kind.__name__} is not plain data{_advice(value)}")


def read(tag: str, body: Any) -> Any:
    """What `write` was given. Raises NotPlainError for anything it cannot have written."""
    reader = _READERS.get(tag)
    if reader is None:
        raise NotPlainError(_MALFORMED)
    try:
        return reader(body)
    except (ValueError, TypeError, ArithmeticError, AttributeError):
        raise NotPlainError(_MALFORMED) from None


def fits(value: Any) -> bool:
    """Would `write` take it? Cheaper, as no array is copied."""
    if _is_of_numpy(value):
        return not _array_problem(value)
    try:
        write(value)
    except NotPlainError:
        return False
    return True


def _is_of_numpy(value: Any) -> bool:
    """An array itself, not of a subclass, or one of its items?"""
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "generic"):  # not imported, or just being imported
        return False
    return type(value) is numpy.ndarray or isinstance(value, numpy.generic)


def _advice(value: Any) -> str:
    """How the user may make plain data of it, where that is easy to say."""
    kind = type(value)
    enum = getattr(sys.modules.get("enum"), "Enum", ())
    if isinstance(value, enum):
        return "; x.value is"
    if hasattr(kind, "__dataclass_fields__"):
        return "; dataclasses.asdict(x) is"
    for base in (dict, list, tuple, set, frozenset, str, bytes, float, int):
        if isinstance(value, base):
            return f"; {base.__name__}(x) is"
    if isinstance(value, bytearray | memoryview):
        return "; bytes(x) is"
    if isinstance(value, range) or hasattr(kind, "__next__"):
        return "; list(x) is"
    found = [said for name, said in _ADVICE.items() if callable(getattr(kind, name, None))]
    return f"; {found[0]} may be" if found else ""


def _array_problem(array: Any) -> str:
    """What keeps an array from crossing; empty when nothing does."""
    if not _DTYPE.fullmatch(array.dtype.str):
        return f"an array of {array.dtype} is not plain data; use numbers, text or times in it"
    if array.nbytes > ARRAY_BYTES:
        return f"an array of {array.nbytes:,} bytes; at most {ARRAY_BYTES:,} may cross"
    return ""


def _write_numpy(value: Any) -> dict[str, Any]:
    if problem := _array_problem(value):
        raise NotPlainError(problem)
    array = sys.modules["numpy"].asarray(value)
    if array.dtype.itemsize == 0:  # empty text
        array = array.astype(f"{array.dtype.kind}1")
    data = binascii.b2a_base64(array.tobytes(), newline=False).decode("ascii")
    if type(value).__name__ == "ndarray":
        return {"$array": [array.dtype.str, list(array.shape), data]}
    return {"$scalar": [array.dtype.str, data]}


def _read_array(body: Any) -> Any:
    code, shape, data = body
    raw = binascii.a2b_base64(data.encode("ascii"), strict_mode=True)
    if type(code) is not str or not _DTYPE.fullmatch(code) or type(shape) is not list:
        raise ValueError(code)
    if len(shape) > _MOST_AXES or any(
        type(n) is not int or not 0 <= n < _MOST_ITEMS for n in shape
    ):
        raise ValueError(shape)
    numpy = _numpy()
    itemsize = numpy.dtype(code).itemsize
    if not itemsize or math.prod(shape) * itemsize != len(raw):
        raise ValueError(len(raw))
    if code.endswith("b1"):  # a byte that is neither 0 nor 1 would corrupt what numpy counts
        return numpy.asarray(numpy.ndarray(shape, "u1", raw) != 0)
    if code[1] == "U":
        _check_characters(numpy.ndarray([len(raw) // 4], f"{code[0]}u4", raw))
    return numpy.ndarray(shape, code, raw).copy()


def _check_characters(codes: Any) -> None:
    low, high = _SURROGATES
    if (codes > _LAST_CHARACTER).any() or ((codes >= low) & (codes <= high)).any():
        raise ValueError("not Unicode")


def _read_scalar(body: Any) -> Any:
    code, data = body
    return _read_array([code, [], data])[()]


def _numpy() -> Any:
    if may_import_numpy:
        import numpy  # noqa: PLC0415  (only where an array comes)

        return numpy
    if "numpy" not in sys.modules:
        raise NotPlainError("data of numpy, which the program has not imported")
    return sys.modules["numpy"]


def _write_time(value: Any) -> str:
    zone = getattr(value, "tzinfo", None)
    if zone is not None and type(zone) is not sys.modules["datetime"].timezone:
        raise NotPlainError(
            f"{type(value).__name__} with a {type(zone).__name__} is not plain data; "
            "x.astimezone(datetime.timezone.utc) is"
        )
    return ("fold " if getattr(value, "fold", 0) else "") + str(value.isoformat())


def _read_time(kind: str) -> Callable[[Any], Any]:
    def read_time(body: Any) -> Any:
        import datetime  # noqa: PLC0415  (only where a date comes)

        made = getattr(datetime, kind).fromisoformat(body.removeprefix("fold "))
        if body.startswith("fold "):  # the second of two equal times of a day that was put back
            made = made.replace(fold=1)
        return _same(made, _write_time(made), body)

    return read_time


def _write_span(value: Any) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _read_span(body: Any) -> Any:
    from datetime import timedelta  # noqa: PLC0415

    days, seconds, microseconds = (_of(int, part) for part in body)
    made = timedelta(days, seconds, microseconds)
    return _same(made, _write_span(made), body)


def _write_decimal(value: Any) -> str:
    text = str(value)
    if value.is_snan() or len(text) > _MOST_DIGITS or abs(value.adjusted()) > _MOST_EXPONENT:
        raise NotPlainError("a Decimal of too many digits, or one that only signals")
    return text


def _read_decimal(body: Any) -> Any:
    from decimal import Decimal  # noqa: PLC0415

    made = Decimal(_of(str, body)[:_MOST_DIGITS])
    return _same(made, _write_decimal(made), body)


def _write_complex(value: complex) -> list[str]:
    return [repr(value.real), repr(value.imag)]


def _read_complex(body: Any) -> complex:
    made = complex(*(float(_of(str, part)) for part in body))
    _same(made, _write_complex(made), body)
    return made


def _write_path(value: Any) -> str:
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotPlainError("a path that is not Unicode") from None
    return text


def _read_path(kind: str) -> Callable[[Any], Any]:
    def read_path(body: Any) -> Any:
        import pathlib  # noqa: PLC0415  (slow to import)

        made = getattr(pathlib, kind)(_of(str, body))
        return _same(made, _write_path(made), body)

    return read_path


def _of(kind: type, part: Any) -> Any:
    if type(part) is not kind:
        raise TypeError(kind)
    return part


def _same(made: Any, again: Any, given: Any) -> Any:
    """`made`, if it is written as it was given."""
    if type(again) is not type(given) or again != given:
        raise ValueError(given)
    return made


_WRITERS: dict[tuple[str, str], tuple[str, Callable[[Any], Any]]] = {
    ("builtins", "complex"): ("$complex", _write_complex),
    ("datetime", "date"): ("$date", _write_time),
    ("datetime", "datetime"): ("$datetime", _write_time),
    ("datetime", "time"): ("$time", _write_time),
    ("datetime", "timedelta"): ("$timedelta", _write_span),
    ("decimal", "Decimal"): ("$decimal", _write_decimal),
    ("pathlib", "PosixPath"): ("$path", _write_path),
    ("pathlib", "PurePosixPath"): ("$purepath", _write_path),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "$array": _read_array,
    "$scalar": _read_scalar,
    "$complex": _read_complex,
    "$date": _read_time("date"),
    "$datetime": _read_time("datetime"),
    "$time": _read_time("time"),
    "$timedelta": _read_span,
    "$decimal": _read_decimal,
    "$path": _read_path("PosixPath"),
    "$purepath": _read_path("PurePosixPath"),
}
