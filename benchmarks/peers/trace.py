"""What tracing costs: ours and `trace-opt`, the same cases, in one session, side by side.

The cases are those of a measuring script that uses the public interface of both packages only and
runs every case in a child process with limits. Seconds are CPU seconds; microseconds are
wall clock, best of three loops, since the CPU clock of some kernels ticks only every 4 ms.

Lives here: running the script twice and comparing what it says.
Never here: the cases; opinions about the result.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.venvs import bare_environment, python_with

PEER = "trace-opt==0.1.3.8"
ROOT = Path(__file__).parents[2]
SCRIPT = ROOT.parent / "shared" / "tools" / "trace_bench.py"
_RESOLUTION_S = 0.004
"""Smaller CPU times than this are below the clock's resolution on some kernels."""
_COMPARED = {"cpu_us_per_op", "backward_cpu_s", "step_cpu_s", "build_cpu_s"}


def compare(script: Path, *, families: str, quick: bool, limit_s: float) -> dict[str, Any]:
    """Run `script` for both packages and put their figures beside each other.

    Args:
        script: The measuring script.
        families: Its `--only`: import, overhead, backward, step, leak, with commas.
        quick: Smaller sizes.
        limit_s: CPU seconds after which a case counts as failed.

    Raises:
        FileNotFoundError: The script is not there.
    """
    if not script.is_file():
        raise FileNotFoundError(f"{script} is not there; name it with --script.")
    options = ["--only", families, "--limit-s", str(limit_s), *(["--quick"] if quick else [])]
    ours = _run(sys.executable, script, options, {"PYTHONPATH": str(ROOT)})
    theirs = _run(python_with(PEER), script, options, {})
    return {
        "peer": PEER,
        "python": ours["python"],
        "load": os.getloadavg(),
        "rows": list(_rows(_flat(ours["results"]), _flat(theirs["results"]))),
    }


def _run(python: str, script: Path, options: list[str], extra: Mapping[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(  # noqa: S603
            [python, str(script), *options],
            cwd=empty,
            env=bare_environment() | dict(extra),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _flat(results: Mapping[str, Any]) -> dict[str, Any]:
    """Figure by `case/figure`; repeated imports become their median."""
    flat: dict[str, Any] = {}
    imports: dict[str, list[float]] = {}
    for case, found in results.items():
        family, _, rest = case.partition("/")
        if "failed" in found:
            flat[case] = found["failed"]
        elif family == "import":
            imports.setdefault(f"import/{rest.partition('/')[0]} cpu_s", []).append(found["cpu_s"])
        elif family == "overhead":
            for name, cell in found.items():
                if isinstance(cell, dict):
                    flat[f"{name} us"] = cell.get("wall_us_per_op", cell.get("error"))
        elif family == "leak":
            flat[f"{case} bytes/iteration"] = found["bytes_per_iteration_last_3_fifths"]
        else:
            flat |= {f"{case} {name}": found[name] for name in found if name in _COMPARED}
            flat[f"{case} peak_mb"] = found["peak_mb"]
    return flat | {name: statistics.median(times) for name, times in imports.items()}


def _rows(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a figure; `ratio`: how many times ours is cheaper, at least, given the clock."""
    for name in dict.fromkeys([*ours, *theirs]):
        mine, peer = _figure(ours, name), _figure(theirs, name)
        row: dict[str, Any] = {"case": name, "ours": mine, "peer": peer}
        if isinstance(mine, int | float) and isinstance(peer, int | float) and peer > 0:
            least = _RESOLUTION_S if name.endswith("_s") else mine
            if least:
                row["ratio"] = round(peer / max(mine, least), 1)
        yield row


def _figure(found: Mapping[str, Any], name: str) -> Any:
    """A figure, or why there is none: the case failed, or a smaller one did before it."""
    case = name.partition(" ")[0]
    return found.get(name, found.get(case, "not run: a smaller size failed, or no such case"))
