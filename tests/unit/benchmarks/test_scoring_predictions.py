"""One set of predictions, and what each rule in use makes of it."""

from __future__ import annotations

import json

import pytest

from benchmarks.items import Item
from benchmarks.scoring import PredictionsError, score_predictions, wilson
from benchmarks.scoring.prediction_file import answer_of

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
        (["[1]"], "no JSON object", "row 1"),
        (['{"id": "a", "value": 1}', "[1]"], "no JSON object", "line 2"),
        (["[" * 100_000], "nested too deeply", "line 1"),
        ([{"name": "a", "value": 1}], "names the problem: it has 'name', 'value'", "line 1"),
        ([{"id": "a", "result": 1}], "holds the answer", "line 1"),
        ([{"id": "a", "value": 1}, {"id": "b"}], "no field 'value'", "line 2"),
        ([{"id": "a", "value": 1}, {"id": "a", "value": 2}], "line 1 and line 2", "line 2"),
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


def test_odd_cells_are_counted_and_named_and_the_rest_is_scored(written, items) -> None:
    odd = [{"id": "a", "value": "abc"}, {"id": "h", "value": []}, {"id": "k", "value": True}]
    rest = [row for row in rows() if row["id"] not in "ahk"]

    table = score_predictions(written(odd[0], *rest, *odd[1:]), items)

    assert table.unreadable == (
        "'abc' for a (line 1)",
        "'[]' for h (line 13)",
        "'True' for k (line 14)",
    )
    assert table.no_answer == 3
    assert counts(table)["main"] == EXPECTED["main"]
    assert table.to_json()["unreadable"][0] == "'abc' for a (line 1)"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$351", 351.0),
        ("-$351.50", -351.5),
        ("US$ 1,234", 1234.0),
        ("1,234", 1234.0),
        ("351 dollars", 351.0),
        ("1,234.5 EUR.", 1234.5),
        ("£7", 7.0),
        ("no feasible solution", "infeasible"),
        ("Infeasible.", "infeasible"),
        ("n/a", None),
    ],
)
def test_money_and_words_are_read_as_the_gold_answers_are(text, value) -> None:
    assert answer_of(text) == value


def test_a_number_of_very_many_digits_is_no_answer_and_no_fault(written, items) -> None:
    long = ['{"id": "a", "value": %s}' % ("1" * 5000), '{"id": "c", "value": 2000}']

    table = score_predictions(written(*long), items)

    assert (table.no_answer, counts(table)["strict"]) == (13, 1)


@pytest.mark.parametrize(
    "text", ["1.234,5", "12,34", "5 thousand", "40 cents", "$1.2M", "3 or 4", "30%", "$", "--5"]
)
def test_what_could_mean_several_numbers_is_not_read(text) -> None:
    with pytest.raises(ValueError, match="neither"):
        answer_of(text)


def test_a_json_list_and_an_object_from_id_to_answer_are_read(tmp_path, items) -> None:
    file = tmp_path / "predictions.json"
    for shape in (
        json.dumps(rows(), indent=1),
        json.dumps(SAID),
        json.dumps({name: {"prediction": value} for name, value in SAID.items()}, indent=1),
    ):
        file.write_text(shape, encoding="utf-8")

        assert counts(score_predictions(file, items)) == EXPECTED


def test_where_most_ids_do_not_match_the_table_says_so(written, items) -> None:
    few = [{"id": "c", "value": 2000}, {"id": "y", "value": 1}, {"id": "z", "value": 1}]

    table = score_predictions(written(*few), items)

    first, second = table.warnings
    assert "2 of 3 predictions are for problems that the data does not have: 'y', 'z'" in first
    assert "Only 1 of the 15 problems have a prediction" in second
    assert score_predictions(written(*rows()), items).warnings == ()


def test_indexes_that_count_from_one_are_no_confident_zero(written, items) -> None:
    by_place = [{"index": "abcdefghijklmno".index(i) + 1, "value": v} for i, v in SAID.items()]

    table = score_predictions(written(*by_place), items)

    assert counts(table) == EXPECTED
    assert "read as places from 1" in table.warnings[0]
    doubtful = score_predictions(written(*by_place[:9]), items)
    assert "Do yours count from 1?" in doubtful.warnings[0]


def test_places_are_not_taken_for_ids_that_look_like_them(written) -> None:
    numbered = [Item(id=str(n), set="s", question=f"Q{n}", accepted=(str(n),)) for n in range(1, 5)]
    by_place = [{"index": place, "value": place + 1} for place in range(4)]

    assert counts(score_predictions(written(*by_place), numbered))["strict"] == 4
