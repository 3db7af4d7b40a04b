"""What the evaluation runner adds to its model calls, and what a kill costs it.

    python -m benchmarks.throughput speed --problems 1000 --delay 0.05 --workers 64
    python -m benchmarks.throughput kill --problems 200 --faults 0.1
    python -m benchmarks.throughput memory --problems 5000

The model is a server on loopback that is a process of its own (`benchmarks.loopback`). `speed`
also makes the same calls with no problem around them, in the same process and session: the pure
call limit. `kill` runs once unbroken and once killed (SIGKILL) again and again, and compares the
reports and what the server was asked. `memory` looks at the resident size along the way.

Lives here: these measurements, as JSON on stdout.
Never here: timed assertions; tests measure nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.items import ItemResult
from benchmarks.loopback import workshop_items
from benchmarks.running.run import BenchRun, results_of, run_bench
from benchmarks.running.spec import BenchSpec
from opto.llm.open import open_model
from opto.llm.types import Request
from opto.settings import load_settings
from traces.errors import StoreError
from traces.read import events, runs
from traces.store.sqlite import Store

RUN = "measured"


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("what", choices=("speed", "kill", "memory", "child"))
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds a call takes")
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that fail")
    parser.add_argument("--pipeline", default="standard")
    parser.add_argument("--store", type=Path, help="of a child")
    parser.add_argument("--url", help="of a child")
    arguments = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none")
    if arguments.what == "child":
        _run(arguments, arguments.url, arguments.store)
        return
    measure = {"speed": _speed, "kill": _kill, "memory": _memory}[arguments.what]
    with TemporaryDirectory() as folder:
        print(json.dumps(measure(arguments, Path(folder)), indent=2))


@contextmanager
def _server(arguments: argparse.Namespace, log: Path) -> Iterator[str]:
    """The URL of a model server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.loopback", "--delay", str(arguments.delay)]
    command += ["--faults", str(arguments.faults), "--log", str(log)]
    with subprocess.Popen(  # noqa: S603  (ourselves)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None  # noqa: S101  (for the type checker)
        assert server.stdout is not None  # noqa: S101
        yield server.stdout.readline().strip()
        server.stdin.close()


def _run(arguments: argparse.Namespace, url: str, file: Path, **watch: Any) -> None:
    items = workshop_items(arguments.problems)
    spec = BenchSpec(set="workshop", model=f"openai:loopback@{url}", pipeline=arguments.pipeline)
    with Store(file) as store:
        settings = load_settings(model=spec.model)
        how = BenchRun(store=store, run=RUN, settings=settings, workers=arguments.workers, **watch)
        run_bench(spec, items, how)


def _speed(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    with _server(arguments, folder / "log") as url:
        began, cpu = time.perf_counter(), time.process_time()
        _run(arguments, url, folder / "runs.db")
        wall, used = time.perf_counter() - began, time.process_time() - cpu
        with Store(folder / "runs.db", read_only=True) as store:
            requests = [
                Request.from_json(event.data["request"])  # type: ignore[arg-type]
                for event in events(store, RUN, kind="llm.call")
            ]
            right = sum(record.main for record in results_of(store, RUN))
        limit, calls_cpu = _bare_calls(requests, url, arguments.workers)
    n = arguments.problems
    return {
        "problems": n,
        "right": right,
        "calls": len(requests),
        "workers": arguments.workers,
        "seconds": round(wall, 2),
        "problems_per_s": round(n / wall, 1),
        "latency_limit_s": round(len(requests) * arguments.delay / arguments.workers, 2),
        "call_limit_s": round(limit, 2),
        "times_call_limit": round(wall / limit, 2),
        "cpu_ms_per_problem": round(1e3 * used / n, 2),
        "of_which_calls_ms": round(1e3 * calls_cpu / n, 2),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }


def _bare_calls(requests: list[Request], url: str, workers: int) -> tuple[float, float]:
    """Wall and CPU seconds of the same calls through the same client, and nothing else."""

    async def all_calls() -> None:
        places = asyncio.Semaphore(workers)

        async def one(request: Request) -> None:
            async with places:
                await lm.acomplete(request)

        await asyncio.gather(*map(one, requests))

    with open_model(f"openai:loopback@{url}") as lm:
        lm.complete(requests[0])  # connections and imports
        began, cpu = time.perf_counter(), time.process_time()
        asyncio.run(all_calls())
        return time.perf_counter() - began, time.process_time() - cpu


def _kill(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """An unbroken run beside one that is killed until it is through."""
    logs = [folder / "whole.log", folder / "killed.log"]
    with _server(arguments, logs[0]) as url:
        _child(arguments, url, folder / "whole.db").wait()
    with _server(arguments, logs[1]) as url:
        kills = _killed(arguments, url, folder / "killed.db")
    asked = [Counter(log.read_text(encoding="utf-8").splitlines()) for log in logs]
    whole, killed = (_records(folder / name) for name in ("whole.db", "killed.db"))
    return {
        "problems": arguments.problems,
        "kills": kills,
        "same_report": whole == killed,
        "right": sum(record["main"] for record in killed),
        "calls_unbroken": asked[0].total(),
        "calls_killed": asked[1].total(),
        "recorded_answers_asked_for_again": _asked_again(folder / "killed.db"),
        "answers_lost_in_flight": sum(n - 1 for n in asked[1].values() if n > 1),
        "in_flight_at_most": kills * arguments.workers,
    }


def _asked_again(file: Path) -> int:
    """Calls whose answer was in the log already."""
    with Store(file, read_only=True) as store:
        keys = Counter(str(event.data["key"]) for event in events(store, RUN, kind="llm.call"))
    return sum(n - 1 for n in keys.values())


def _killed(arguments: argparse.Namespace, url: str, file: Path) -> int:
    """Run to the end, killed every few events; how often."""
    draw, kills = random.Random(0), 0  # noqa: S311  (when to kill)
    while True:
        child, until = _child(arguments, url, file), _events_in(file) + draw.randint(5, 100)
        while child.poll() is None and _events_in(file) < until:
            time.sleep(0.01)
        if child.poll() is not None:
            return kills
        child.send_signal(signal.SIGKILL)
        child.wait()
        kills += 1


def _events_in(file: Path) -> int:
    try:
        with Store(file, read_only=True) as store:
            return sum(info.events for info in runs(store))
    except StoreError:  # nothing there yet
        return 0


def _child(arguments: argparse.Namespace, url: str, store: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.throughput", "child", "--url", url]
    command += ["--store", str(store), "--problems", str(arguments.problems)]
    command += ["--workers", str(arguments.workers), "--pipeline", arguments.pipeline]
    return subprocess.Popen(command, text=True, stderr=subprocess.DEVNULL)  # noqa: S603


def _records(file: Path) -> list[dict[str, Any]]:
    """What a report is made of, times aside, by problem."""
    with Store(file, read_only=True) as store:
        found = [record.to_json() | {"seconds": 0} for record in results_of(store, RUN)]
    return sorted(found, key=lambda record: (record["id"], record["sample"]))


def _memory(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Resident megabytes after each tenth of the problems."""
    sizes: list[float] = []
    every = max(arguments.problems // 10, 1)
    done = 0

    def watch(result: ItemResult) -> None:  # noqa: ARG001  (its place in time counts)
        nonlocal done
        done += 1
        if done % every == 0:
            sizes.append(_resident_mb())

    with _server(arguments, folder / "log") as url:
        began = time.perf_counter()
        _run(arguments, url, folder / "runs.db", watch=watch)
        seconds = time.perf_counter() - began
    return {
        "problems": arguments.problems,
        "resident_mb": sizes,
        "growth_after_first_tenth_mb": round(sizes[-1] - sizes[0], 1),
        "log_mb": round((folder / "runs.db").stat().st_size / 1e6, 1),
        "seconds": round(seconds, 1),
    }


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


if __name__ == "__main__":
    main()
