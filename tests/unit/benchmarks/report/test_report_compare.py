"""Two evaluations in pairs."""

from __future__ import annotations

import json

import pytest

from benchmarks.report import Planned, Share, compare, fold, to_html, to_markdown, to_text


@pytest.fixture
def pair(tried):
    """20 problems: 10 both, 6 only A, 1 only B, 3 neither; and what cannot be paired."""
    a = [tried(f"p{i}", 1.0 if i < 16 else 2.0, "1") for i in range(20)]
    b = [tried(f"p{i}", 1.0 if i < 10 or i == 16 else 2.0, "1") for i in range(20)]
    a += [tried("only in a", 1.0, "1"), tried("no gold", 1.0), tried("edited", 1.0, "1")]
    b += [tried("no gold", 1.0), tried("edited", 1.0, "2")]
    return fold(a), fold(reversed(b))


def test_the_fourfold_table_and_its_test(pair) -> None:
    found = compare(*pair)

    assert (found.n, found.both, found.neither) == (20, 10, 3)
    assert (found.a, found.b) == (Share(16, 20), Share(11, 20))
    assert [change.id for change in found.only_a] == [f"p{i}" for i in range(10, 16)]
    assert [change.id for change in found.only_b] == ["p16"]
    assert found.p == pytest.approx(2 * (1 + 7) / 2**7)
    assert found.difference == pytest.approx(0.25)
    assert found.interval[0] < 0.25 < found.interval[1]
    assert (found.left_out, found.other_gold) == (1, 1)


def test_the_other_way_round_everything_turns(pair) -> None:
    there, back = compare(*pair), compare(*reversed(pair))

    assert there.p == back.p
    assert there.difference == -back.difference
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))


def test_of_several_tries_the_first_is_paired(tried) -> None:
    a = fold([tried("p", 2.0, "1", sample=1), tried("p", 1.0, "1", sample=0)])

    assert compare(a, a).both == 1


def test_nothing_in_common_is_no_difference(tried) -> None:
    found = compare(fold([tried("a", 1.0, "1")]), fold([tried("b", 1.0, "1")]))

    assert (found.n, found.p, found.difference, found.left_out) == (0, 1.0, 0.0, 2)
    assert "-100.0 to 100.0 %" in to_text(found)


def test_it_is_shown_three_ways_and_as_json(pair) -> None:
    found = compare(*pair)

    data = json.loads(json.dumps(found.to_json()))
    assert [change["id"] for change in data["only_b"]] == ["p16"]
    assert data["only_b"][0]["a"]["answer"] == 2.0
    for text in (to_text(found, title="A old, B new"), to_html(found), to_markdown(found)):
        assert "p16" in text
        assert "+25.0 points" in text


def test_where_there_are_several_tries_it_says_which_one_counts(tried, pair) -> None:
    often = fold([tried("p", value, "1", sample=i) for i, value in enumerate([1.0, 2.0, 2.0])])
    once = fold([tried("p", 2.0, "1")])

    found = compare(often, once)

    assert (found.tries, found.to_json()["compared"]) == ((3, 1), "first try")
    for text in (to_text(found, width=400), to_html(found), to_markdown(found)):
        assert "Main verdict of the first try" in text
        assert "A has up to 3 tries a problem, B up to 1: only the first try counts" in text
    assert "first try" not in to_text(compare(*pair))


def test_of_a_run_that_is_not_finished_the_comparison_says_so(tried) -> None:
    whole = fold([tried("p", 1.0, "1")], planned=Planned(1))
    part = fold([tried("p", 1.0, "1")], planned=Planned(9))

    text = to_text(compare(whole, part), width=400)

    assert "B: 1 of 9 problems done; the run is not finished." in text
    assert "A: 1 of" not in text
