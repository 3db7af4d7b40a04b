"""Values as text of bounded length, whatever they are.

A value is cut before it is formatted, so a list of ten million items costs as little as one of
ten. Nothing is iterated that could be used up, no address is shown, and control characters are
made visible, so the text of one value cannot look like the end of it.

Lives here: `value_text`, `cut`, `visible`, `literal`.
Never here: which value deserves how much room (`opto.trace.room`), counting of tokens.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
)
_BREAKS = re.compile("[\t\n]")
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_DEEPEST = 12
_DEEPEST_WHOLE = 100
"""Containers in containers; below, only their types are shown."""
_SORTABLE = 2_000
"""Items of a set that are sorted, to be shown in the same order in every process."""
_LONGEST_INT = 4_000
"""Bits of an integer shown digit by digit; Python itself refuses a little later."""
_ENDLESS = 1 << 62


def visible(text: str) -> str:
    r"""`text` with control characters, except tab and newline, and lone surrogates as `\x1b`."""
    return _UNSEEN.sub(_escaped, text) if _UNSEEN.search(text) else text


def type_name(kind: type) -> str:
    """What a model reads as the type: the name in the program, also where `@model` adds to it."""
    return one_line(kind.__qualname__.rpartition(".")[2])


def one_line(text: str) -> str:
    r"""`text` without line ends: they become `\n`."""
    return _BREAKS.sub(_escaped, visible(text))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def cut(text: str, limit: int) -> tuple[str, bool]:
    """`text` in about `limit` characters, beginning and end kept, and whether that is all of it.

    What stands between says how much is missing.
    """
    if len(text) <= limit:
        return text, True
    note = f" … [{len(text):,} characters left out] … "
    room = limit - len(note)
    if room < 8:  # noqa: PLR2004  (too little to recognize anything by)
        return f"[{len(text):,} characters left out]", False
    head = (2 * room + 2) // 3
    tail = room - head
    missing = len(text) - head - tail
    return f"{text[:head]} … [{missing:,} characters left out] … {text[-tail:]}", False


def value_text(value: Any, limit: int | None = None) -> tuple[str, bool]:
    """`value` as a model reads it, and whether that is the whole of it. Never raises.

    Args:
        value: Anything. Texts are shown as they are, other values like their `repr`.
        limit: Characters, roughly; None for the whole value, however long.

    Returns:
        The text, with a note of what is missing where something is.
    """
    try:
        return _value_text(value, _ENDLESS if limit is None else limit)
    except Exception as fault:  # noqa: BLE001  (a value may lie about itself in any way)
        return f"<{type_name(type(value))} that raises {type(fault).__name__}>", False


def _value_text(value: Any, most: int) -> tuple[str, bool]:
    if isinstance(value, str):
        plain = str.__str__(value)
        if len(plain) <= most:
            return visible(plain), True
        text, _ = cut(plain, most)
        return visible(text), False
    writer = _Writer(most)
    writer.write(value, 0)
    whole = "".join(writer.parts)
    if writer.missing:
        return visible(f"{whole} … [{writer.missing} left out]"), False
    shown, complete = cut(whole, most)
    return visible(shown), complete and writer.complete


def literal(value: Any, limit: int) -> str | None:
    """A short constant as Python writes it, on one line; None if it is anything else."""
    kind = type(value)
    if kind is bool or value is None or kind is float:
        return repr(value)
    if kind is int:
        text = repr(value) if value.bit_length() < 4 * limit else ""
        return text if 0 < len(text) <= limit else None
    if kind is str and len(value) <= limit and not _UNSEEN.search(value):
        return repr(value)
    return None


class _Writer:
    """Writes a value piece by piece until the room is used up."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.parts: list[str] = []
        self.missing = ""
        self.complete = True
        self.whole = room == _ENDLESS
        """Is everything to be written, however long?"""
        self._open: set[int] = set()

    def _put(self, text: str) -> None:
        self.parts.append(text)
        self.room -= len(text)

    def write(self, value: Any, depth: int) -> None:
        """Append `value`."""
        for kinds, writes in _WAYS:
            if isinstance(value, kinds):
                self._nested(value, depth, writes)
                return
        if isinstance(value, str | bytes | bytearray):
            self._sequence_of_characters(value)
        else:
            self._put(self._leaf(value))

    def _sequence_of_characters(self, value: Any) -> None:
        plain = str.__str__(value) if isinstance(value, str) else bytes(value[: self.room + 64])
        size = len(value)
        if size <= max(self.room, 0):
            self._put(repr(plain))
            return
        keep = max(self.room, 8)
        self._put(repr(plain[:keep]))
        unit = "characters" if isinstance(value, str) else "bytes"
        self.missing = self.missing or f"{size - keep:,} {unit}"

    def _nested(self, value: Any, depth: int, writes: Callable[..., None]) -> None:
        if id(value) in self._open:
            self._put(f"<the {type_name(type(value))} itself>")
        elif depth >= (_DEEPEST_WHOLE if self.whole else _DEEPEST):
            self._put(f"<{type_name(type(value))}>")
            self.complete = False
        else:
            self._open.add(id(value))
            writes(self, value, depth)
            self._open.discard(id(value))

    def items(self, items: Iterable[Any], size: int, frame: tuple[str, str], depth: int) -> None:
        """Append items between the brackets of `frame`; pairs are written as `key: value`."""
        self._put(frame[0])
        for number, item in enumerate(items):
            if self.room <= 0 or self.missing:
                self.missing = self.missing or f"{size - number:,} of {size:,} items"
                return
            if number:
                self._put(", ")
            if isinstance(item, _Pair):
                self.write(item.key, depth + 1)
                self._put(": ")
                item = item.value  # noqa: PLW2901
            self.write(item, depth + 1)
        self._put(frame[1])

    def _leaf(self, value: Any) -> str:
        kind = type(value)
        if isinstance(value, int) and abs(value.bit_length()) > _LONGEST_INT:
            if self.whole:
                return hex(value)
            self.complete = False
            return f"<an integer of about {value.bit_length() * 3 // 10:,} digits>"
        plain: Any = object
        if kind.__repr__ is plain.__repr__ and kind.__str__ is plain.__str__:
            return f"<{type_name(kind)} object>"
        try:
            if kind.__module__ == "numpy":
                return self._array(value) if getattr(value, "ndim", False) else str(value)
            text = repr(value)
        except Exception as fault:  # noqa: BLE001  (anybody's __repr__ may be broken)
            self.complete = False
            return f"<{type_name(kind)} whose repr raises {type(fault).__name__}>"
        return _ADDRESS.sub("", text) if " at 0x" in text else text

    def _array(self, value: Any) -> str:
        """An array of numpy, told by its looks; numpy itself leaves items out of long ones."""
        if self.whole or 8 * value.size <= self.room:
            return f"array({value.tolist()!r}, dtype={value.dtype})"
        self.complete = False
        return f"{value!r} (shape {value.shape})"


class _Pair:
    """A key and its value, on their way into a text."""

    __slots__ = ("key", "value")

    def __init__(self, pair: tuple[Any, Any]) -> None:
        self.key, self.value = pair


def _head(value: Any, plain: type, bracket: str) -> str:
    return bracket if type(value) is plain else f"{type_name(type(value))}({bracket}"


def _tail(value: Any, plain: type, bracket: str) -> str:
    return bracket if type(value) is plain else f"{bracket})"


def _list(out: _Writer, value: list[Any], depth: int) -> None:
    frame = _head(value, list, "["), _tail(value, list, "]")
    out.items(list.__iter__(value), list.__len__(value), frame, depth)


def _tuple(out: _Writer, value: tuple[Any, ...], depth: int) -> None:
    size = tuple.__len__(value)
    end = ",)" if size == 1 else ")"
    frame = _head(value, tuple, "("), _tail(value, tuple, end)
    out.items(tuple.__iter__(value), size, frame, depth)


def _dict(out: _Writer, value: dict[Any, Any], depth: int) -> None:
    frame = _head(value, dict, "{"), _tail(value, dict, "}")
    out.items(map(_Pair, dict.items(value)), dict.__len__(value), frame, depth)


def _deque(out: _Writer, value: deque[Any], depth: int) -> None:
    out.items(deque.__iter__(value), deque.__len__(value), ("deque([", "])"), depth)


def _set(out: _Writer, value: set[Any] | frozenset[Any], depth: int) -> None:
    size = len(value)
    if not size or (size > _SORTABLE and not out.whole):
        out.complete = not size
        out._put(f"{type(value).__name__}()" if not size else f"<a set of {size:,} items>")
        return
    plain = type(value) is set
    texts = sorted(value_text(item, 200)[0] if not isinstance(item, str) else repr(item)
                   for item in value)  # fmt: skip
    out.items(
        map(_Text, texts),
        size,
        ("{", "}") if plain else (f"{type(value).__name__}({{", "})"),
        depth,
    )


class _Text:
    """A text that is its own repr."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


_WAYS: tuple[tuple[Any, Callable[..., None]], ...] = (
    (list, _list),
    (tuple, _tuple),
    (dict, _dict),
    ((set, frozenset), _set),
    (deque, _deque),
)
