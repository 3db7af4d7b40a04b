"""Checking what others made: what `opto bench score` and `audit` accept and say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opto.cli.main import main

GOLD = {
    "vars": ["x", "y"],
    "sense": "max",
    "c": [3, 2],
    "rows": [{"coef": [1, 1], "op": "<=", "rhs": 4, "strict": False}],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _problems(file: str, n: int = 4) -> None:
    rows = [{"id": f"p{i}", "question": f"Which {i}?", "answer": 12} for i in range(n)]
    Path(file).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def test_odd_predictions_are_named_and_the_rest_is_scored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _problems("set.jsonl")
    said = {"p0": "$12", "p1": "abc", "p2": "12 dollars", "p3": []}
    Path("p.json").write_text(json.dumps(said), encoding="utf-8")

    assert main(["bench", "score", "p.json", "--data", "set.jsonl"]) == 0

    out = capsys.readouterr().out
    assert "4 problems; 2 without an answer" in out
    assert "2 predictions cannot be read as an answer, and count as none: 'abc' for p1" in out
    assert "strict             2  50.0%" in out


def test_predictions_of_another_set_are_a_warning_before_anything_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _problems("set.jsonl")
    said = {"p0": 12, "q1": 1, "q2": 2}
    Path("p.json").write_text(json.dumps(said), encoding="utf-8")

    assert main(["bench", "score", "p.json", "--data", "set.jsonl"]) == 0

    assert capsys.readouterr().out.startswith("WARNING: 2 of 3 predictions are for problems")


def test_an_audit_takes_a_file_in_place_of_a_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"id": "a", "question": "Chairs and tables?", "answer": 12, "gold_lp": GOLD}
    Path("w60.jsonl").write_text(json.dumps(row), encoding="utf-8")

    assert main(["bench", "audit", "w60.jsonl", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["compared"], found["agree"]) == ("w60", 1, 1)
    assert main(["bench", "audit", "w60.jsonl"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Labels of w60\n")
    assert "\\" not in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.jsonl"], "There is no file 'none.jsonl'"),
        (["set.jsonl", "--data", "other.jsonl"], "given twice"),
        (["nl4opt"], "opto bench audit nl4opt --data FILE"),
    ],
)
def test_an_audit_says_what_is_wrong_with_what_it_was_given(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    _problems("set.jsonl")

    assert main(["bench", "audit", *words]) == 1
    assert said in capsys.readouterr().err
