"""JSON and JSON lines are streamed; what is not records says where."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from benchmarks.datasets import DatasetError
from benchmarks.datasets.records import records


@pytest.fixture
def read(tmp_path):
    def read(text: str | bytes):
        file = tmp_path / "set.json"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list(records(file))

    return read


PAIR = [{"q": "a", "n": 1}, {"q": "b", "n": 2}]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(json.dumps, PAIR)),
        "\n\n" + "\r\n".join(map(json.dumps, PAIR)) + "\n\n",
        json.dumps(PAIR),
        json.dumps(PAIR, indent=4),
        "\ufeff" + json.dumps(PAIR),
        json.dumps({"data": PAIR}),
    ],
)
def test_records_come_from_lines_and_from_lists(read, text) -> None:
    assert [record for _, record in read(text)] == PAIR


@pytest.mark.parametrize("indent", [None, 2])
def test_an_object_of_records_gives_their_names(read, indent) -> None:
    assert read(json.dumps({"one": PAIR[0], "two": PAIR[1]}, indent=indent)) == [
        ("one", PAIR[0]),
        ("two", PAIR[1]),
    ]


def test_a_record_longer_than_the_window_is_whole(read) -> None:
    long = [{"q": "x" * 200_000}, {"q": "é" * 70_000}, {"q": "end"}]

    assert [record for _, record in read(json.dumps(long))] == long


def test_numbers_keep_their_digits(read) -> None:
    ((_, record),) = read('{"answer": 12.50, "other": 1e3}')

    assert (record["answer"], record["answer"].text) == (12.5, "12.50")
    assert record["other"].text == "1e3"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"q": 1}\n{"q": ', "line 2"),
        ('[{"q": 1}, {"q": ', "record 1"),
        ('[{"q": 1}', "record 1"),
        ("{\n oops", "line 2"),
        (b"\xff\xfe\x00", "set.json"),
        ("[1, 2]", "set.json"),
        ('{"q": 1}\n[1]', "set.json"),
    ],
)
def test_what_is_not_records_is_refused_with_its_place(read, text, where) -> None:
    with pytest.raises(DatasetError) as caught:
        read(text)

    assert where in caught.value.where


def test_a_missing_file_is_an_error_with_its_path(tmp_path) -> None:
    with pytest.raises(DatasetError, match="No such file"):
        list(records(tmp_path / "none.jsonl"))


def test_a_long_list_is_not_held_in_memory(tmp_path) -> None:
    file = tmp_path / "long.json"
    entry = json.dumps({"question": "x" * 2000, "answer": 1})
    file.write_text("[" + ",".join([entry] * 5000) + "]", encoding="utf-8")
    tracemalloc.start()

    count = sum(1 for _ in records(file))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 5000
    assert peak < 2_000_000  # the file has ten million characters
