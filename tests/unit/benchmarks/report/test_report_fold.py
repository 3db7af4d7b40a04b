"""A report counts problems, not tries, and keeps little of each."""

from __future__ import annotations

import json
import tracemalloc
from decimal import Decimal

import pytest

from benchmarks.report import Planned, Share, fold, to_html, to_markdown, to_text
from benchmarks.report.samples import vote


def test_accuracy_is_of_the_problems_with_a_gold_answer(tried) -> None:
    report = fold(
        [
            tried("a", 12.0, "12"),
            tried("b", 12.64, "12.6"),  # main and lenient, not strict
            tried("c", 104.0, "100"),  # lenient only
            tried("d", None, "5"),
            tried("e", 3.0),  # no gold answer
        ]
    )

    assert (report.problems, report.n, report.missing_gold) == (5, 4, 1)
    assert report.accuracy == {"strict": Share(1, 4), "main": Share(2, 4), "lenient": Share(3, 4)}
    assert report.executed == Share(4, 5)
    assert report.errors == {"other": 2}
    assert report.statuses == {
        ("not solved", "optimal"): 1,
        ("optimal", "missing"): 1,
        ("optimal", "optimal"): 3,
    }


def test_a_problem_tried_often_counts_once(tried) -> None:
    tries = [tried("a", answer, "7", sample=i) for i, answer in enumerate([7.0, 7.0, 8.0, None])]

    report = fold([*tries, tried("b", 1.0, "2", sample=0)])

    assert report.accuracy["main"] == Share(0.5, 2)
    assert report.executed == Share(1.75, 2)
    assert len(report.rows) == 5


def test_a_try_recorded_twice_counts_as_it_was_first(tried) -> None:
    report = fold([tried("a", 7.0, "7", calls=1), tried("a", 8.0, "7", calls=1)])

    assert report.accuracy["main"] == Share(1, 1)
    assert report.cost.calls == 1


def test_groups_come_with_the_largest_first_and_only_where_there_are_two(tried) -> None:
    report = fold(
        [
            tried("a", 1.0, "1", kind="lp", labels="agreed", overlap=("nl4opt/3",)),
            tried("b", 1.0, "2", kind="ip", labels="agreed"),
            tried("c", 3.0, "3", kind="ip", labels="agreed"),
        ]
    )

    assert [(g.name, g.share) for g in report.by_kind] == [("ip", Share(1, 2)), ("lp", Share(1, 1))]
    assert [g.name for g in report.by_overlap] == ["only here", "in other sets too"]
    assert report.by_labels == ()
    assert report.by_set == ()


def test_of_very_many_groups_the_small_ones_are_put_together(tried) -> None:
    report = fold(tried(str(i), 1.0, "1", kind=f"kind {min(i, 90)}") for i in range(100))

    assert len(report.by_kind) == 40
    assert (report.by_kind[0].name, report.by_kind[0].share.n) == ("kind 90", 10)
    assert (report.by_kind[-1].name, report.by_kind[-1].share.n) == ("(others)", 52)


def test_costs_are_sums_and_a_price_that_is_not_known_is_said(tried) -> None:
    seconds = [1.0, 2.0, 3.0, 40.0]
    report = fold(
        tried(
            str(i), 1.0, "1", calls=2, tokens_in=100, tokens_out=10, seconds=s,
            usd=None if i == 3 else "0.1",
        )
        for i, s in enumerate(seconds)
    )  # fmt: skip

    cost = report.cost
    assert (cost.calls, cost.tokens_in, cost.tokens_out) == (8, 400, 40)
    assert (cost.usd, cost.unpriced) == (Decimal("0.3"), 1)
    assert (cost.median_s, cost.p95_s, cost.longest_s, cost.seconds) == (2.0, 40.0, 40.0, 46.0)


def test_findings_are_counted_among_right_and_wrong(tried) -> None:
    code = {"code": "direction", "path": "", "message": ""}

    report = fold(
        [
            tried("a", 1.0, "1", findings=(code, code)),
            tried("b", 1.0, "2", findings=(code, {"code": "unit-mismatch"})),
            tried("c", 1.0, findings=(code,)),
        ]
    )

    assert report.findings == {"direction": (1, 1), "unit-mismatch": (0, 1)}


def test_gold_models_give_declarations_and_the_share_of_the_same(tried) -> None:
    report = fold(
        [
            tried("a", 1.0, "1", declarations={"errors": 0, "declared": 4}, same_model=True),
            tried("b", 1.0, "2", declarations={"errors": 3, "declared": 6}, same_model=False),
            tried("c", 1.0, "2", declarations={"errors": 0, "declared": 2}, same_model=None),
            tried("d", 1.0, "1"),
        ]
    )

    assert report.declarations == pytest.approx(0.75)
    assert (report.same_model, report.undecided_models) == (Share(1, 2), 1)


def test_several_tries_give_pass_at_k_and_a_vote(tried) -> None:
    report = fold(
        tried(name, answer, "7", sample=i)
        for name, answers in {"a": [8.0, 7.0, 7.0000001, 3.0], "b": [7.0, 5.0, 5.0, 2.0]}.items()
        for i, answer in enumerate(answers)
    )

    samples = report.samples
    assert samples is not None
    assert (samples.k, samples.voted) == (4, Share(1, 2))
    assert samples.pass_at[1] == pytest.approx((2 / 4 + 1 / 4) / 2)
    assert samples.pass_at[2] == pytest.approx((5 / 6 + 3 / 6) / 2)
    assert samples.pass_at[4] == 1.0


def test_one_try_each_gives_neither(tried) -> None:
    assert fold([tried("a", 1.0, "1"), tried("b", 1.0, "1")]).samples is None
    assert (
        fold([tried("a", 1.0, "1", sample=i) for i in range(2)] + [tried("b", 1.0, "1")]).samples
        is None
    )


@pytest.mark.parametrize(
    ("answers", "voted"),
    [
        ([3.0, 5.0, 5.000001], 5.0),
        ([3.0, 5.0], 3.0),  # a tie goes to the first
        ([None, None, 4.0], 4.0),  # no answer has no vote
        (["infeasible", 0.0, "infeasible"], "infeasible"),
        ([None], None),
        ([], None),
    ],
)
def test_a_vote(answers, voted) -> None:
    assert vote(answers) == voted


def test_nothing_folds_to_nothing() -> None:
    report = fold([])

    assert (report.n, report.accuracy["main"].value, report.samples) == (0, None, None)
    assert json.loads(json.dumps(report.to_json()))["accuracy"]["main"]["interval_95"] == [0, 1]


def test_the_json_has_every_number(tried) -> None:
    report = fold([tried("a", 1.0, "1", usd="0.5"), tried("b", "infeasible", "2", kind="ip")])

    data = json.loads(json.dumps(report.to_json(rows=True)))

    assert data["accuracy"]["main"]["share"] == 0.5
    assert data["statuses"][0] == {"answer": "infeasible", "gold": "optimal", "n": 1}
    assert data["cost"]["usd"] == "0.5"
    assert [row["id"] for row in data["rows"]] == ["a", "b"]
    assert "rows" not in report.to_json()


def test_memory_stays_flat_where_records_are_long(tried) -> None:
    def records():
        for number in range(2000):
            long = str(number) * 20_000
            finding = {"code": "direction", "path": long, "message": long}
            yield tried(str(number), 1.0, "2", why=long, findings=(finding,), extra={"x": long})

    tracemalloc.start()
    report = fold(records())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert report.n == 2000
    assert peak < 6_000_000  # the records themselves are 600 MB


def test_a_run_that_was_stopped_is_not_reported_as_if_it_were_complete(tried) -> None:
    three = [tried(f"p{i}", 1.0, "1") for i in range(3)]

    stopped = fold(three, planned=Planned(60))

    said = "3 of 60 problems done; the run is not finished"
    for shown in (to_text(stopped), to_html(stopped), to_markdown(stopped)):
        assert said in shown
    assert stopped.to_json()["progress"] == {
        "finished": False,
        "problems_done": 3,
        "problems_planned": 60,
        "tries_done": 3,
        "tries_planned": 60,
    }


def test_a_run_that_is_complete_says_nothing_of_it(tried) -> None:
    whole = fold([tried(f"p{i}", 1.0, "1") for i in range(3)], planned=Planned(3))

    assert whole.progress is not None
    assert whole.progress.finished
    assert "not finished" not in to_text(whole)
    assert fold([]).to_json()["progress"] is None


def test_of_several_tries_a_problem_is_done_with_the_last(tried) -> None:
    rows = [tried("a", 1.0, "1", sample=i) for i in range(3)] + [tried("b", 1.0, "1")]

    found = to_text(fold(rows, planned=Planned(4, 3)))

    assert "1 of 4 problems done (4 of 12 tries); the run is not finished" in found


def test_classes_that_no_gold_model_confirms_are_called_guesses(tried) -> None:
    counted = {"errors": 1, "declared": 4}
    report = fold(
        [
            tried("a", 2.0, "1", error="coefficient"),
            tried("b", 2.0, "1", error="coefficient", declarations=counted),
            tried("c", None, "1", error="no-model"),
        ]
    )

    assert report.to_json()["guessed_errors"] == 1
    assert "1 of these 3 classes are a guess" in to_text(report)
    assert "a guess" not in to_text(fold([tried("c", None, "1", error="no-model")]))
