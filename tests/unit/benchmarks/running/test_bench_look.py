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
