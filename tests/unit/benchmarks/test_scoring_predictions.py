"""One set of predictions, and what each rule in use makes of it."""

from __future__ import annotations

import json

import pytest

from benchmarks.items import Item
from benchmarks.scoring import PredictionsError, score_predictions, wilson

GOLD = [
    ("a", ("100",)),
    ("b", ("0.6075",)),
    ("c", ("2000.0",)),
    ("d", ("1000000.0",)),
    ("e", ("12.60",)),
    ("f", ("40", "41")),
    ("g", ("infeasible",)),
    ("h", ("7",)),
    ("i", ("100",)),
    ("j", ("50",)),
    ("k", ()),
    ("l", ("40", "30")),
    ("m", ("0.25",)),
    ("n", ("5000",)),
    ("o", ("6000",)),
]
SAID = {
    "a": 104.0,  # only within 5 %
    "b": 0.62,  # 1 and 1 rounded; 0.0125 apart, 2 % off
    "c": "2000.15",  # 7.5e-5 off: by 1e-3 and main
    "d": 1_000_000.5,  # 5e-7 off: by 1e-6 and strict; more than 0.1 apart
    "e": "12.6049",  # 4e-4 off: half a unit of the last digit of 12.60
    "f": 41,  # the second accepted answer; 2.5 % off the first
    "g": "No Best Solution",  # ORLM's word for it does not say which
    "h": None,
    # i: no row
    "j": 50.05,  # 1e-3 off: main says no
    "k": 3,
    "l": "30.0",  # the second accepted answer; far from the first
    "m": 0.2549,  # 2 % off: half a unit of the last digit; 0 and 0 rounded
    "n": "5,004",  # 8e-4 off
    "o": 6005,  # 8e-4 off
}
EXPECTED = {
    "5% rounded": 11,  # a b c d e f g j m n o
    "abs 0.1": 5,  # b e g j m
    "rel 1e-3": 7,  # c d e g j n o
    "rel 1e-6": 2,  # d g
    "strict": 3,  # d f l
    "main": 6,  # c d e f l m
    "lenient": 12,  # as 5% rounded, and l
}


@pytest.fixture
def items():
    return [
        Item(id=i, set="toy", question=f"Question {i}?\nHow much?", accepted=g) for i, g in GOLD
    ]


@pytest.fixture
def written(tmp_path):
    def write(*rows):
        file = tmp_path / "predictions.jsonl"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        file.write_text("\n".join(lines), encoding="utf-8")
        return file

    return write


def rows(key="id", value="value"):
    return [{key: identity, value: answer} for identity, answer in SAID.items()]


def counts(table):
    return {column.name: column.right for column in table.columns}


def test_every_column_counts_what_was_counted_by_hand(written, items) -> None:
    table = score_predictions(written(*rows()), items)

    assert counts(table) == EXPECTED
    assert (table.n, table.missing_gold, table.no_answer, table.unknown) == (14, 1, 2, ())


def test_the_table_has_shares_and_intervals(written, items) -> None:
    data = score_predictions(written(*rows()), items).to_json()

    main = next(column for column in data["columns"] if column["name"] == "main")
    assert main["share"] == 6 / 14
    assert main["interval_95"] == list(wilson(6, 14))


def test_outputs_as_orlm_publishes_them(written, items) -> None:
    """Keyed by the question, with the gold answer beside the prediction."""
    published = [
        {
            "en_question": f"Question {identity}?  How much? ",
            "en_answer": "999",
            "answer": "999",
            "execution_best_solution": None if answer is None else str(answer),
            "execution_state": "Execution Successful and Best Solution Found",
        }
        for identity, answer in SAID.items()
    ]

    assert counts(score_predictions(written(*published), items)) == EXPECTED


@pytest.mark.parametrize("value", ["prediction", "predicted", "answer"])
def test_other_names_of_the_value(written, items, value) -> None:
    assert counts(score_predictions(written(*rows(value=value)), items)) == EXPECTED


def test_an_index_is_a_place_in_the_data(written, items) -> None:
    by_place = [{"index": "abcdefghijklmno".index(i), "value": v} for i, v in SAID.items()]

    assert counts(score_predictions(written(*by_place), items)) == EXPECTED


def test_named_fields_are_taken(written, items) -> None:
    given = [{"id": "x", "problem": i, "value": 0, "best": v} for i, v in SAID.items()]

    table = score_predictions(written(*given), items, key="problem", value="best")

    assert counts(table) == EXPECTED


def test_predictions_for_other_problems_are_left_out_and_named(written, items) -> None:
    table = score_predictions(written(*rows(), {"id": "z", "value": 1}), items)

    assert (counts(table), table.unknown) == (EXPECTED, ("z",))


@pytest.mark.parametrize(
    ("given", "what", "where"),
    [
        (["nonsense"], "no JSON", "line 1"),
        (["[1]"], "no JSON object", "line 1"),
        ([{"name": "a", "value": 1}], "names the problem: it has 'name', 'value'", "line 1"),
        ([{"id": "a", "result": 1}], "holds the answer", "line 1"),
        ([{"id": "a", "value": 1}, {"id": "b"}], "no field 'value'", "line 2"),
        ([{"id": "a", "value": 1}, {"id": "a", "value": 2}], "lines 1 and 2", "line 2"),
        ([{"id": "a", "value": "about 5"}], "about 5 is no answer", "line 1"),
        ([{"id": "a", "value": [5]}], "is no answer", "line 1"),
        ([{"id": "a", "value": True}], "is no answer", "line 1"),
        ([{"id": "zz", "value": 1}], "'zz'", "predictions.jsonl"),
        ([], "nothing", "predictions.jsonl"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(written, items, given, what, where) -> None:
    with pytest.raises(PredictionsError) as caught:
        score_predictions(written(*given), items)

    assert what in caught.value.what
    assert where in caught.value.where
    assert caught.value.fix


def test_a_missing_file_is_an_explained_error(tmp_path, items) -> None:
    with pytest.raises(PredictionsError, match="cannot be read"):
        score_predictions(tmp_path / "none.jsonl", items)


@pytest.mark.parametrize("text", ["nan", "inf", "", "None", "1e999"])
def test_what_says_nothing_is_no_answer(written, items, text) -> None:
    table = score_predictions(written({"id": "a", "value": text}), items)

    assert table.no_answer == 14
