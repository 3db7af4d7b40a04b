"""Plain data as JSON that brings the exact type back; the only thing that crosses the border.

Lives here: `pack`/`unpack` for values, `dumps`/`loads` for bytes. `loads` is strict: it is what
stands between bytes an attacker chose and the host, so size, depth, number of containers, width
of integers, hash collisions and text that is not Unicode are all checked.
Never here: pickles, objects, files, pipes.

JSON stands for itself except where it would lose the type: `{"$tuple": [..]}`, `$set`,
`$frozenset`, `$bytes` (base64), `$float` (`nan`, `inf`, `-inf`), and `$dict` (pairs) for a dict
with keys that are not text or begin with `$`. NaN and infinities are carried, because refusing
them would hide a common bug of model-written code behind a border error; whoever compares scores
must treat them as what they are. Dates, decimals, paths and arrays have their tags in `kinds`.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from opto.sandbox import kinds
from opto.sandbox.errors import NotPlainError

Plain: TypeAlias = Any
"""None, bool, int, float, complex, str, bytes, date, time, datetime, timedelta, Decimal, paths,
arrays and scalars of numpy; and list, tuple, set, frozenset, dict of them. Spelled `Any`, because
`list[int]` is no `list[Plain]` for a type checker."""

DEPTH = 40
"""Containers inside containers."""
INT_BITS = 256
CONTAINERS = 300_000
"""In one document: 4 MB of `[],[],` would become 90 MB of lists."""
SAME_HASH = 1_000
"""Keys with one hash; more make a dict quadratic."""

_SINGLE = frozenset({type(None), bool, int, float, str, bytes})
_CONTAINERS = frozenset({list, tuple, set, frozenset, dict})
_INT_DIGITS = 79  # a sign and 2**256
_NESTING = 3 * DEPTH + 10  # a `$dict` nests three deep per level; the envelope around it
_FEW = 500
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS = frozenset(b"[]{}")
_OTHERS = bytes(byte for byte in range(256) if byte not in _BRACKETS)


def pack(value: Plain, where: str = "", depth: int = 0) -> Any:
    """`value` as what JSON can hold.

    Raises:
        NotPlainError: names the first part that cannot cross, as `where[0]['x'][3]`.
    """
    try:
        return _pack(value, depth)
    except NotPlainError as refused:
        raise refused.inside(where) from None


def is_plain(value: Any, depth: int = DEPTH) -> bool:
    """Is the value of types that can cross? Nothing is packed, so size is not looked at."""
    kind = type(value)
    if kind in _SINGLE:
        return True
    if kind not in _CONTAINERS:
        return kinds.fits(value)
    items = (*value, *value.values()) if kind is dict else value
    return depth > 0 and all(is_plain(item, depth - 1) for item in items)


def unpack(raw: Any, depth: int = 0) -> Plain:
    """What `pack` was given. Raises NotPlainError for anything `pack` cannot have made."""
    kind = type(raw)
    if raw is None or kind is bool or kind is float:
        return raw
    if kind is int:
        return _checked_int(raw)
    if kind is str:
        return _checked_text(raw)
    if depth >= DEPTH:
        raise NotPlainError(f"more than {DEPTH} containers inside each other")
    if kind is list:
        return [unpack(item, depth + 1) for item in raw]
    if len(raw) == 1 and next(iter(raw)).startswith("$"):
        ((tag, body),) = raw.items()
        return _untag(tag, body, depth)
    if any(key.startswith("$") for key in raw):
        raise NotPlainError("a malformed tag")
    return {_checked_text(key): unpack(item, depth + 1) for key, item in raw.items()}


def dumps(document: Any) -> bytes:
    """JSON text, ASCII only. Raises NotPlainError when `loads` would not take it back."""
    data = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
    _check_shape(data)
    return data


def loads(data: bytes) -> Any:
    """The JSON document in `data`. Raises NotPlainError for anything odd."""
    _check_shape(data)
    try:
        return json.loads(data.decode("ascii"), parse_int=_short_int, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise NotPlainError("malformed data") from None


def _pack(value: Plain, depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return _checked_int(value)
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is str:
        return _checked_text(value)
    if kind is bytes:
        return {"$bytes": binascii.b2a_base64(value, newline=False).decode("ascii")}
    return _pack_container(value, depth)


def _pack_container(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind not in _CONTAINERS:
        return kinds.write(value)
    if depth >= DEPTH:
        raise NotPlainError(f"more than {DEPTH} containers inside each other")
    if kind is not dict:
        items = _pack_items(value, depth + 1)
        return items if kind is list else {f"${kind.__name__}": items}
    if all(type(key) is str and not key.startswith("$") for key in value):
        return dict(_pack_pairs(value, depth + 1))
    return {"$dict": _pack_pairs(value, depth + 1)}


def _pack_items(items: Iterable[Any], depth: int) -> list[Any]:
    done: list[Any] = []
    try:
        done.extend(_pack(item, depth) for item in items)
    except NotPlainError as refused:
        raise refused.inside(f"[{len(done)}]") from None
    return done


def _pack_pairs(pairs: dict[Any, Any], depth: int) -> list[list[Any]]:
    done: list[list[Any]] = []
    for key, item in pairs.items():
        try:
            done.append([_pack(key, depth), _pack(item, depth)])
        except NotPlainError as refused:
            raise refused.inside(f"[{_short(key)}]") from None
    return done


def _short(key: Any) -> str:
    """A key for a path; its own `repr` is asked only when it is ours."""
    return repr(key)[:60] if type(key) in (str, int, float, bool) else f"<{type(key).__name__}>"


def _untag(tag: str, body: Any, depth: int) -> Plain:
    if tag in ("$bytes", "$float") and type(body) is str:
        return _SCALARS[tag](body)
    if tag not in _MAKERS:
        return kinds.read(tag, body)
    if type(body) is not list:
        raise NotPlainError("a malformed tag")
    return _MAKERS[tag](body, depth)


def _float(body: str) -> float:
    if body not in ("nan", "inf", "-inf"):
        raise NotPlainError("a malformed tag")
    return float(body)


def _bytes(body: str) -> bytes:
    try:
        return binascii.a2b_base64(body.encode("ascii"), strict_mode=True)
    except ValueError:
        raise NotPlainError("malformed bytes") from None


def _tuple(body: list[Any], depth: int) -> tuple[Plain, ...]:
    return tuple(unpack(item, depth + 1) for item in body)


def _set(body: list[Any], depth: int) -> set[Plain]:
    return set(_hashable([unpack(item, depth + 1) for item in body]))


def _frozenset(body: list[Any], depth: int) -> frozenset[Plain]:
    return frozenset(_set(body, depth))


def _dict(body: list[Any], depth: int) -> dict[Plain, Plain]:
    if any(type(pair) is not list or len(pair) != 2 for pair in body):  # noqa: PLR2004
        raise NotPlainError("a malformed tag")
    keys = _hashable([unpack(pair[0], depth + 1) for pair in body])
    return dict(zip(keys, [unpack(pair[1], depth + 1) for pair in body], strict=True))


_SCALARS: dict[str, Callable[[str], Plain]] = {"$bytes": _bytes, "$float": _float}
_MAKERS: dict[str, Callable[[list[Any], int], Plain]] = {
    "$tuple": _tuple,
    "$set": _set,
    "$frozenset": _frozenset,
    "$dict": _dict,
}


def _hashable(keys: list[Any]) -> list[Any]:
    """`keys`, checked to be fit for a dict: hashable, and not chosen to collide."""
    seen: dict[bytes, int] = {}
    try:
        for key in keys:
            mark = b"%d" % hash(key)  # bytes hash with a secret: these cannot be made to collide
            seen[mark] = seen.get(mark, 0) + 1
    except TypeError:
        raise NotPlainError("a key or element that cannot be hashed") from None
    if max(seen.values(), default=0) > SAME_HASH:
        raise NotPlainError("keys chosen to collide")
    return keys


def _checked_int(value: int) -> int:
    if value.bit_length() > INT_BITS:
        raise NotPlainError(f"int of more than {INT_BITS} bits")
    return value


def _checked_text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotPlainError("text that is not Unicode (a lone surrogate)") from None
    return text


def _short_int(digits: str) -> int:
    if len(digits) > _INT_DIGITS:  # int() of a long text is quadratic
        raise ValueError(digits[:10])
    return int(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _check_shape(data: bytes) -> None:
    """Refuse what would exhaust the stack or the memory of the parser, in linear time."""
    if data.count(b"[") + data.count(b"{") < _FEW:
        return
    brackets = _STRING.sub(b"", data).translate(None, _OTHERS)
    if len(brackets) > 2 * CONTAINERS:
        raise NotPlainError(f"more than {CONTAINERS} containers")
    for _ in range(_NESTING):  # each pass takes the innermost level away
        shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    if brackets:
        raise NotPlainError("malformed data, or nested too deeply")


def clean(text: str, *, most: int) -> str:
    """`text` from inside, cut to `most` characters and without terminal controls."""
    cut = text if len(text) <= most else text[: most - 1] + "\u2026"
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in cut)
