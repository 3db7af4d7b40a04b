"""`python -m benchmarks.conformance nl4opt --data FILE [--json]`.

Lives here: arguments, printing, the exit code (1 when a known answer is missed).
Never here: models, comparisons.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.conformance import nl4opt


def main(argv: list[str] | None = None) -> int:
    """Run one set; the summary goes to stdout as one line of JSON, misses follow."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conformance")
    parser.add_argument("set", choices=["nl4opt"])
    parser.add_argument("--data", type=Path, required=True, help="JSON lines with the forms")
    parser.add_argument("--json", action="store_true", help="misses as JSON lines as well")
    parser.add_argument("--no-second", action="store_true", help="ask only one solver")
    parser.add_argument("--limit", type=int, default=None, help="only the first N forms")
    options = parser.parse_args(argv)
    report = nl4opt.run(options.data, second=not options.no_second, limit=options.limit)
    print(json.dumps(report.summary()))
    for miss in report.misses():
        if options.json:
            print(json.dumps(asdict(miss)))
        else:
            print(f"{miss.id} {miss.variant}: expected {miss.expected}, got {miss.got}. {miss.why}")
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
