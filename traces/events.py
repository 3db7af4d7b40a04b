"""The event: one fact about a run, in plain JSON.

Lives here: `Event`, the JSON type, and `clean`, the only door through which data becomes JSON.
Never here: files, clocks, locks, redaction.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from traces.errors import EventError

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

MAX_DEPTH = 100
"""Deepest nesting of an event's data, in levels."""
MAX_INT_BITS = 10_000
"""Widest integer, in bits: about 3,000 digits, what Python still prints without complaint."""
MAX_NAME = 200
"""Longest name of a run, a kind or a span, in characters."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. Events are never edited; a correction is a new event."""

    run: str
    seq: int
    """Position in the run from 1; the order of events, whatever the clock did. 0: not stored."""
    at: str
    """When, ISO 8601 in UTC."""
    kind: str
    """What happened, for example `llm.call`."""
    span: str | None
    """The piece of work it belongs to, if any."""
    data: dict[str, JSON]


def dumps(value: JSON) -> str:
    """`value` as one line of JSON; key order is kept, NaN is a ValueError."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def clean_text(text: str) -> str:
    """`text` with surrogate pairs joined and lone ones replaced, so that UTF-8 can hold it."""
    if text.isascii():
        return str(text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean_name(name: str, *, what: str) -> str:
    """`name` itself: the name of a run, kind or span.

    Raises:
        EventError: It is empty, longer than `MAX_NAME`, or holds unprintable characters.
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise EventError(
            f"The {what} {str(name)[:40]!r} cannot be used as a name.",
            where=what,
            fix=f"Use 1 to {MAX_NAME} printable characters.",
        )
    return str(name)


def clean(value: object, *, where: str = "data", depth: int = MAX_DEPTH) -> JSON:
    """A copy of `value` made of exact JSON types; tuples become lists, enums of str their text.

    Args:
        value: None, bool, int, finite float, str, or lists, tuples and string-keyed mappings of it.
        where: Path of `value`, for the error.
        depth: Levels still allowed below `value`.

    Raises:
        EventError: Something in it is not JSON (also NaN, infinity, loops); `where` is its path.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int | float):
        return _clean_number(value, where)
    if depth == 0:
        raise EventError(f"Nested deeper than {MAX_DEPTH} levels.", where=where, fix="Flatten it.")
    if isinstance(value, Mapping):
        return _clean_mapping(value, where, depth)
    if isinstance(value, list | tuple):
        return [clean(v, where=f"{where}[{i}]", depth=depth - 1) for i, v in enumerate(value)]
    raise EventError(
        f"{type(value).__name__} is not JSON.",
        where=where,
        fix="Record text, numbers, booleans, None, lists and dicts with text keys.",
    )


def _clean_number(value: float, where: str) -> int | float:
    if isinstance(value, int):
        if value.bit_length() > MAX_INT_BITS:
            raise EventError("The integer is too long.", where=where, fix="Record it as text.")
        return int(value)
    if not math.isfinite(value):
        raise EventError(
            f"{float(value)} is not JSON.", where=where, fix="Record None, or a word for it."
        )
    return float(value)


def _clean_mapping(value: Mapping[object, object], where: str, depth: int) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise EventError(
                f"The key {key!r} is not text.", where=where, fix="JSON has text keys only."
            )
        name = clean_text(key)
        if name in found:
            raise EventError(f"The key {name!r} comes twice.", where=where, fix="Rename one.")
        found[name] = clean(item, where=f"{where}.{name}", depth=depth - 1)
    return found
