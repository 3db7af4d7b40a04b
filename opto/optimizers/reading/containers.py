"""Lists, tuples, sets and dicts, with the types of their items.

Lives here: the rules for containers.
Never here: plain values, finding values in a reply.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opto.optimizers.reading.values import Refused, literal, read_value, wrong

CONTAINERS = (list, tuple, set, frozenset, dict)
_PLAIN = (bool, int, float, str)
_WRITTEN_AS: dict[type, tuple[type, ...]] = {
    list: (list, tuple),
    tuple: (tuple, list),
    set: (set, frozenset, list, tuple),
    frozenset: (frozenset, set, list, tuple),
    dict: (dict,),
}


def read_container(raw: Any, like: Any) -> Any:
    """`raw` as the exact container type of `like`.

    Raises:
        Refused: It writes no such container, or an item has another type than all present items.
    """
    kind: type[Any] = type(like)
    found: Any = _written(raw) if isinstance(raw, str) else raw
    if not isinstance(found, _WRITTEN_AS[kind]):
        raise wrong(f"{kind.__name__}, written as in Python", raw)
    try:
        if isinstance(found, dict):
            return _dict(found, like)
        items: Any = _items(found, like)
        return kind(items)
    except TypeError as fault:  # a list inside a set
        raise Refused(f"expected {kind.__name__}: {fault}") from fault
    except RecursionError as fault:
        raise Refused("it is nested too deeply") from fault


def _written(raw: str) -> Any:
    text = raw.strip()
    for call in ("frozenset", "set"):
        inner = text.removeprefix(call).strip()
        if inner != text and inner.startswith("(") and inner.endswith(")"):
            body = inner[1:-1].strip()
            return literal(body) if body else ()
    return literal(text)


def _items(found: Any, like: Iterable[Any]) -> list[Any]:
    pattern = _shared(like)
    if pattern is None:
        return list(found)
    return [_item(value, pattern, f"item {at}") for at, value in enumerate(found)]


def _dict(found: dict[Any, Any], like: dict[Any, Any]) -> dict[Any, Any]:
    """Keys of the present type (JSON has text keys only); values by key, else by shared type."""
    key_pattern, value_pattern = _shared(like), _shared(like.values())
    out: dict[Any, Any] = {}
    for raw_key, raw_value in found.items():
        key = _key(raw_key, key_pattern)
        pattern = _pattern(like[key]) if key in like else value_pattern
        out[key] = raw_value if pattern is None else _item(raw_value, pattern, f"[{key!r}]")
    return out


def _key(raw: Any, pattern: Any) -> Any:
    """A key of the present type; JSON writes all keys as text."""
    if pattern is None:
        return raw
    if isinstance(raw, str) and type(pattern) in _PLAIN:
        try:
            return read_value(raw, pattern)
        except Refused as why:
            raise Refused(f"a key: {why}") from why
    return _item(raw, pattern, "a key")


def _item(value: Any, pattern: Any, where: str) -> Any:
    """`value` as the type of `pattern`; a text item stays the text it is."""
    exact = type(value) is type(pattern) and type(pattern) in _PLAIN
    if exact and value == value:  # noqa: PLR0124  (nan, which read_value refuses)
        return value
    if isinstance(value, str) is not (type(pattern) is str):
        raise Refused(f"{where}: {wrong(type(pattern).__name__, value)}")
    try:
        return read_value(value, pattern)
    except Refused as why:
        raise Refused(f"{where}: {why}") from why


def _shared(values: Iterable[Any]) -> Any:
    """A value whose type all of `values` have; None where they differ or there are none."""
    items = list(values)
    return _pattern(items[0]) if len({type(item) for item in items}) == 1 else None


def _pattern(value: Any) -> Any:
    """`value` if its type binds what replaces it; containers bind their own items."""
    return value if type(value) in _PLAIN or type(value) in CONTAINERS else None
