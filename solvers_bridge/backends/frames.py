"""Length-prefixed messages on a pipe, for solvers that live in a process of their own.

Lives here: writing and reading a frame, with a deadline (POSIX) or without.
Never here: what is in a frame, solvers, starting or stopping processes.

A frame is 8 bytes of length (big endian), then that many bytes.
"""

from __future__ import annotations

import os
import select
import time
from typing import IO

_HEADER = 8
_CHUNK = 1 << 20


def write_frame(stream: IO[bytes], payload: bytes | memoryview) -> None:
    """Write one frame and flush it."""
    stream.write(len(payload).to_bytes(_HEADER, "big"))
    stream.write(payload)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next frame, waiting for it; None at the end of the stream or in a torn frame."""
    header = stream.read(_HEADER)
    if len(header) < _HEADER:
        return None
    size = int.from_bytes(header, "big")
    payload = stream.read(size)
    return payload if len(payload) == size else None


def write_frame_until(descriptor: int, payload: bytes, deadline: float) -> None:
    """Write one frame to a pipe whose other end may have stopped reading.

    Args:
        descriptor: Writing end of a pipe; becomes non-blocking.
        payload: The message.
        deadline: Value of `time.monotonic()` at which to give up.

    Raises:
        TimeoutError: The deadline passed first; part of the frame may be in the pipe.
        BrokenPipeError: Nobody reads any more.
    """
    os.set_blocking(descriptor, False)
    rest = memoryview(len(payload).to_bytes(_HEADER, "big") + payload)
    while rest:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([], [descriptor], [], left)[1]:
            raise TimeoutError
        rest = rest[os.write(descriptor, rest[:_CHUNK]) :]


def read_frame_until(descriptor: int, deadline: float) -> bytes | None:
    """The next frame from an unbuffered descriptor.

    Args:
        descriptor: Reading end of a pipe that nothing else reads.
        deadline: Value of `time.monotonic()` at which to give up.

    Returns:
        The payload; None when the other end closed the pipe.

    Raises:
        TimeoutError: The deadline passed first.
    """
    header = _read_exactly(descriptor, _HEADER, deadline)
    if header is None:
        return None
    return _read_exactly(descriptor, int.from_bytes(header, "big"), deadline)


def _read_exactly(descriptor: int, size: int, deadline: float) -> bytes | None:
    parts: list[bytes] = []
    missing = size
    while missing:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise TimeoutError
        part = os.read(descriptor, min(missing, _CHUNK))
        if not part:
            return None
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
