"""How many calls a second a client makes: ours, bare HTTP, and the clients of peers.

All ask the same loopback server, which answers every request after a fixed time, from one process
each; the server is a process of its own. Rounds alternate between the clients, so that other work
on the machine disturbs all of them alike; the best round of each counts. A client whose package
is not ours runs in an environment of its own.

Lives here: starting the processes and comparing what they say.
Never here: the clients (`llm_clients`, `llm_peers`), the server (`llm_server`).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.venvs import bare_environment, python_with

ROOT = Path(__file__).parents[2]
PEERS = {"litellm": "litellm==1.103.7", "dspy": "dspy==3.3.1"}
OURS = ("httpx2", "opto", "openai_sdk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What each client is put to."""

    calls: int = 2000
    concurrency: int = 64
    latency_ms: float = 50.0


def compare(load: Load, *, rounds: int, clients: Sequence[str]) -> dict[str, Any]:
    """Calls per second of each client, beside the most the server allows."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in clients}
    with _server(load.latency_ms) as url:
        for _ in range(rounds):
            for name in clients:
                found[name].append(_run(name, url, load))
    rows = {name: _row(runs) for name, runs in found.items()}
    bare = rows.get("httpx2", {}).get("calls_per_s")
    for row in rows.values():
        if bare and "calls_per_s" in row:
            row["of_httpx2"] = round(row["calls_per_s"] / bare, 2)
    return {
        "calls": load.calls,
        "concurrency": load.concurrency,
        "latency_ms": load.latency_ms,
        "server_allows_per_s": round(load.concurrency / load.latency_ms * 1000),
        "rounds": rounds,
        "load": os.getloadavg(),
        "clients": rows,
    }


def _row(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The best round, and the middle one, which other work on the machine has had a part in."""
    good = [run for run in runs if "failed" not in run]
    if not good:
        return {"failed": runs[0]["failed"]}
    best = max(good, key=lambda run: float(run["calls_per_s"]))
    middle = statistics.median(float(run["calls_per_s"]) for run in good)
    return {**best, "median_calls_per_s": round(middle)}


def _run(name: str, url: str, load: Load) -> dict[str, Any]:
    """One round of one client in a process of its own."""
    if name in PEERS:
        python, script = python_with(PEERS[name]), "llm_peers"
        extra = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    else:
        python, script = sys.executable, "llm_clients"
        extra = {"OPTO_API_KEY": "none"}
    done = subprocess.run(  # noqa: S603
        [
            python,
            "-m",
            f"benchmarks.peers.{script}",
            name,
            url,
            str(load.calls),
            str(load.concurrency),
        ],
        env=bare_environment() | {"PYTHONPATH": str(ROOT)} | extra,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        return {"failed": done.stderr.strip()[-500:]}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


@contextmanager
def _server(latency_ms: float) -> Iterator[str]:
    """The address of a running server."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "benchmarks.peers.llm_server", str(latency_ms)],
        env=bare_environment() | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()
