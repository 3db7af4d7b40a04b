"""What can be a problem, and what is refused with words that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from opto.errors import InputError
from opto.modeling.problem import MAX_CHARACTERS, read_problem, read_table

TEXT = "Make chairs and tables to maximize profit."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"  \n\t ", "empty"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe\x00", "not a text file"),
        (b"maximize \x00 profit", "NUL"),
        (b"maximize " + b"a" * 10_000_000, "too long"),
        (b"Shall I compare thee to a summer's day?\nThou art more lovely.", "what to decide"),
    ],
    ids=["empty", "blank", "binary", "nul", "ten-megabytes", "poem"],
)
def test_a_file_that_cannot_be_a_problem_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "problem.txt"
    file.write_bytes(content)

    with pytest.raises(InputError, match=said) as caught:
        read_problem(str(file))

    assert str(file) in caught.value.where
    assert caught.value.fix


def test_text_longer_than_the_limit_is_refused_also_without_a_file() -> None:
    with pytest.raises(InputError, match="too long"):
        read_problem("maximize profit " * (MAX_CHARACTERS // 10))


def test_a_name_of_a_missing_file_is_not_taken_for_a_problem() -> None:
    with pytest.raises(InputError, match="no file"):
        read_problem("missing.txt")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        read_problem(str(tmp_path))


def test_a_table_is_described_without_its_cells(tmp_path: Path) -> None:
    file = tmp_path / "routes.csv"
    file.write_text("from,to,cost\nSecretTown,B,4.5\nA,B,3\n", encoding="utf-8")

    problem = read_problem(TEXT, tables=[file])

    words = problem.tables_in_words
    assert words == (
        "Table routes, 2 rows; columns: from (2 different labels), to (1 different labels), "
        "cost (numbers)"
    )
    assert "SecretTown" not in words


@pytest.mark.parametrize(
    ("content", "said", "where"),
    [
        ("a,b\n", "no rows", ""),
        ("a,,c\n1,2,3\n", "Column names", "line 1"),
        ("a,a\n1,2\n", "Column names", "line 1"),
        ("a,b\n1,2\n3\n", "Expected 2 cells, found 1", "line 3"),
    ],
)
def test_a_malformed_table_is_refused_with_the_line(
    tmp_path: Path, content: str, said: str, where: str
) -> None:
    file = tmp_path / "t.csv"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(InputError, match=said) as caught:
        read_table(file)

    assert where in caught.value.where


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")

    with pytest.raises(InputError, match="no column 'cost'") as caught:
        read_table(file).column("cost")

    assert "a, b" in caught.value.where
