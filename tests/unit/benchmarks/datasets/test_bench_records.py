"""JSON and JSON lines are streamed; what is not records says where."""

from __future__ import annotations

import json
import subprocess
import sys
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


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[" * 100_000, "set.json, record 0"),
        ('{"a":' * 100_000, "set.json"),
        ('{"q": 1}\n' + '{"a":' * 100_000, "set.json, line 2"),
        ('{\n"q": ' + "[" * 100_000, "set.json"),
    ],
)
def test_what_is_nested_without_end_is_refused_with_its_place(read, text, where) -> None:
    with pytest.raises(DatasetError, match="nested too deeply") as caught:
        read(text)

    assert caught.value.where.endswith(where)


def test_a_whole_number_of_any_length_is_read_with_its_digits(read) -> None:
    ((_, record),) = read(f'{{"short": 12, "long": {"7" * 400}, "longest": -{"7" * 5000}}}')

    assert (record["short"], record["long"].text) == (12, "7" * 400)
    assert record["longest"] == float("-inf")


def test_a_table_gets_the_line_that_converts_it(read, tmp_path) -> None:
    for name, tab in (("my 'own' problems.csv", ","), ("problems.tsv", "\t")):
        table = tmp_path / name
        text = f'question{tab}answer\n"How many\n{tab} é?"{tab}3\n'
        table.write_text(text, encoding="utf-8-sig")
        with pytest.raises(DatasetError, match="not JSON") as caught:
            list(records(table))
        line = caught.value.fix.partition(": python ")[2]

        subprocess.run(["/bin/sh", "-c", f"{sys.executable} {line}"], cwd=tmp_path, check=True)  # noqa: S603

        ((_, record),) = records(tmp_path / f"{table.stem}.jsonl")
        assert record == {"question": f"How many\n{tab} é?", "answer": "3"}


def test_a_missing_file_is_an_error_with_its_path(tmp_path) -> None:
    with pytest.raises(DatasetError, match="No such file") as caught:
        list(records(tmp_path / "none.jsonl"))

    assert caught.value.where == str(tmp_path / "none.jsonl")
    assert "--data" not in caught.value.fix  # any option may have named the file


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
