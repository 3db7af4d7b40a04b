"""Sets beside each other know shared problems and whether their labels agree."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.datasets import Dataset, DatasetError, beside, with_labels
from benchmarks.items import Item


def dataset(name: str, *problems: tuple[str, str, tuple[str, ...]]) -> Dataset:
    items = tuple(
        Item(id=id_, set=name, question=text, accepted=accepted) for id_, text, accepted in problems
    )
    return Dataset(name, items, "MIT", "here")


@pytest.fixture
def labels(tmp_path):
    def write(*records):
        file = tmp_path / "labels.jsonl"
        file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
        return file

    return write


def test_shared_texts_are_agreed_or_disputed_and_name_each_other() -> None:
    one = dataset(
        "one",
        ("a", "How many trucks?", ("10",)),
        ("b", "How many ships?", ("5",)),
        ("c", "Alone?", ("1",)),
        ("d", "Without?", ()),
    )
    two = dataset(
        "two",
        ("x", "how many TRUCKS", ("10.001",)),
        ("y", "How many ships?", ("6", "7")),
        ("z", "Without?", ("3",)),
    )

    first, second = beside([one, two])

    assert [(item.labels, item.overlap) for item in first] == [
        ("agreed", ("two/x",)),
        ("disputed", ("two/y",)),
        (None, ()),
        (None, ("two/z",)),
    ]
    assert [(item.labels, item.overlap) for item in second] == [
        ("agreed", ("one/a",)),
        ("disputed", ("one/b",)),
        (None, ("one/d",)),
    ]


def test_one_of_three_that_differs_makes_a_dispute_for_all() -> None:
    sets = [
        dataset(name, ("a", "Q?", (answer,))) for name, answer in zip("xyz", "112", strict=True)
    ]

    assert [item.labels for one in beside(sets) for item in one] == ["disputed"] * 3


def test_label_status_comes_from_a_file_by_id(labels) -> None:
    one = dataset("one", ("a", "A?", ("1",)), ("b", "B?", ("1",)), ("c", "C?", ("1",)))
    file = labels({"id": "a", "labels": "agreed"}, {"id": "one/b", "labels": "disputed"})

    assert [item.labels for item in with_labels(one, file)] == ["agreed", "disputed", None]


def test_label_status_comes_from_other_answers_by_text(labels) -> None:
    one = dataset("one", ("a", "A?", ("1",)), ("b", "B?", ("1",)), ("c", "C?", ("1",)))
    file = labels(
        {"question": "a", "answer": "1.0"},
        {"question": "B?", "answer": 1},
        {"question": "B?", "answer": 2},
        {"question": "C?", "answer": None},
    )

    assert [item.labels for item in with_labels(one, file)] == ["agreed", "disputed", None]


def test_a_status_may_be_written_in_any_case(labels) -> None:
    one = dataset("one", ("a", "A?", ("1",)), ("b", "B?", ("1",)), ("c", "C?", ("1",)))
    file = labels(
        {"id": "a", "labels": "Agreed"},
        {"id": "b", "status": " DISPUTED"},
        {"id": "c", "labels": None},
    )

    assert [item.labels for item in with_labels(one, file)] == ["agreed", "disputed", None]


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ({"id": "a", "labels": "wrong"}, "label status 'wrong' is not known"),
        ({"id": "a", "label_status": True}, "label status True is not known"),
        ({"id": "a", "status": ["agreed"]}, "label status a list of 1 is not known"),
        ({"id": "a", "labels": "wrong", "question": "A?", "answer": 1}, "status 'wrong'"),
    ],
)
def test_a_status_that_is_not_known_is_named_with_its_record(labels, record, what) -> None:
    file = labels({"id": "b", "labels": "agreed"}, record)

    with pytest.raises(DatasetError, match=what) as caught:
        with_labels(dataset("one", ("a", "A?", ("1",))), file)

    assert caught.value.where.startswith(f"{file}, record 1, field ")
    assert caught.value.fix == "Say agreed or disputed, or null."


def test_a_record_that_is_neither_label_nor_problem_is_named(labels) -> None:
    with pytest.raises(DatasetError, match="neither a label status nor a question") as caught:
        with_labels(dataset("one", ("a", "A?", ("1",))), labels({"id": "a", "label": "agreed"}))

    assert "record 0; fields found: id, label" in caught.value.where
    assert "`labels` (agreed or disputed)" in caught.value.fix


def test_the_status_of_a_solver_beside_an_answer_is_no_label(labels) -> None:
    file = labels({"question": "A?", "answer": 1, "status": "optimal"})

    (item,) = with_labels(dataset("one", ("a", "A?", ("1",))), file)

    assert item.labels == "agreed"


def test_labels_of_other_problems_are_an_error_also_where_a_status_was_there(labels) -> None:
    (known,) = dataset("one", ("a", "A?", ("1",)))
    one = Dataset("one", (replace(known, labels="disputed"),), "MIT", "here")

    with pytest.raises(DatasetError, match="No label of the file belongs"):
        with_labels(one, labels({"id": "q", "labels": "agreed"}))


def test_a_labels_file_that_is_not_there_is_not_blamed_on_the_data(tmp_path) -> None:
    with pytest.raises(DatasetError, match="No such file") as caught:
        with_labels(dataset("one", ("a", "A?", ("1",))), tmp_path / "nope")

    assert "--data" not in caught.value.fix


def test_a_file_that_belongs_to_nothing_is_an_error(labels) -> None:
    with pytest.raises(DatasetError, match="No label of the file belongs"):
        with_labels(dataset("one", ("a", "A?", ("1",))), labels({"id": "q", "labels": "agreed"}))
