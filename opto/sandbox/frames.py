"""One message on a pipe: a mark, a length, that many bytes of JSON.

Lives here: the frame, used by both ends; blocking reads and writes for the end inside.
Never here: what a message means (`guest`, `talk`), waiting with a deadline (`talk`).

The mark is drawn anew for every run. It keeps a program that writes to whatever descriptor it
finds from being heard; it is no secret from a program that searches its own memory, and need not
be: what such a program can forge is its own result, which the host never believes anyway.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from opto.sandbox.plain import dumps, loads

MARK = 16
HEAD = MARK + 4
ROOM = 1 << 16
"""What a message may always be, so that a failure can be told under the tightest limit."""
FIRST = bytes(MARK)
"""Mark of the first message, which brings the one to use from then on."""


def frame(mark: bytes, document: Any) -> bytes:
    """`document` as bytes to send."""
    body = dumps(document)
    return mark + len(body).to_bytes(4, "big") + body


def size_of(head: bytes | bytearray, mark: bytes) -> int | None:
    """Length of the body that follows `head`; None when the mark is wrong."""
    return int.from_bytes(head[MARK:HEAD], "big") if head[:MARK] == mark else None


class Pipe:
    """The end inside. Keeps the functions it needs, since the code may replace them."""

    __slots__ = ("_inlet", "_mark", "_outlet", "_read", "_write")

    def __init__(self, inlet: int, outlet: int) -> None:
        self._inlet, self._outlet, self._mark = inlet, outlet, FIRST
        self._read: Callable[[int, int], bytes] = os.read
        self._write: Callable[[int, Any], int] = os.write

    def mark(self, mark: bytes) -> None:
        """Use `mark` from now on, both ways."""
        self._mark = mark

    def receive(self) -> Any:
        """The next message; None when the other end is gone."""
        head = self._exactly(HEAD)
        size = None if head is None else size_of(head, self._mark)
        body = None if size is None else self._exactly(size)
        return None if body is None else loads(body)

    def send(self, document: Any, *, most: int | None = None) -> bool:
        """Send all of it; False, and nothing sent, when it is larger than `most` bytes."""
        message = frame(self._mark, document)
        if most is not None and len(message) > most + HEAD:
            return False
        view = memoryview(message)
        while view:
            view = view[self._write(self._outlet, view) :]
        return True

    def _exactly(self, size: int) -> bytes | None:
        parts = []
        while size:
            part = self._read(self._inlet, min(size, 1 << 20))
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
