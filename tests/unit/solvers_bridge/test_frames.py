"""Messages between processes: what goes in comes out, and nobody waits longer than he said."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from solvers_bridge.backends.frames import (
    AskedToStopError,
    pack,
    read_frame_until,
    unpack,
    write_frame_until,
)


def test_facts_and_arrays_come_back_as_they_were() -> None:
    facts = {"words": "größer", "limit": float("inf"), "none": None}
    arrays = {
        "odd": np.array([1, 0, 1], dtype=np.int8),  # what follows is not aligned
        "reals": np.array([[0.1, -np.inf], [5e-324, -0.0]]),
        "whole": np.arange(3, dtype=np.int32),
        "flag": np.array(True),
        "nothing": np.zeros(0),
    }

    said, given = unpack(pack(facts, arrays))

    assert said == facts
    assert list(given) == list(arrays)
    for name, array in arrays.items():
        assert given[name].dtype == array.dtype
        assert given[name].shape == array.shape
        assert given[name].tobytes() == array.tobytes()


def test_objects_are_not_carried() -> None:
    with pytest.raises(ValueError, match="OBJECT"):
        unpack(pack({}, {"a": np.array([object()])}))


def read(reading: int, writing: int, stop: threading.Event) -> None:
    read_frame_until(reading, time.monotonic() + 60, stop=stop)


def write(reading: int, writing: int, stop: threading.Event) -> None:
    write_frame_until(writing, bytes(1 << 22), time.monotonic() + 60, stop=stop)


@pytest.mark.parametrize("wait", [read, write])
def test_a_wait_ends_when_its_event_is_set(
    wait: Callable[[int, int, threading.Event], None],
) -> None:
    reading, writing = os.pipe()
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    begun = time.monotonic()

    with pytest.raises(AskedToStopError):
        wait(reading, writing, stop)

    assert time.monotonic() - begun < 10
    os.close(reading)
    os.close(writing)
