"""Length-prefixed messages on a pipe, for solvers that live in a process of their own.

Lives here: writing and reading a frame, with a deadline (POSIX) or without; facts and arrays as
the bytes of one.
Never here: solvers, what facts mean, starting or stopping processes.

A frame is 8 bytes of length (big endian), then that many bytes. Packed facts and arrays are 8 bytes
of length, JSON of that length, and the arrays behind each other: a tenth of the time that npz takes
for a small model, and nothing in it is ever executed.
"""

from __future__ import annotations

import json
import math
import os
import select
import time
from collections.abc import Mapping
from threading import Event
from typing import IO, Any

import numpy as np
import numpy.typing as npt

_HEADER = 8
_CHUNK = 1 << 20
_LOOK_S = 0.05
"""How often somebody who waits looks whether to stop."""

Arrays = Mapping[str, npt.NDArray[Any]]


class AskedToStopError(Exception):
    """Somebody set the event that ends a wait."""


def pack(facts: Mapping[str, Any], arrays: Arrays) -> bytes:
    """`facts` (JSON, infinities allowed) and `arrays` (of numbers) as bytes."""
    shapes = [(name, part.dtype.str, part.shape) for name, part in arrays.items()]
    head = json.dumps({"facts": facts, "arrays": shapes}).encode()
    parts = [len(head).to_bytes(_HEADER, "big"), head]
    return b"".join([*parts, *(part.tobytes() for part in arrays.values())])


def unpack(payload: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """The facts and arrays of `pack`."""
    at = _HEADER + int.from_bytes(payload[:_HEADER], "big")
    head = json.loads(payload[_HEADER:at])
    arrays = {}
    for name, kind, shape in head["arrays"]:
        dtype = np.dtype(kind)
        count = math.prod(shape)
        part = np.frombuffer(payload, dtype, count, at)
        arrays[name] = part.reshape(shape).copy()  # aligned, and not tied to `payload`
        at += count * dtype.itemsize
    return head["facts"], arrays


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


def write_frame_until(
    descriptor: int, payload: bytes, deadline: float, *, stop: Event | None = None
) -> None:
    """Write one frame to a pipe whose other end may have stopped reading.

    Args:
        descriptor: Writing end of a pipe; becomes non-blocking.
        payload: The message.
        deadline: Value of `time.monotonic()` at which to give up.
        stop: Gives up soon after this is set.

    Raises:
        TimeoutError: The deadline passed first; part of the frame may be in the pipe.
        AskedToStopError: `stop` was set first; the same holds.
        BrokenPipeError: Nobody reads any more.
    """
    os.set_blocking(descriptor, False)
    rest = memoryview(len(payload).to_bytes(_HEADER, "big") + payload)
    while rest:
        _wait(deadline, stop, writing=[descriptor])
        rest = rest[os.write(descriptor, rest[:_CHUNK]) :]


def read_frame_until(
    descriptor: int, deadline: float, *, stop: Event | None = None
) -> bytes | None:
    """The next frame from an unbuffered descriptor.

    Args:
        descriptor: Reading end of a pipe that nothing else reads.
        deadline: Value of `time.monotonic()` at which to give up.
        stop: Gives up soon after this is set.

    Returns:
        The payload; None when the other end closed the pipe.

    Raises:
        TimeoutError: The deadline passed first.
        AskedToStopError: `stop` was set first.
    """
    header = _read_exactly(descriptor, _HEADER, deadline, stop)
    if header is None:
        return None
    return _read_exactly(descriptor, int.from_bytes(header, "big"), deadline, stop)


def _read_exactly(descriptor: int, size: int, deadline: float, stop: Event | None) -> bytes | None:
    parts: list[bytes] = []
    missing = size
    while missing:
        _wait(deadline, stop, reading=[descriptor])
        part = os.read(descriptor, min(missing, _CHUNK))
        if not part:
            return None
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _wait(
    deadline: float,
    stop: Event | None,
    *,
    reading: list[int] | None = None,
    writing: list[int] | None = None,
) -> None:
    """Return when a descriptor is ready; see `read_frame_until` for the rest."""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if stop is not None:
            if stop.is_set():
                raise AskedToStopError
            left = min(left, _LOOK_S)
        if any(select.select(reading or [], writing or [], [], left)):
            return
