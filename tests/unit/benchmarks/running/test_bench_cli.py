"""`opto bench` as a person uses it: through the `opto` command, against a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.loopback import problems, reply
from opto.cli.main import main
from opto.llm.testing import Answer, Asked, ModelServer, fails, says


def _good(asked: Asked) -> Answer:
    return says(reply(asked.body["messages"][-1]["content"]) or "no problem in it")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A folder with a data set of twelve problems, and a server that can do all but two."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("COLUMNS", "200")
    rows = [*problems(12)]
    rows[3] |= {"answer": 1, "kind": "odd"}
    Path("set.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    def choose(asked: Asked) -> Answer:
        no = "Workshop B " in asked.body["messages"][-1]["content"]
        return says("I do not know.") if no else _good(asked)

    with ModelServer(choose) as server:
        yield server


def _run(server: ModelServer, name: str, *more: str) -> int:
    model = ["--model", f"openai:m@{server.url}", "--pipeline", "standard"]
    return main(["bench", "run", "set.jsonl", *model, "--run", name, *more])


def test_a_run_is_measured_reported_listed_and_explained(
    bench: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(bench, "first", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["accuracy"]["main"]["right"]) == (12, 10)
    assert found["errors"]["no-model"] == 1

    assert main(["bench", "runs"]) == 0
    assert "first  12/12 ended  set.jsonl" in capsys.readouterr().out

    assert main(["runs", "list"]) == 0
    assert "finished    12 problems of set.jsonl" in capsys.readouterr().out
    assert main(["resume", "first"]) == 1
    assert "opto bench resume first" in capsys.readouterr().err

    assert main(["bench", "errors", "first", "--class", "no-model"]) == 0
    assert capsys.readouterr().out.startswith("workshop-1  no-model: None for")

    assert main(["bench", "show", "first", "workshop-3"]) == 0
    shown = capsys.readouterr().out
    assert "Workshop D makes chairs" in shown
    assert "solve.answer" in shown


def test_a_report_becomes_one_page_with_the_questions_in_it(
    bench: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(bench, "r")

    assert main(["bench", "report", "r", "--html", "r.html", "--markdown", "r.md"]) == 0

    page = Path("r.html").read_text(encoding="utf-8")
    assert "Workshop D makes chairs" in page
    assert "src=" not in page
    assert "83.3 %" in Path("r.md").read_text(encoding="utf-8")
    assert "83.3 %" in capsys.readouterr().out


def test_two_runs_are_compared_problem_by_problem(
    bench: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(bench, "a")
    bench.choose = _good
    _run(bench, "b")
    capsys.readouterr()

    assert main(["bench", "compare", "a", "b", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert "workshop-1" in json.dumps(found)
    assert main(["bench", "compare", "a", "b"]) == 0
    assert "workshop-1" in capsys.readouterr().out


def test_a_run_that_was_stopped_says_how_to_go_on_and_does(
    bench: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.choose = lambda asked: fails(401, "no such key") if len(bench.asked) > 5 else _good(asked)

    assert _run(bench, "r", "--workers", "1") == 1
    told = capsys.readouterr().err
    assert "The evaluation stopped" in told
    assert "opto bench resume r" in told

    bench.choose = _good
    assert main(["bench", "resume", "r", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 12
    assert len(bench.asked) == 13  # twelve problems, one of them refused once


def test_a_budget_of_calls_stops_the_run(
    bench: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(bench, "r", "--max-calls", "4") == 1
    assert "opto bench resume r" in capsys.readouterr().err
    assert len(bench.asked) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bench", "run", "nl4op", "--model", "replay:x"], "nl4opt"),
        (["bench", "run", "none.jsonl", "--model", "replay:x"], "none.jsonl"),
        (["bench", "report", "nothing"], "No runs have been recorded"),
        (["bench", "errors", "r", "--class", "wrong"], "no-model"),
        (["bench", "run", "demo", "--max-usd", "free", "--model", "replay:x"], "--max-usd"),
        (["bench", "audit", "demos", "--data", "a", "--labels", "b"], "demo"),
    ],
)
def test_mistakes_are_explained(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(words) == 1

    told = capsys.readouterr().err
    assert told.startswith("Error: ")
    assert said in told


def test_sets_are_listed_with_licence_and_known_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "list", "--json"]) == 0

    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"nl4opt", "optibench", "industryor", "demo"} <= set(found)
    assert all(row["license"] and row["source"] for row in found.values())


def test_predictions_are_scored_by_every_rule(
    bench: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": row["id"], "value": row["answer"] * 1.01} for row in problems(12)]
    Path("p.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    assert main(["bench", "score", "p.jsonl", "--data", "set.jsonl", "--json"]) == 0

    columns = {c["name"]: c["right"] for c in json.loads(capsys.readouterr().out)["columns"]}
    assert columns["5% rounded"] == 11
    assert columns["strict"] == 0


def test_the_command_is_found_by_its_entry_point_and_only_when_asked_for() -> None:
    code = "import sys; from opto.cli.main import main; main(['runs', '--help']); "
    code += "print('benchmarks' in sys.modules)"

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )

    assert done.stdout.splitlines()[-1] == "False"


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(bench: ModelServer) -> None:
    bench.choose = lambda asked: says(
        reply(asked.body["messages"][-1]["content"]) or "", delay_s=0.3
    )
    command = [sys.executable, "-c", "from opto.cli.main import run; run()", "bench", "run"]
    command += ["set.jsonl", "--model", f"openai:m@{bench.url}", "--pipeline", "standard"]
    command += ["--run", "r", "--workers", "1"]

    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603
    while len(bench.asked) < 3:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)

    assert child.returncode == 130
    assert "of 12 results are kept" in told
    assert "opto bench resume r" in told
    assert main(["bench", "resume", "r"]) == 0
    assert len(bench.asked) <= 13  # one more than problems, if a call was under way
