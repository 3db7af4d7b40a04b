"""`opto runs` on a store with runs of every kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toy_search import NumberTask, RandomSearch

from opto.cli.main import main
from opto.search import Budget, Study
from traces.record import Recorder
from traces.store.sqlite import Store

ANSWER = {
    "status": "solved",
    "why": "",
    "objective": 156.0,
    "solution": [{"variable": "chairs", "key": ["oak"], "value": 12, "unit": "pcs"}],
    "model": None,
    "usage": {"calls": 1, "input_tokens": 11, "output_tokens": 7, "usd": "0.002"},
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTO_RUNS_PATH", raising=False)
    file = tmp_path / ".opto" / "runs.db"
    with Store(file) as store:
        with Recorder(store, "words") as recorder:
            recorder.emit("solve.begin", problem="A carpenter makes\nchairs.", model="m:x")
            recorder.emit("solve.answer", **ANSWER)
        with Recorder(store, "table") as recorder:
            recorder.emit("bench.begin", rows=3)
        for run, seed in (("one", 0), ("two", 1)):
            Study(
                NumberTask(crash=0.25), RandomSearch(), Budget(metric=200 + seed), seed=seed,
                store=store, run=run,
            ).run()  # fmt: skip
        cut = Study(NumberTask(), RandomSearch(), Budget(metric=60), store=store, run="cut")
        cut.ask()
        cut.close()
    return file


def opto(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["runs", *arguments]) == 0
    return capsys.readouterr().out


def test_a_list_says_what_each_run_is_newest_last(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [line.split() for line in opto("list", capsys=capsys).splitlines()]

    assert [row[0] for row in rows] == ["words", "table", "one", "two", "cut"]
    assert [row[3] for row in rows] == ["solve", "bench.begin", "search", "search", "search"]
    assert [row[4] for row in rows if row[3] == "search"] == ["finished", "finished", "interrupted"]
    assert " ".join(rows[0][4:]) == "finished solved 156: A carpenter makes chairs."
    assert "metric calls" in " ".join(rows[2])


def test_a_list_can_be_short_data_or_of_another_file(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path.parent)

    shown = json.loads(opto("list", "--limit", "2", "--json", "--store", str(store), capsys=capsys))

    assert [row["run"] for row in shown] == ["two", "cut"]
    assert shown[0]["kind"] == "search"


def test_a_search_is_shown_with_its_history_and_what_failed(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = opto("show", "one", capsys=capsys)

    for said in ("before  0.3", "after   0.", "Best mean so far", "200 metric calls", "Top cand"):
        assert said in out
    assert "evaluations error" in out
    assert "-0.1\n+0." in out
    assert len(out.splitlines()) < 50


def test_a_search_that_did_not_end_is_shown_as_far_as_it_got(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "show", "cut"]) == 0

    said = capsys.readouterr()
    assert "stopped not finished" in said.out
    assert "opto resume cut" in said.err


def test_a_page_is_one_file_without_scripts(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert opto("show", "one", "--html", "one.html", capsys=capsys) == ""

    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_a_solve_is_shown_on_one_screen_and_in_full_on_demand(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = opto("show", "words", capsys=capsys)
    whole = opto("show", "words", "--events", capsys=capsys)
    data = json.loads(opto("show", "words", "--json", capsys=capsys))

    for said in ("A carpenter", "asked: m:x", "solved", "objective 156", "chairs[oak] = 12 pcs"):
        assert said in short
    assert "18 tokens, 0.002 USD" in short
    assert "--- 2 solve.answer" in whole
    assert data["answer"]["objective"] == 156


def test_a_run_of_another_kind_is_counted(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert opto("show", "table", capsys=capsys).split() == ["1", "bench.begin"]


def test_two_searches_are_compared(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = opto("diff", "one", "two", capsys=capsys)
    data = json.loads(opto("diff", "one", "two", "--json", capsys=capsys))

    assert [row["path"] for row in data["settings"]] == ["seed", "budget.metric"]
    assert data["a"]["score"] != data["b"]["score"]
    lines = [line.split() for line in out.splitlines()]
    assert ["seed", "0", "1"] in lines
    assert ["budget.metric", "200", "201"] in lines


def test_what_is_not_there_or_no_search_is_explained(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said in (
        (["show", "ome"], "Did you mean 'one'"),
        (["diff", "one", "words"], "'words' is no search"),
        (["show", "words", "--html", "x.html"], "there is no page of it"),
        (["show", "one", "--html", "no/such/x.html"], "Cannot write the page"),
    ):
        assert main(["runs", *arguments]) == 1
        assert said in capsys.readouterr().err


def test_a_run_that_is_being_written_is_running(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(store) as opened:
        study = Study(NumberTask(), RandomSearch(), Budget(metric=60), store=opened, run="now")
        study.ask()
        rows = json.loads(opto("list", "--json", capsys=capsys))
        study.close()

    assert [row["state"] for row in rows if row["run"] in {"now", "cut"}] == [
        "interrupted", "running",
    ]  # fmt: skip
