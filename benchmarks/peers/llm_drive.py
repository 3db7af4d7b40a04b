"""The loop that every client of the comparison runs in, whatever environment it is in.

Lives here: keeping so many calls under way, and the figures. Standard library only.
Never here: clients.
"""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

QUESTION = {"role": "user", "content": "How many roads must a man walk down?"}
TOKENS = 100
_WARM = 16
"""Calls made before the clock starts."""


async def drive(call: Callable[[], Awaitable[str]], calls: int, concurrency: int) -> dict[str, Any]:
    """Make `calls` calls, `concurrency` at a time; every answer is checked."""
    await asyncio.gather(*(call() for _ in range(_WARM)))
    left = iter(range(calls))
    times_s: list[float] = []

    async def worker() -> None:
        for _ in left:
            began = time.perf_counter()
            text = await call()
            times_s.append(time.perf_counter() - began)
            if text != "forty-two":
                raise ValueError(text)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    times_s.sort()
    return {
        "calls_per_s": round(calls / wall_s),
        "cpu_ms_per_call": round(cpu_s / calls * 1000, 3),
        "p50_ms": round(times_s[len(times_s) // 2] * 1000, 1),
        "p99_ms": round(times_s[len(times_s) * 99 // 100] * 1000, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }


def report(figures: dict[str, Any]) -> None:
    """Print them as one line of JSON."""
    print(json.dumps(figures))
