"""Families of the optimizer bed: known optima, noise by hash, kernels that read real prompts."""

from __future__ import annotations

from itertools import permutations

import pytest

from benchmarks.peers.families import rows
from benchmarks.peers.families.__main__ import measure, world_of
from benchmarks.peers.families.dice import stream
from benchmarks.peers.families.meter import BudgetSpentError, Faults, Meter, text_of
from benchmarks.peers.families.numeric import Numeric
from benchmarks.peers.families.ours import SEQUENCE, SPECS
from benchmarks.peers.families.pool import Demos, Points
from benchmarks.peers.families.reading import read_gepa, write_gepa
from benchmarks.peers.families.regression import TRUTHS, run
from benchmarks.peers.families.tours import (
    Tours,
    farthest_insertion,
    improved,
    length,
    nearest_neighbor,
    reference,
    written,
)
from benchmarks.peers.families.world import Shown

WORLDS = [
    *(Numeric(kind, seed) for kind in ("sphere", "rosenbrock") for seed in (0, 4)),
    *(Points(1), Demos(1), Tours(8, 1)),
]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{type(world).__name__}")
def test_the_start_is_worse_than_the_best_and_a_measurement_repeats_exactly(world) -> None:
    assert world.true(world.start) < world.best - 0.05

    first = world.sample(world.start, "train", 0, 3)

    assert world.sample(world.start, "train", 0, 3) == first


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{type(world).__name__}")
def test_edits_of_a_kernel_are_values_of_the_world_that_nobody_may_beat_the_best_with(
    world,
) -> None:
    shown = Shown("", {name: str(value) for name, value in world.start.items()}, tuple(world.start))

    edits = [world.edit(shown, stream(at)) for at in range(300)]

    useful = [edit for edit in edits if edit is not None]
    scores = [world.true({**world.start, **edit}) for edit in useful]
    assert 0 < len(edits) - len(useful) < 30
    assert max(scores) <= world.best + 1e-9
    assert max(scores) > world.true(world.start)


def test_the_optimum_of_the_numeric_functions_scores_one() -> None:
    for kind in ("sphere", "rosenbrock"):
        world = Numeric(kind, 5)

        point = " ".join(f"{x:.9f}" for x in world.shift)

        assert world.true({"x": f"POINT[{point}]"}) == pytest.approx(1.0)
        assert world.true(world.start) == pytest.approx(0.5, abs=1e-3)


def test_the_mean_of_many_printed_gradients_points_uphill() -> None:
    world = Numeric("sphere", 3)
    said = "\n".join(world.sample(world.start, "train", at, 0)[1] for at in range(50))
    shown = Shown(said, {"x": str(world.start["x"])}, ("x",))

    edits = [world.edit(shown, stream(at)) for at in range(300)]

    better = [e for e in edits if e and world.true(e) > world.true(world.start)]
    assert len(better) > 150


def test_a_subset_of_demonstrations_with_the_three_that_matter_is_near_the_best() -> None:
    world = Demos(7)
    names = list(world.start)

    chosen = {**world.start, **{names[at]: 1 for at in world.matter}}

    assert world.best - 0.15 < world.true(chosen) <= world.best


def test_demonstrations_that_do_not_matter_cost_more_than_they_bring() -> None:
    world = Demos(7)

    everything = dict.fromkeys(world.start, 1)

    assert world.true(everything) < world.best


@pytest.mark.parametrize("seed", range(3))
def test_the_reference_tour_is_the_optimum_where_all_tours_can_be_listed(seed) -> None:
    cities = Tours(8, seed).cities

    shortest = min(length(cities, (0, *rest)) for rest in permutations(range(1, 8)))

    assert length(cities, reference(cities)) == pytest.approx(shortest)


def test_heuristics_give_round_trips_and_local_search_never_lengthens_them() -> None:
    cities = Tours(20, 2).cities

    for tour in (nearest_neighbor(cities), farthest_insertion(cities)):
        assert sorted(tour) == list(range(20))
        assert length(cities, improved(cities, tour)) <= length(cities, tour)


def test_one_tour_has_one_text() -> None:
    assert written([2, 0, 3, 1]) == written([1, 3, 0, 2]) == written([0, 3, 1, 2])


def test_a_prompt_of_gepa_is_read_and_its_dialect_written() -> None:
    shown = read_gepa("about\n```\nPOINT[1 2] v0\n```\nGRADIENT[1 1]", "x")

    assert shown.values == {"x": "POINT[1 2] v0"}
    assert write_gepa("new").endswith("```\nnew\n```")


@pytest.mark.parametrize("truth", TRUTHS[::3])
def test_opro_stops_at_the_seventh_pair_of_a_regression(truth) -> None:
    assert [run(truth, repetition) for repetition in range(2)] == [7, 7]


@pytest.mark.parametrize("family", ["C2", "D1", "D2", "tsp10"])
def test_results_do_not_depend_on_the_number_of_workers(family, tmp_path) -> None:
    found = []
    for workers in (1, 4):
        meter = Meter(world_of(family, 2, tmp_path), 2, 150)
        row = measure(meter, "our_ps_mean", family, workers=workers)
        found.append({k: v for k, v in row.items() if k != "cpu_s"})

    assert found[0] == found[1]


def test_injected_faults_do_not_depend_on_the_number_of_workers_either(tmp_path) -> None:
    found = []
    for workers in (1, 4):
        meter = Meter(world_of("C1", 3, tmp_path), 3, 150, Faults(llm=0.2, evaluator=0.1))
        row = measure(meter, "opto", "C1", workers=workers)
        found.append({k: v for k, v in row.items() if k != "cpu_s"})

    assert found[0] == found[1]
    assert found[0]["crashes"] > 0
    assert found[0]["overshoot"] == 0


def test_zopo_asks_at_most_165_texts_without_a_model_and_walks_the_same_way_twice(tmp_path) -> None:
    meters = [Meter(world_of("D1", 0, tmp_path), 0, 1200) for _ in "ab"]
    found = [measure(meter, "our_zopo", "D1") for meter in meters]

    assert list(meters[0].seen) == list(meters[1].seen)
    assert found[0]["n_cands"] <= 165
    assert found[0]["llm_calls"] == 0
    assert found[0]["sel_gap"] < found[0]["r250"] < meters[0].world.best


def test_a_meter_counts_regret_at_every_price() -> None:
    world = Points(1)
    meter = Meter(world, 1, 2000)
    top = {"prompt": world.texts[world.scores.index(world.best)]}

    for at in range(300):
        meter.evaluate(world.start, "train", at % 100)
    meter.asked("a prompt", None)
    meter.recommend(top, 0.5)
    row = meter.row()

    assert row["r250"] > 0 == row["r500"] == row["r_end"] == row["L50"]
    assert row["optimism"] == pytest.approx(0.5 - world.best, abs=1e-4)
    assert (row["metric_calls"], row["llm_calls"], row["n_cands"]) == (300, 1, 1)


def test_a_hard_meter_stops_at_its_limit() -> None:
    meter = Meter(Points(1), 1, 2, hard=True)
    meter.evaluate(meter.world.start, "val", 0)
    meter.evaluate(meter.world.start, "val", 0)

    with pytest.raises(BudgetSpentError):
        meter.evaluate(meter.world.start, "val", 0)


def test_repetitions_that_nobody_numbers_are_counted() -> None:
    meter = Meter(Points(1), 1, 100)

    counted = [meter.evaluate(meter.world.start, "val", 0)[0] for _ in range(20)]

    numbered = [meter.world.sample(meter.world.start, "val", 0, rep)[0] for rep in range(20)]
    assert counted == numbered
    assert len(set(counted)) == 2


def test_values_have_one_text_whatever_their_order() -> None:
    assert text_of({"a": 1, "b": "x"}) == text_of({"b": "x", "a": 1})


def test_every_row_of_ours_has_a_spec_and_every_family_rows_a_budget_and_a_title() -> None:
    for family in rows.TITLES:
        ours, theirs = rows.of(rows.OURS, family), rows.of(rows.PEERS, family)

        assert rows.budget(family) > 0
        assert not set(ours) & set(theirs)
        if family != "F":
            assert set(ours) <= {*SPECS, SEQUENCE}


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(ValueError, match="'G'"):
        rows.expand(["C", "G"])
