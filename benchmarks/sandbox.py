"""What the sandbox costs and what it stops, as JSON: `python -m benchmarks.sandbox`.

Lives here: start-up, latency of a run with numpy and highspy ready, overshoot of the time limit,
recovery after a crash, and the score of the attacks where their file is present.
Never here: the attacks and their oracles (`sandbox_attacks`), thresholds: tests have those.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.sandbox_attacks import Meter, checkable, corpus, score
from opto.sandbox import DiedError, Limits, Sandbox, SandboxUnavailable, TimeLimitError

READY = ("numpy", "highspy")
_SMALL = "def f(x):\n    return x + 1"
_MIP = """
import highspy
import numpy as np

def f(n):
    weights = np.arange(1, n + 1)
    highs = highspy.Highs()
    highs.setOptionValue('output_flag', False)
    take = [highs.addBinary() for _ in range(n)]
    highs.addConstr(sum(int(w) * t for w, t in zip(weights, take)) <= 3 * n)
    highs.maximize(sum((w % 7 + 1) * t for w, t in zip(weights.tolist(), take)))
    return highs.getObjectiveValue()
"""
_LOOPS = (
    "while True: pass",
    "sum(range(10**12))",
    "import time; time.sleep(10**6)",
    "import re; re.match(r'(a|aa)+$', 'a' * 64 + 'b')",
    "9 ** 9 ** 9",
    "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "import signal\nfor s in range(1, 32):\n  try: signal.signal(s, 1)\n  except OSError: pass\n"
    "while True: pass",
    "x = [bytearray(1 << 20) for _ in range(1500)]\nwhile True: pass",
)


def measure(level: str, *, runs: int) -> dict[str, Any]:
    """All figures of one level; `unavailable` where it cannot be had."""
    begun = time.monotonic()
    with Sandbox(workers=2, level=level, preload=READY) as sandbox:
        try:
            held = sandbox.level
        except SandboxUnavailable as missing:
            return {"level": level, "unavailable": str(missing)}
        started = time.monotonic() - begun
        report = {
            "level": held,
            "start_ms_with_self_test": _ms(started),
            "call_idle": _latency(lambda: sandbox.call(_SMALL, "f", [1]), runs, pause_s=0.02),
            "call_back_to_back": _latency(lambda: sandbox.call(_SMALL, "f", [1]), runs),
            "mip_idle": _latency(lambda: sandbox.call(_MIP, "f", [10]), runs, pause_s=0.02),
            "calls_per_s_8_threads": _throughput(sandbox, runs),
            "time_limit_overshoot_ms_max": _overshoot(sandbox),
            "next_run_after_crash_ms": _after(sandbox, _crash),
            "next_run_after_dead_workers_ms": _after(sandbox, _kill_workers),
        }
        return report | _attacks(sandbox)


def _latency(run: Callable[[], Any], runs: int, *, pause_s: float = 0.0) -> dict[str, float]:
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begun)
        time.sleep(pause_s)
    taken.sort()
    middle, late = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    return {"p50_ms": _ms(middle), "p95_ms": _ms(late), "max_ms": _ms(taken[-1])}


def _throughput(sandbox: Sandbox, runs: int) -> float:
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: sandbox.call(_SMALL, "f", [n]), range(runs)))
    return round(runs / (time.perf_counter() - begun), 1)


def _overshoot(sandbox: Sandbox) -> float:
    worst = 0.0
    for loop in _LOOPS:
        limits = Limits(wall_s=4.0 if "bytearray" in loop else 0.5)
        begun = time.monotonic()
        try:
            sandbox.run(loop, limits=limits)
        except TimeLimitError:
            worst = max(worst, time.monotonic() - begun - limits.wall_s)
    return _ms(worst)


def _after(sandbox: Sandbox, disaster: Callable[[Sandbox], None]) -> float:
    disaster(sandbox)
    begun = time.monotonic()
    sandbox.call(_SMALL, "f", [1])
    return _ms(time.monotonic() - begun)


def _crash(sandbox: Sandbox) -> None:
    try:
        sandbox.run("import ctypes\nctypes.string_at(0)")
    except DiedError:
        return


def _kill_workers(_: Sandbox) -> None:
    time.sleep(0.1)  # until the next children wait, so that none is made meanwhile
    for pid in Meter(ignore=0).before:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    time.sleep(0.1)


def _attacks(sandbox: Sandbox) -> dict[str, Any]:
    attacks = corpus()
    if attacks is None:
        return {"attacks": "the file of attacks is not on this machine"}
    outcomes = list(score(sandbox, attacks))
    through = [achieved for _, achieved in outcomes if achieved]
    return {
        "attacks_stopped": len(outcomes) - len(through),
        "attacks_total": len(checkable(attacks)),
        "attacks_through": through,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def main() -> None:
    """Print one JSON object per run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="runs per latency figure")
    parser.add_argument("--levels", default="strong,kernel", help="comma-separated")
    chosen = parser.parse_args()
    load = Path("/proc/loadavg")
    report = {
        "python": sys.version.split()[0],
        "kernel": os.uname().release,
        "processors": os.cpu_count(),
        "load_1_min": float(load.read_text(encoding="ascii").split()[0]) if load.exists() else None,
        "levels": [measure(level, runs=chosen.runs) for level in chosen.levels.split(",")],
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
