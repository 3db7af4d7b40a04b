"""Looking at evaluations that were recorded: what `report`, `compare`, `errors` and `show` say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.items import ItemResult
from benchmarks.running.spec import SPEC, BenchSpec
from benchmarks.running.task import ITEM
from benchmarks.scoring import verdicts
from opto.cli.main import main
from traces.record import Recorder
from traces.store.sqlite import Store

Recorded = Callable[..., None]


def tried(name: str, answer: float | str | None, *accepted: str, **given: Any) -> ItemResult:
    """One try of a made-up run."""
    right = verdicts(answer, accepted)
    facts = {"id": name, "set": "toy", "sample": 0, "accepted": accepted, "answer": answer}
    facts |= {"status": "no model" if answer is None else "optimal", **right._asdict()}
    facts["error"] = None if right.main or not accepted else "no-model"
    return ItemResult(**(facts | given))


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Writes a run as `opto bench run` would have: its spec, and tries."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTO_RUNS_PATH", str(tmp_path / "runs.sqlite"))
    monkeypatch.setenv("COLUMNS", "200")

    def write(run: str, tries: list[ItemResult], *, problems: int, **spec: Any) -> None:
        asked = BenchSpec(set="toy.jsonl", model="replay:toy", **spec)
        with Store(tmp_path / "runs.sqlite") as store, Recorder(store, run) as recorder:
            recorder.emit(SPEC, **asked.to_json(), problems=problems)
            for one in tries:
                recorder.emit(ITEM, **one.to_json())

    return write


def test_a_report_of_a_stopped_run_says_so_first(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded("r", [tried(f"p{i}", 1.0, "1") for i in range(3)], problems=60)

    assert main(["bench", "report", "r"]) == 0
    assert "3 of 60 problems done; the run is not finished" in capsys.readouterr().out
    assert main(["bench", "report", "r", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["progress"]["finished"] is False


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (tried("q1", 1.0, "1"), "share no problem"),
        (tried("p1", 1.0, "2"), "accepted answers of all 1 shared problems differ"),
    ],
)
def test_runs_with_nothing_to_compare_are_an_error(
    recorded: Recorded, capsys: pytest.CaptureFixture[str], other: ItemResult, said: str
) -> None:
    recorded("a", [tried("p1", 1.0, "1")], problems=1)
    recorded("b", [other], problems=1)

    assert main(["bench", "compare", "a", "b"]) == 1
    assert said in capsys.readouterr().err


def test_a_name_that_no_run_has_leads_to_the_list_of_runs(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded("first", [tried("p", 1.0, "1")], problems=1)

    for words in (["report", "q"], ["errors", "q"], ["show", "q", "p"], ["compare", "first", "q"]):
        assert main(["bench", *words]) == 1
        told = capsys.readouterr().err
        assert "No run is called 'q'" in told
        assert "`opto bench runs` lists the evaluations" in told


def test_errors_names_the_sample_and_lists_the_right_ones_on_demand(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = [tried("p", 1.0, "1"), tried("p", None, "1", sample=1), tried("q", 1.0, "1")]
    recorded("r", tries, problems=2, samples=2)

    def lines(*flags: str) -> list[str]:
        assert main(["bench", "errors", "r", *flags]) == 0
        return capsys.readouterr().out.splitlines()

    wrong = "p sample 1  no-model: None for 1 (no model)"
    right = ["p sample 0  right: 1.0 for 1 (optimal)", "q sample 0  right: 1.0 for 1 (optimal)"]
    assert lines() == [wrong]
    assert lines("--right") == right
    assert lines("--all") == [right[0], wrong, right[1]]
    assert main(["bench", "errors", "r", "--all", "--right"]) == 1
    assert "exclude each other" in capsys.readouterr().err


def test_show_begins_with_the_verdict_and_has_the_gold_model_where_the_data_is_here(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    form = {"vars": ["x"], "sense": "max", "c": [3]}
    form["rows"] = [{"coef": [1], "op": "<=", "rhs": 4, "strict": False}]
    row = {"id": "p", "question": "How many chairs?", "answer": 12, "gold_lp": form}
    Path("toy.jsonl").write_text(json.dumps(row), encoding="utf-8")
    recorded("r", [tried("p", 7.0, "12", error="coefficient")], problems=1)

    assert main(["bench", "show", "r", "p"]) == 0
    shown = capsys.readouterr().out

    assert shown.startswith("p: wrong\n  answer    7\n  accepted  12\n")
    assert "How many chairs?" in shown
    assert "Gold model\n  maximize  3 x\n    x <= 4" in shown
    Path("toy.jsonl").unlink()
    assert main(["bench", "show", "r", "p"]) == 0
    assert "Gold model" not in capsys.readouterr().out


def test_the_transcript_is_printed_only_on_demand(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded("r", [], problems=1)
    with Store(Path("runs.sqlite")) as store, Recorder(store, "r") as recorder:
        recorder.emit("note", span="s", words="\x1b[31mred")
        recorder.emit(ITEM, span="s", **tried("p", 7.0, "7").to_json())

    assert main(["bench", "show", "r", "p"]) == 0
    short = capsys.readouterr().out
    assert "Transcript: note 1, bench.item 1 (--calls prints it)" in short
    assert "red" not in short
    assert main(["bench", "show", "r", "p", "--calls"]) == 0
    long = capsys.readouterr().out
    assert long.startswith("p: right")
    assert "--- note" in long
    assert "red" in long
    assert "\x1b" not in long


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["workshop-22"], "Did you mean 'workshop-2'?"),
        (["workshop-2", "--sample", "5"], "It has 0, 1."),
    ],
)
def test_a_problem_that_is_not_there_is_named_with_what_is(
    recorded: Recorded, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    tries = [tried("workshop-2", 1.0, "1", sample=i) for i in range(2)]
    recorded("r", tries, problems=1, samples=2)

    assert main(["bench", "show", "r", *words]) == 1
    assert said in capsys.readouterr().err
