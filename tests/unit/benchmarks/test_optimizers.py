"""Means and errors of the comparison of search algorithms."""

from __future__ import annotations

import pytest

from benchmarks.peers import bed
from benchmarks.peers.optimizers import FAMILIES, PEERS, Plan, compare, mean_se, summary
from opto.optimizers.search import named


def test_an_axis_is_its_mean_and_standard_error_over_seeds() -> None:
    found = [{"r_end": 0.1, "L50": None}, {"r_end": 0.3, "L50": 0.5}]

    axes = summary(found)

    assert axes == {"n": 2, "r_end": [0.2, 0.1], "L50": [0.5, 0.0]}


def test_one_seed_has_no_error() -> None:
    assert mean_se([0.25]) == [0.25, 0.0]


@pytest.mark.parametrize("row", bed.OURS)
def test_every_row_of_ours_names_a_spec_and_arguments_it_takes(row: str) -> None:
    name, options = bed.OURS[row]

    assert named(name, **options).name == name


def test_rows_of_peers_and_of_ours_do_not_share_names() -> None:
    theirs = {row for _, rows in PEERS.values() for row in rows}

    assert theirs.isdisjoint(bed.OURS)


def test_a_missing_test_bed_is_named(tmp_path) -> None:
    plan = Plan(tuple(FAMILIES), ("opto",), "0-1", 100, tmp_path / "nowhere.py", {})

    with pytest.raises(FileNotFoundError, match=r"nowhere\.py"):
        compare(plan)
