"""A set is read from a name or a path, whatever usual names its fields have."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from benchmarks.datasets import SETS, VERSIONS, DatasetError, known_set, load
from opto.modeling.problem import read_table

FORM = {
    "vars": ["carts", "horses"],
    "sense": "max",
    "c": [10, 0],
    "rows": [
        {"coef": [1, -1], "op": "<=", "rhs": 0, "direction": "less than", "strict": True},
        {"coef": [0, 1], "op": "<=", "rhs": 3.5, "direction": "at most", "strict": False},
    ],
}
"""Carts earn 10; they need fewer than the 3.5 horses: 35, 30, or 20 when `fewer` is meant."""


@pytest.fixture
def written(tmp_path):
    def write(*records, name="set.jsonl") -> Path:
        file = tmp_path / name
        file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
        return file

    return write


@pytest.mark.parametrize(
    ("record", "question", "accepted", "kind"),
    [
        ({"question": "Q?", "answer": "1.50"}, "Q?", ("1.50",), None),
        ({"en_question": "Q?", "en_answer": 2.5, "id": 7}, "Q?", ("2.5",), None),
        ({"Question": "Q?", "Answer": "36", "Type": "easy_lp"}, "Q?", ("36",), "easy_lp"),
        (
            {"description": "Q?", "ground_truth": None, "problem_type": "ILP"},
            "Q?",
            (),
            "ILP",
        ),
        ({"question": "Q?", "answer": [1, "2.0"]}, "Q?", ("1", "2.0"), None),
        ({"question": "Q?", "answer": 12.5, "answer_raw": "12.50"}, "Q?", ("12.50",), None),
        ({"question": "Q?", "answer": None, "answer_raw": "-99999"}, "Q?", (), None),
        ({"question": "Q?", "answer": None, "answer_raw": "17"}, "Q?", (), None),
        (
            {"question": "Q?", "answer": None, "answer_raw": "No Best Solution"},
            "Q?",
            ("infeasible", "unbounded"),
            None,
        ),
        (
            {
                "question": "Q?",
                "answer": 5,
                "objective_key": "b",
                "answer_raw": {"a": "1", "b": "5.0"},
            },
            "Q?",
            ("5.0",),
            None,
        ),
        (
            {"question": "Q?", "results": {"x": "1.0", "Profit": "9.90"}, "type": "linear-table"},
            "Q?",
            ("9.90",),
            "linear-table",
        ),
        (
            {"question": "Q?", "results": {"Minimum cost": "9.90", "x": "1.0"}},
            "Q?",
            ("9.90",),
            None,
        ),
        (
            {"description": "Q?", "sample": [{"input": {"n": 3}, "output": [8000]}]},
            'Q?\n\nData:\n{"n": 3}',
            ("8000",),
            None,
        ),
    ],
)
def test_layouts_are_recognized_by_their_fields(written, record, question, accepted, kind) -> None:
    (item,) = load(written(record, {"question": "Other?", "answer": 1})).items[:1]

    assert (item.question, item.accepted, item.kind) == (question, accepted, kind)


def test_a_set_of_ones_own_is_named_after_its_file(written) -> None:
    dataset = load(str(written({"question": "Q?", "answer": 1}, name="mine.jsonl")))

    assert dataset.name == "mine"
    assert [(item.id, item.set) for item in dataset] == [("mine-0", "mine")]


def test_a_list_of_named_problems_gives_their_ids(tmp_path) -> None:
    file = tmp_path / "named.json"
    file.write_text(json.dumps({"p1": {"question": "A?", "answer": 1}}, indent=1), encoding="utf-8")

    assert [item.id for item in load(file)] == ["p1"]


def test_a_known_name_brings_license_and_known_problems(written) -> None:
    dataset = load("industryor", written({"en_question": "Q?", "en_answer": "-99999"}))

    assert dataset.license == SETS["industryor"].license
    assert dataset.notes == (
        f"labels: {SETS['industryor'].problems}",
        "1 of 1 have no answer and cannot be scored",
    )


def test_a_misspelt_name_is_guessed() -> None:
    with pytest.raises(DatasetError, match="Did you mean 'industryor'"):
        load("industyor")


def test_only_who_can_take_a_path_offers_one() -> None:
    with pytest.raises(DatasetError) as loading:
        load("w60")
    with pytest.raises(DatasetError) as looking_up:
        known_set("w60.jsonl")

    assert "given by its path" in loading.value.fix
    assert looking_up.value.fix == "`opto bench list` describes them."


@pytest.mark.parametrize("name", ["mine.jsonl", "mine.csv", "some/where"])
def test_a_path_that_is_not_there_is_not_taken_for_a_name(name) -> None:
    with pytest.raises(DatasetError, match="Cannot read the file"):
        load(name)


def test_a_name_may_be_written_with_dashes(written) -> None:
    assert load("NL4OPT-E", written({"question": "Q?", "answer": 1})).name == "nl4opt_e"


def test_fields_that_were_found_are_named_in_errors(written) -> None:
    with pytest.raises(DatasetError) as no_question:
        load(written({"story": "Q?", "answer": 1}))
    with pytest.raises(DatasetError) as no_answer:
        load(written({"question": "Q?", "points": 3}))

    assert "fields found: story, answer" in no_question.value.where
    assert "en_question" in no_question.value.fix
    assert "fields found: question, points" in no_answer.value.where
    assert "en_answer" in no_answer.value.fix


def test_an_answer_that_cannot_be_read_is_noted_and_not_guessed(written) -> None:
    dataset = load(written({"id": "p", "question": "Q?", "answer": "about 5"}))

    assert dataset.items[0].accepted == ()
    assert any("p: 'about 5'" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("printed", "noted"),
    [
        ("1" + "0" * 400, "of 401 characters is not a finite number"),
        ('"' + "9" * 5000 + '"', "of 5000 characters is not a finite number"),
        ('"1e999999999"', "'1e999999999' is not a finite number"),
        ('"NaN"', "'NaN' is neither a number nor a word"),
        ("NaN", "'nan' is not a finite number"),
        ("-Infinity", "'-inf' is not a finite number"),
        ("true", "true is neither a number nor a word"),
        ("[" * 700 + "]" * 700, "lists in lists, nested too deeply"),
    ],
)
def test_every_answer_that_cannot_be_read_is_noted_by_its_problem(tmp_path, printed, noted) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(
        f'{{"question": "A?", "answer": 1}}\n{{"id": "p", "question": "B?", "answer": {printed}}}',
        encoding="utf-8",
    )

    dataset = load(file)

    assert [item.accepted for item in dataset] == [("1",), ()]
    assert any("cannot be read: p: " in note and noted in note for note in dataset.notes)


def test_the_same_text_twice_is_one_problem(written) -> None:
    dataset = load(
        written(
            {"id": "a", "question": "How many  trucks?", "answer": 1},
            {"id": "b", "question": "how many trucks", "answer": 1.001},
            {"id": "c", "question": "How many ships?", "answer": 1},
            {"id": "d", "question": "How many ships?", "answer": 2},
        )
    )

    assert [(item.id, item.labels) for item in dataset] == [("a", None), ("c", "disputed")]
    assert dataset.notes == (
        "2 left out as duplicates by text: b = a, d = c",
        "1 of these with another answer; the first stays, as disputed: c says 1, d 2",
    )


def test_an_id_that_is_taken_gets_a_free_number_and_that_is_said(written) -> None:
    dataset = load(
        written(
            {"id": "a", "question": "One?", "answer": 1},
            {"id": "a-2", "question": "Two?", "answer": 2},
            {"id": "a", "question": "Three?", "answer": 3},
        )
    )

    assert [(item.id, item.accepted) for item in dataset] == [
        ("a", ("1",)),
        ("a-2", ("2",)),
        ("a-3", ("3",)),
    ]
    assert dataset.notes == ("1 given another id, for theirs was taken: a is now a-3",)


def test_what_a_file_says_cannot_steer_a_terminal(written) -> None:
    dataset = load(written({"id": "p\x1b[2J", "question": "Q?", "answer": "about 5"}))

    assert not any("\x1b" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("answers", "accepted"),
    [
        ("continuous", ("35",)),
        ("integer", ("30",)),
        ("integer_strict", ("20",)),
        ("any", ("35", "30", "20")),
        (None, ("99",)),
    ],
)
def test_versions_of_an_answer_are_solved_from_the_gold_form(written, answers, accepted) -> None:
    file = written({"question": "Q?", "answer": 99, "gold_lp": FORM})

    (item,) = load(file, answers=answers)

    assert item.accepted == accepted


def test_recorded_versions_are_taken_without_solving(written) -> None:
    recorded = dict.fromkeys(VERSIONS, 7.5) | {"integer": "infeasible"}
    file = written({"question": "Q?", "answer": 99, "solved": recorded})

    assert load(file).items[0].accepted == ("infeasible",)
    assert load(file, answers="any").items[0].accepted == ("7.5", "infeasible")


def test_a_version_of_nothing_is_refused(written) -> None:
    file = written({"question": "Q?", "answer": 1})

    with pytest.raises(DatasetError, match="no gold forms"):
        load(file, answers="integer")
    with pytest.raises(DatasetError, match="no answer version 'rounded'"):
        load(file, answers="rounded")


def test_declarations_are_solved_and_kept_as_gold_form(written) -> None:
    file = written(
        {
            "42": {
                "document": "A press prints posters.",
                "vars": ["posters"],
                "order_mapping": {"posters": 0},
                "obj_declaration": {
                    "type": "objective",
                    "direction": "maximize",
                    "name": "profit",
                    "terms": {"posters": "4"},
                },
                "const_declarations": [
                    {
                        "type": "upperbound",
                        "direction": "at most",
                        "limit": "7.5",
                        "var": "posters",
                        "operator": "LESS_OR_EQUAL",
                    }
                ],
            }
        }
    )

    (item,) = load("nl4opt", file)

    assert (item.id, item.accepted) == ("42", ("28",))
    assert item.gold_model is not None
    assert item.gold_model["rows"][0]["rhs"] == 7.5
    assert load("nl4opt", file, answers="continuous").items[0].accepted == ("30",)


def test_tables_lie_beside_the_file_or_in_folders_of_it(written, tmp_path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("costs.csv", "sub/trips.csv"):
        (tmp_path / name).write_text("a,b\n1,2\n", encoding="utf-8")
    names = ["costs.csv", "sub/../sub/trips.csv"]
    file = written({"question": "Q?", "answer": 1, "tables": names})

    (item,) = load(file)

    assert item.tables == (
        str(tmp_path.resolve() / "costs.csv"),
        str(tmp_path.resolve() / "sub" / "trips.csv"),
    )


def test_tables_are_found_from_any_folder(written, tmp_path, monkeypatch) -> None:
    (tmp_path / "costs.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    written({"question": "Q?", "answer": 1, "tables": ["costs.csv"]})
    monkeypatch.chdir(tmp_path)

    (item,) = load(Path("set.jsonl"))

    assert read_table(tmp_path / "elsewhere" / item.tables[0]).rows == 1  # as the runner joins them


def test_a_table_outside_the_folder_of_the_data_is_refused_unopened(tmp_path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n", encoding="utf-8")
    (folder / "link.csv").symlink_to(secret)
    file = folder / "set.jsonl"

    for name in (str(secret), "../secret.csv", "sub/../../secret.csv", "link.csv", "/etc/passwd"):
        record = {"id": "p7", "question": "Q?", "answer": 1, "tables": [name]}
        file.write_text(json.dumps(record), encoding="utf-8")
        with pytest.raises(DatasetError, match="outside the folder of the data") as caught:
            load(file)

        assert caught.value.where == f"{file}, problem p7, table {name!r}"


@pytest.mark.parametrize(
    ("name", "held", "why"),
    [
        ("nope.csv", None, "No such file"),
        (".", None, "is a folder"),
        ("empty.csv", b"", "no rows"),
        ("ragged.csv", b"a,b\n1\n", "Expected 2 cells"),
        ("bytes.csv", b"a\n\xff\n", "not a text file"),
        ("long.csv", b"a\n" + b"9" * 200_000 + b"\n", "field larger"),
        ("nul\0.csv", None, "no usable name"),
    ],
)
def test_a_table_that_cannot_be_read_is_an_error_before_any_call(
    written, tmp_path, name, held, why
) -> None:
    if held is not None:
        (tmp_path / name).write_bytes(held)
    file = written({"id": "p7", "question": "Q?", "answer": 1, "tables": [name]})

    with pytest.raises(DatasetError, match=why) as caught:
        load(file)

    assert caught.value.where.startswith(f"{file}, problem p7, table ")


@pytest.mark.parametrize("tables", ["costs.csv", {"costs": 1}, [1], [""]])
def test_tables_are_a_list_of_names(written, tables) -> None:
    with pytest.raises(DatasetError, match="not a list of names of files") as caught:
        load(written({"id": "p7", "question": "Q?", "answer": 1, "tables": tables}))

    assert "record 0 (p7)" in caught.value.where


def test_a_split_can_be_chosen_and_a_wrong_one_is_told_the_others(written) -> None:
    file = written(
        {"question": "A?", "answer": 1, "split": "dev"},
        {"question": "B?", "answer": 1, "split": "test"},
    )

    assert [item.question for item in load(file, split="test")] == ["B?"]
    with pytest.raises(DatasetError, match="split 'train'") as wrong:
        load(file, split="train")
    with pytest.raises(DatasetError) as none:
        load(written({"question": "A?", "answer": 1}), split="train")

    assert wrong.value.fix == "Give one of dev, test, or none."
    assert none.value.fix == "The set has no splits: give none."


@pytest.mark.parametrize("record", [{"question": "Q?", "results": 3}, {"sample": [{}]}])
def test_a_record_that_breaks_its_layout_is_named(written, record) -> None:
    with pytest.raises(DatasetError) as caught:
        load(written(record))

    assert "record 0" in caught.value.where


def test_bulky_fields_are_not_kept(written) -> None:
    file = written(
        *(
            {"question": f"Problem {number}?", "answer": number, "gold_program": "x" * 20_000}
            for number in range(1000)
        )
    )
    tracemalloc.start()

    dataset = load(file)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(dataset) == 1000
    assert peak < 4_000_000  # the file has twenty million characters
