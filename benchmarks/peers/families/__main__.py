"""One row of one family in a process of its own: prints one JSON object a seed.

`python -m benchmarks.peers.families FAMILY ROW LOW-HIGH BUDGET TESTBED FAULTS`, FAULTS 0 or 1.

Lives here: making worlds by name, the process of one row.
Never here: which rows there are (`rows`), means.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.peers.families import rows
from benchmarks.peers.families.components import Components
from benchmarks.peers.families.meter import Faults, Meter
from benchmarks.peers.families.numeric import Numeric
from benchmarks.peers.families.pool import Demos, Points
from benchmarks.peers.families.testbed import load
from benchmarks.peers.families.tours import Tours
from benchmarks.peers.families.world import World


def world_of(family: str, seed: int, testbed: Path) -> World:
    """The task of a family and a seed."""
    if family.startswith("tsp"):
        return Tours(int(family.removeprefix("tsp")), seed)
    if family.startswith("E"):
        return Components(load(testbed), seed, exact=family == "E2")
    makers: dict[str, Any] = {
        "C1": lambda: Numeric("sphere", seed),
        "C2": lambda: Numeric("rosenbrock", seed),
        "D1": lambda: Points(seed),
        "D2": lambda: Demos(seed),
    }
    world: World = makers[family]()
    return world


def measure(meter: Meter, row: str, family: str, *, workers: int = 1) -> dict[str, Any]:
    """Run one row on the meter's task; its figures."""
    start = time.process_time()
    if row in rows.THEIRS:
        from benchmarks.peers.families import rivals  # noqa: PLC0415  (a peer's environment)

        rivals.run(meter, row)
    else:
        from benchmarks.peers.families import ours  # noqa: PLC0415  (needs opto, peers do not)

        ours.run(meter, row, workers=workers)
    head = {"algo": row, "family": family, "seed": meter.seed, "budget": meter.budget}
    return {**head, **meter.row(), "cpu_s": round(time.process_time() - start, 2)}


def main() -> None:
    """All seeds of one row."""
    family, row, seeds, budget, testbed, faults = sys.argv[1:7]
    low, _, high = seeds.partition("-")
    broken = Faults(llm=0.05, evaluator=0.02) if faults == "1" else Faults()
    for seed in range(int(low), int(high or low) + 1):
        try:
            found = _one(family, row, seed, int(budget), Path(testbed), broken)
        except Exception as error:  # noqa: BLE001  (a peer's fault costs this seed, not the others)
            found = {"algo": row, "seed": seed, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(found), flush=True)


def _one(
    family: str, row: str, seed: int, budget: int, testbed: Path, faults: Faults
) -> dict[str, Any]:
    if family == "F":
        from benchmarks.peers.families import meta  # noqa: PLC0415  (needs opto)

        return meta.measure(load(testbed), row, seed, budget)
    return measure(Meter(world_of(family, seed, testbed), seed, budget, faults), row, family)


if __name__ == "__main__":
    main()
