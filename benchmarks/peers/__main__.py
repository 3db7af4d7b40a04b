"""`python -m benchmarks.peers build | trace | llm | optimizers`: measure, print JSON.

Lives here: the command line.
Never here: measuring.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.peers import build, llm, optimizers, trace


def main() -> None:
    """Read the command line and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="time from data to a model inside HiGHS")
    building.add_argument("--variables", type=int, default=1_000_000)
    building.add_argument("--repeats", type=int, default=5)
    building.add_argument("--slow-variables", type=int, default=100_000, help="size for Pyomo")
    cell = commands.add_parser("cell", help="one measurement in this process")
    cell.add_argument("path", choices=tuple(build.PATHS))
    cell.add_argument("variables", type=int)
    tracing = commands.add_parser("trace", help="what tracing costs, beside trace-opt")
    tracing.add_argument("--script", type=Path, default=trace.SCRIPT, help="the measuring script")
    tracing.add_argument("--only", default="import,overhead,backward,step,leak")
    tracing.add_argument("--quick", action="store_true", help="smaller sizes")
    tracing.add_argument("--limit-s", type=float, default=120, help="CPU seconds a case may take")
    calling = commands.add_parser("llm", help="calls per second, beside bare HTTP and peers")
    calling.add_argument("--calls", type=int, default=2000)
    calling.add_argument("--concurrency", type=int, default=64)
    calling.add_argument("--latency-ms", type=float, default=50.0)
    calling.add_argument("--rounds", type=int, default=3)
    calling.add_argument("--only", default=",".join([*llm.OURS, *llm.PEERS]))
    searching = commands.add_parser("optimizers", help="search algorithms under one fake model")
    optimizers.add_arguments(searching)
    asked = parser.parse_args()
    one_line = asked.command == "cell"  # read back by the process that asked for it
    print(json.dumps(_answer(asked), indent=None if one_line else 2))


def _answer(asked: argparse.Namespace) -> object:
    if asked.command == "cell":
        return build.measure(asked.path, asked.variables)
    if asked.command == "optimizers":
        return optimizers.answer(asked)
    if asked.command == "build":
        return build.compare(
            asked.variables, repeats=asked.repeats, slow_variables=asked.slow_variables
        )
    if asked.command == "llm":
        load = llm.Load(
            calls=asked.calls, concurrency=asked.concurrency, latency_ms=asked.latency_ms
        )
        return llm.compare(load, rounds=asked.rounds, clients=asked.only.split(","))
    return trace.compare(
        asked.script, families=asked.only, quick=asked.quick, limit_s=asked.limit_s
    )


if __name__ == "__main__":
    main()
