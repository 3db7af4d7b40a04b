"""`python -m benchmarks.peers build`: measure, print JSON.

Lives here: the command line.
Never here: measuring.
"""

from __future__ import annotations

import argparse
import json

from benchmarks.peers.build import PATHS, compare, measure


def main() -> None:
    """Read the command line and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="time from data to a model inside HiGHS")
    build.add_argument("--variables", type=int, default=1_000_000)
    build.add_argument("--repeats", type=int, default=5)
    build.add_argument("--slow-variables", type=int, default=100_000, help="size for Pyomo")
    cell = commands.add_parser("cell", help="one measurement in this process")
    cell.add_argument("path", choices=tuple(PATHS))
    cell.add_argument("variables", type=int)
    asked = parser.parse_args()
    if asked.command == "cell":
        print(json.dumps(measure(asked.path, asked.variables)))
        return
    result = compare(asked.variables, repeats=asked.repeats, slow_variables=asked.slow_variables)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
