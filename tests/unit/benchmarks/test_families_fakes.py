"""The families that need the rule task: components, and optimizers as candidates.

The rule task itself is a stand-in here, with the same attributes as the test-bed's.
"""

from __future__ import annotations

import argparse
import math
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.peers import optimizers
from benchmarks.peers.families import compare, meta
from benchmarks.peers.families.components import NAMES, Components, home, rules_in
from benchmarks.peers.families.dice import normal, stream, unit
from benchmarks.peers.families.meter import Meter
from benchmarks.peers.families.ours import run
from benchmarks.peers.families.world import Shown


class RuleTask:
    """Six useful rules, each wanted by half of the examples; the others do nothing."""

    def __init__(self, seed, q=0.5):
        self.n, self.names, self.init = 40, [f"R{at:02d}" for at in range(24)], "RULES[R20] v0"
        self._useful = self.names[:6]
        need = np.zeros((self.n, 24), bool)
        need[:, :6] = np.random.default_rng(seed).random((self.n, 6)) < 0.5
        self.sets = {split: (need, np.zeros_like(need), None) for split in ("train", "val", "pop")}
        self.f_star = float(self.p(frozenset(self._useful), "pop").mean())

    def p(self, rules, split):
        has = np.array([name in rules for name in self.names])
        need = self.sets[split][0]
        return 1 / (1 + np.exp(2 - 4 * (need & has).sum(1) / np.maximum(1, need.sum(1))))

    _p_cached = p

    def sample(self, text, split, example, rep):
        rules = frozenset(rules_in(text))
        score = float(unit(text, split, example, rep) < self.p(rules, split)[example])
        missing = [name for name in self._useful if name not in rules]
        return score, f"HINT(add {missing[0]})" if missing and not score else "OK"

    def true(self, text):
        return float(self.p(frozenset(rules_in(text)), "pop").mean())


BED = SimpleNamespace(RuleTask=RuleTask)


def test_a_rule_works_only_in_the_component_it_belongs_to() -> None:
    world = Components(BED, 0, exact=True)
    right = {**world.start, home("R00"): "RULES[R00] v0"}
    elsewhere = next(name for name in NAMES if name != home("R00"))
    wrong = {**world.start, elsewhere: "RULES[R00] v0"}

    assert world.true(right) > world.true(world.start) > world.true(wrong)


def test_the_best_is_every_useful_rule_at_home() -> None:
    world = Components(BED, 0, exact=True)

    values = {
        name: f"RULES[{' '.join(f'R{at:02d}' for at in range(6) if home(f'R{at:02d}') == name)}]"
        for name in NAMES
    }

    assert world.true(values) == pytest.approx(world.best)


def test_an_edit_changes_only_the_components_that_were_asked_for() -> None:
    world = Components(BED, 0, exact=False)
    shown = Shown("HINT(add R04)", {name: str(v) for name, v in world.start.items()}, ("solve",))

    edits = [world.edit(shown, stream(at)) for at in range(200)]

    assert {name for edit in edits if edit for name in edit} == {"solve"}
    added = [edit for edit in edits if edit and "R04" in rules_in(edit["solve"])]
    assert 70 < len(added) < 170


@pytest.mark.parametrize("row", ["our_gepa_merge", "sequence", "opto"])
def test_rows_for_several_components_improve_and_keep_the_budget(row) -> None:
    meter = Meter(Components(BED, 1, exact=False), 1, 600)

    run(meter, row)
    found = meter.row()

    start = meter.world.best - meter.world.true(meter.world.start)
    assert found["r_end"] < start
    assert found["overshoot"] == 0


def test_the_editor_follows_hints_as_often_as_its_habits_allow() -> None:
    prompt = (
        "# What\n1. feedback: HINT(add R05)\n\n# Present values\n## prompt\n<variable>\n"
        "<name>prompt</name>\n<value>\nRULES[] v0\n</value>\n</variable>\n\n"
        "Now give better values for: prompt."
    )

    def followed(helping: float) -> int:
        ask = meta.Editor(helping)
        answers = [ask([{"role": "user", "content": prompt}], seed=at) for at in range(200)]
        return sum("R05" in answer for answer in answers)

    assert followed(0.9) > 150
    assert followed(0.1) < 60


def test_an_optimizer_of_optimizers_charges_its_inner_searches_and_keeps_its_budget(
    monkeypatch,
) -> None:
    monkeypatch.setattr(meta, "FRESH", 1)

    found = meta.measure(BED, "meta_random", 0, 1500)

    assert found["overshoot"] == 0
    assert found["metric_calls"] > 1000
    assert found["llm_calls"] > 100
    assert found["ideal"] < found["first"]


def test_habits_are_read_from_and_written_to_instructions() -> None:
    text = meta.with_habits({"h03", "h01"}, 7)

    assert meta.habits_in(text) == {"h01", "h03"}
    assert meta.habits_in("no habits here") == set()


def test_hashes_as_normal_numbers_have_mean_zero_and_variance_one() -> None:
    drawn = [normal("test", at) for at in range(2000)]

    mean = sum(drawn) / len(drawn)
    assert abs(mean) < 0.08
    assert math.sqrt(sum((x - mean) ** 2 for x in drawn) / len(drawn)) == pytest.approx(1, abs=0.05)


def test_the_table_shows_figures_with_errors_and_marks_peers() -> None:
    rows = [
        {"row": "opto", "ours": True, "n": 3, "r_end": [0.0312, 0.01], "llm_calls": [210.0, 1.0]},
        {"row": "gepa", "ours": False, "n": 3, "r_end": [0.2, 0.02]},
    ]

    table = compare.markdown(rows).splitlines()

    assert table[2] == "| **opto** | 3 | .031 ± .010 | 210 |"
    assert table[3] == "| *gepa* | 3 | .200 ± .020 | - |"


def test_a_family_that_needs_the_test_bed_says_where_it_looked(tmp_path) -> None:
    plan = compare.Families(("E1",), (), "0-0", 100, tmp_path / "gone.py", {})

    with pytest.raises(FileNotFoundError, match=r"gone\.py"):
        compare.compare(plan)


def test_a_plan_of_one_row_runs_it_in_a_process_and_summarizes_its_seeds(tmp_path) -> None:
    plan = compare.Families(("C1",), ("our_random",), "0-1", 60, tmp_path / "unused.py", {})

    (row,) = compare.compare(plan)

    assert (row["row"], row["n"], row["ours"]) == ("our_random", 2, True)
    assert row["metric_calls"] == [60.0, 0.0]


def test_a_row_that_breaks_says_so_and_does_not_end_the_comparison(tmp_path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'ValueError: no weights' >&2\nexit 1\n")
    broken.chmod(0o755)
    only = ("optuna_tpe", "nearest_neighbor")
    plan = compare.Families(("tsp10",), only, "0-0", 10, tmp_path / "x", {"optuna": str(broken)})

    whole, lost = compare.compare(plan)

    assert (whole["row"], whole["n"]) == ("nearest_neighbor", 1)
    assert (lost["row"], lost["n"], lost["error"]) == ("optuna_tpe", 0, "ValueError: no weights")


def test_a_seed_that_breaks_costs_only_itself(tmp_path) -> None:
    broken = tmp_path / "python"
    lines = ['{"algo": "x", "seed": 0, "r_end": 0.5}', '{"algo": "x", "seed": 1, "error": "E: 0"}']
    broken.write_text("#!/bin/sh\n" + "\n".join(f"echo '{line}'" for line in lines))
    broken.chmod(0o755)
    pythons = {"optuna": str(broken)}
    plan = compare.Families(("tsp10",), ("optuna_tpe",), "0-1", 10, tmp_path / "x", pythons)

    (row,) = compare.compare(plan)

    assert (row["n"], row["r_end"], row["error"]) == (1, [0.5, 0.0], "seed 1: E: 0")


def test_the_command_takes_a_family_and_how_many_seeds(tmp_path) -> None:
    parser = argparse.ArgumentParser()
    optimizers.add_arguments(parser)
    asked = ["--family", "tsp10", "--seeds", "2", "--only", "nearest_neighbor"]

    found = optimizers.answer(parser.parse_args([*asked, "--script", str(tmp_path / "unused.py")]))

    (row,) = found["others"]
    assert (row["row"], row["n"], row["ours"]) == ("nearest_neighbor", 2, False)
    assert row["gap_pct"][0] >= 0
