"""All rows of some families, each in the environment it needs; means with standard errors.

Lives here: running the processes, the table.
Never here: what a row does.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.families import rows
from benchmarks.peers.venvs import bare_environment, python_with

ROOT = Path(__file__).parents[3]
_SHOWN = (
    *("n", "r250", "r500", "r1000", "r_end", "L50", "L100", "c20", "gap_pct", "sel_gap"),
    *("optimism", "first", "ideal", "helping", "hurting", "llm_calls", "metric_calls", "n_cands"),
    *("overshoot", "crashes", "cpu_s"),
)


@dataclass(frozen=True, slots=True)
class Families:
    """What to run."""

    families: tuple[str, ...]
    only: tuple[str, ...]
    """Names of rows; empty is all."""
    seeds: str
    """`LOW-HIGH`, both included."""
    budget: int | None
    """Metric calls; None is each family's own."""
    testbed: Path
    pythons: Mapping[str, str]
    """Package to an interpreter that has it already."""
    faults: bool = False


def compare(plan: Families) -> list[dict[str, Any]]:
    """Run every row on every family, the best regret first.

    Raises:
        FileNotFoundError: The test-bed, which the families E and F need, is not there.
    """
    if any(name[0] in "EF" for name in plan.families) and not plan.testbed.is_file():
        raise FileNotFoundError(f"{plan.testbed} is not there; name it with --script.")
    table: list[dict[str, Any]] = []
    for family in plan.families:
        found = []
        for row, python in _rows(plan, family):
            budget = plan.budget or rows.budget(family)
            one = {"family": family, "row": row, "ours": row not in rows.THEIRS, "budget": budget}
            found.append({**one, **_run(plan, row, python, family)})
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
        found.sort(key=lambda row: row.get("r_end", [math.inf])[0])
        print(f"\n{family}: {rows.TITLES[family]}\n{markdown(found)}\n", file=sys.stderr)
        table += found
    return table


def _rows(plan: Families, family: str) -> Iterator[tuple[str, str]]:
    """Rows and their interpreters."""
    for row in (*rows.of(rows.OURS, family), *rows.of(rows.PEERS, family)):
        if plan.only and row not in plan.only:
            continue
        package = row.partition("_")[0]
        if row in rows.THEIRS and package in rows.NEEDS:
            yield row, plan.pythons.get(package) or python_with(*rows.NEEDS[package])
        else:
            yield row, sys.executable


def _run(plan: Families, row: str, python: str, family: str) -> dict[str, Any]:
    """Figures of one row over the seeds that ended; with `error` if one did not.

    A peer that breaks on one seed does not end a comparison of hours.
    """
    budget = str(plan.budget or rows.budget(family))
    what = [family, row, plan.seeds, budget, str(plan.testbed), str(int(plan.faults))]
    done = subprocess.run(  # noqa: S603
        [python, "-m", "benchmarks.peers.families", *what],
        env=bare_environment() | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"algo"')]
    found = [item for item in said if "error" not in item]
    errors = [f"seed {item['seed']}: {item['error']}" for item in said if "error" in item]
    if done.returncode:
        errors.append((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
    return summary(found) | ({"error": "; ".join(errors)} if errors else {})


def summary(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`n`, and for each figure `[mean, standard error]`; figures that are missing are left out."""
    axes: dict[str, Any] = {"n": len(found)}
    names = [
        name
        for name in (found[0] if found else {})
        if name not in {"algo", "family", "seed", "budget"}
    ]
    for name in names:
        values = [item[name] for item in found if isinstance(item.get(name), int | float)]
        if values:
            error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
            axes[name] = [round(statistics.mean(values), 4), round(error, 4)]
    return axes


def markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """A table; peers are in italics, `opto` is bold."""
    axes = [axis for axis in (*_SHOWN, "error") if any(axis in row for row in found)]
    lines = [f"| row | {' | '.join(axes)} |", "|---" * (len(axes) + 1) + "|"]
    for row in found:
        mark = "**" if row["row"] == "opto" else "" if row["ours"] else "*"
        cells = (_cell(row.get(axis)) for axis in axes)
        lines.append(f"| {mark}{row['row']}{mark} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, int | str):
        return str(value).replace("|", "/")
    mean, error = value
    if abs(mean) >= 50:  # noqa: PLR2004  (counts need no places)
        return f"{mean:.0f}"
    return f"{mean:.3f} ± {error:.3f}".replace("0.", ".")
