"""Search algorithms under one fake model: ours and the peers that pip can install.

Everybody runs on the same test-bed: the same tasks, the same measurements for the same question,
the same fake model that reads the prompt each framework really writes. Each peer has a virtual
environment of its own. Nothing calls a model or the network once the peers are installed.

Lives here: which rows there are, running them, means with standard errors on every axis.
Never here: the test-bed, our adapters to it (`benchmarks.peers.bed`), opinions.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import bed
from benchmarks.peers.families import compare as other
from benchmarks.peers.families import rows as others
from benchmarks.peers.venvs import bare_environment, python_with

ROOT = Path(__file__).parents[2]
BED = ROOT.parent / "shared" / "tools" / "optimizer_testbed.py"
PEERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "gepa": (
        ("gepa==0.1.4", "numpy"),
        (
            *("gepa_v100", "gepa_v100_mb10", "gepa_v20", "gepa_v20_eq", "gepa_v20_best"),
            *("gepa_v20_mb10_best", "ref_opro", "ref_revert", "ref_ucb_race"),
        ),
    ),
    "dspy": (("dspy==3.4.1", "optuna==5.0.0", "numpy"), ("mipro_v2",)),
    "openevolve": (("openevolve==0.4.0", "numpy"), ("openevolve",)),
}
"""Package to its requirements and the rows of the test-bed that need it (`ref_*` need nothing).

`trace-opt` on the index has no priority search; with OPENTRACE_SRC naming a checkout that has, and
`--python trace-opt=PATH` an interpreter with its dependencies, its rows run as well.
"""
TRACE_ROWS = ("ps_mean", "ps_ucb", "polca_mean", "polca_ucb")
FAMILIES = {"A1": ("bernoulli", 0.5), "A2": ("exact", 0.5), "A3": ("bernoulli", 0.0)}
"""Family to noise of the scores and probability that a hint is right."""
AXES = (
    *("r250", "r500", "r1000", "r2000", "r_end", "L50", "L100", "L200", "c5", "c20", "sel_gap"),
    *("optimism", "llm_calls", "metric_calls", "overshoot", "n_cands", "rounds", "cpu_s"),
)
GRID_OURS = ("product",)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    families: tuple[str, ...]
    rows: tuple[str, ...]
    """Names of rows; empty is all."""
    seeds: str
    """`LOW-HIGH`, both included."""
    budget: int
    testbed: Path
    pythons: Mapping[str, str]
    """Package to an interpreter that has it already."""


def compare(plan: Plan) -> dict[str, Any]:
    """Run every row on every family.

    Raises:
        FileNotFoundError: The test-bed is not there.
    """
    if not plan.testbed.is_file():
        raise FileNotFoundError(f"{plan.testbed} is not there; name it with --script.")
    table: list[dict[str, Any]] = []
    for family in plan.families:
        for row, python in _rows(plan):
            found = list(_run(plan, row, python, family))
            table.append({"family": family, "row": row, "ours": python is None, **summary(found)})
            print(json.dumps(table[-1]), file=sys.stderr, flush=True)
    return {"budget": plan.budget, "seeds": plan.seeds, "load": os.getloadavg(), "table": table}


def _rows(plan: Plan) -> Iterator[tuple[str, str | None]]:
    """Row and the interpreter of its peer; None for ours."""
    for row in bed.OURS:
        if not plan.rows or row in plan.rows:
            yield row, None
    for package, (requirements, rows) in PEERS.items():
        chosen = [row for row in rows if not plan.rows or row in plan.rows]
        if chosen:
            python = plan.pythons.get(package) or python_with(*requirements)
            yield from ((row, python) for row in chosen)
    if "trace-opt" in plan.pythons:
        chosen = [row for row in TRACE_ROWS if not plan.rows or row in plan.rows]
        yield from ((row, plan.pythons["trace-opt"]) for row in chosen)


def _run(plan: Plan, row: str, python: str | None, family: str) -> Iterator[dict[str, Any]]:
    noise, q = FAMILIES[family]
    what = [row, plan.seeds, str(plan.budget), noise, str(q)]
    script = [sys.executable, str(Path(bed.__file__)), str(plan.testbed)]
    command = script if python is None else [python, str(plan.testbed), "one"]
    ours = {"PYTHONPATH": str(ROOT)} if python is None else {}
    done = subprocess.run(  # noqa: S603
        [*command, *what],
        env=bare_environment() | {"PYTHONHASHSEED": "0", **ours},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"algo"')]
    if done.returncode or not found:
        raise RuntimeError(f"{row} on {family}: {done.stderr[-2000:]}")
    for item in found:
        yield {**item, "overshoot": max(0, item["metric_calls"] - plan.budget)}


def summary(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`n`, and for each axis there is, `[mean, standard error]`."""
    axes: dict[str, Any] = {"n": len(found)}
    for axis in AXES:
        values = [item[axis] for item in found if item.get(axis) is not None]
        if values:
            axes[axis] = mean_se(values)
    return axes


def mean_se(values: Sequence[float]) -> list[float]:
    """Mean and its standard error, to four places."""
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return [round(statistics.mean(values), 4), round(error, 4)]


def compare_grid(plan: Plan, budgets: Iterable[int]) -> dict[str, Any]:
    """Family B: our rows on the grid; the rows of the test-bed are its own `grid` command."""
    table: list[dict[str, Any]] = []
    for row in GRID_OURS:
        for budget in budgets:
            command = [sys.executable, str(Path(bed.__file__)), str(plan.testbed)]
            done = subprocess.run(  # noqa: S603
                [*command, row, plan.seeds, str(budget), "grid", "0"],
                env=bare_environment() | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            values = [json.loads(line)["r_end"] for line in done.stdout.splitlines()]
            table.append({"row": row, "budget": budget, "n": len(values), "r_end": mean_se(values)})
            print(json.dumps(table[-1]), file=sys.stderr, flush=True)
    return {"seeds": plan.seeds, "table": table}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `python -m benchmarks.peers optimizers`."""
    parser.add_argument("--script", type=Path, default=BED, help="the test-bed")
    named = ", ".join([*FAMILIES, "B", *others.GROUPS])
    parser.add_argument(
        *("--families", "--family"), default="A1,A2,A3,B", help=f"with commas: {named}"
    )
    parser.add_argument(
        *("--rows", "--only"), default="", help="names of rows with commas; empty is all"
    )
    parser.add_argument("--seeds", default="0-19", help="LOW-HIGH, both included, or how many")
    parser.add_argument("--budget", type=int, help="metric calls; 2000 for A, else the family's")
    parser.add_argument(
        "--faults", action="store_true", help="5 %% timeouts, 2 %% crashes (C to E)"
    )
    parser.add_argument("--quick", action="store_true", help="3 seeds, 500 calls, four rows")
    parser.add_argument("--python", action="append", default=[], help="PACKAGE=INTERPRETER")


def answer(asked: argparse.Namespace) -> dict[str, Any]:
    """What the command line asked for."""
    rows = tuple(part for part in asked.rows.split(",") if part)
    families = tuple(asked.families.split(","))
    seeds = asked.seeds if "-" in asked.seeds else f"0-{int(asked.seeds) - 1}"
    budget = asked.budget
    if asked.quick:
        seeds, budget = "0-2", 500
        rows = rows or ("opto", "our_gepa_v20", "gepa_v20", "ref_revert")
    pythons = dict(item.partition("=")[::2] for item in asked.python)
    rules = tuple(family for family in families if family in FAMILIES)
    found: dict[str, Any] = {}
    if rules:
        found = compare(Plan(rules, rows, seeds, budget or 2000, asked.script, pythons))
    if "B" in families and not rows:
        plan = Plan(rules, rows, seeds, budget or 2000, asked.script, pythons)
        budgets = (1000,) if asked.quick else (1000, 2000, 4000, 8000)
        found["grid"] = compare_grid(plan, budgets)
    rest = [family for family in families if family not in FAMILIES and family != "B"]
    if rest:
        which = others.expand(rest)
        plan_of = other.Families(which, rows, seeds, budget, asked.script, pythons, asked.faults)
        found["others"] = other.compare(plan_of)
    return found
