"""`opto solve` as a user calls it: a real server on loopback, real solvers, real exit codes."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from drafts import GOOD, HOURS, MINIMUM, TEXT, constraint, draft
from model_server import Answer, ModelServer, as_bytes, fails, openai_body, says

from opto.cli.main import main
from opto.modeling.draft import DraftParameter

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPTO_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPTO_API_KEY", KEY)


def opto(server: ModelServer, *arguments: str, replies: list[Answer]) -> int:
    server.plan = replies
    model = f"openai:test@{server.url}"
    return main(["solve", *arguments, "--model", model, "--pipeline", "standard"])


def good() -> Answer:
    return says(GOOD.model_dump_json())


def test_a_problem_is_solved_and_explained(
    server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code = opto(server, TEXT, replies=[good()])

    out = capsys.readouterr().out
    assert code == 0
    assert "greatest profit: $156" in out
    assert "12 chairs" in out
    assert "feasible within 1e-06, checked in exact arithmetic" in out
    assert "1 model call (standard)" in out


def test_json_on_stdout_is_the_whole_answer(
    server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code = opto(server, TEXT, "--json", replies=[good()])

    answer = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (answer["status"], answer["objective"]) == ("solved", 156)
    assert answer["certificate"]["feasible"] is True


def test_the_problem_can_come_from_a_file_or_standard_input(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "problem.txt"
    file.write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))

    assert opto(server, str(file), replies=[good()]) == 0
    assert opto(server, "-", replies=[good()]) == 0
    assert server.asked[0].body["messages"] == server.asked[1].body["messages"]


@pytest.mark.parametrize("form", ["lp", "mps", "json"])
def test_the_model_is_exported(
    server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    code = opto(server, TEXT, "--export", form, replies=[good()])

    text = (tmp_path / f"model.{form}").read_text(encoding="utf-8")
    assert code == 0
    assert "chairs" in text
    assert f"model.{form}" in capsys.readouterr().err


def test_infeasible_rules_end_with_code_3_and_are_explained(
    server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TEXT.replace("10 chairs", "40 chairs")
    many = constraint("At least 40 chairs must be made", "chairs", ">=", "40", name="many")
    whole = says(draft(HOURS, many).model_dump_json())
    right = says(json.dumps({"why": "it is right", "model": None}))

    code = opto(server, text, replies=[whole, right])

    out = capsys.readouterr().out
    assert code == 3
    assert "Infeasible" in out
    assert "At least 40 chairs must be made" in out


def test_a_model_that_cannot_be_built_ends_with_code_4(
    server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = draft(HOURS.model_copy(update={"lhs": "2*chair + 3*tables"}), MINIMUM)
    keep = says(json.dumps({"why": "it is right", "action": "keep", "item": None}))

    code = opto(server, TEXT, replies=[says(broken.model_dump_json()), keep, keep, keep])

    assert code == 4
    assert 'did you mean "chairs"?' in capsys.readouterr().out


@pytest.mark.parametrize(
    "reply",
    ["Dear user, chairs are lovely.", '{"sets": [], "parameters": [], "vari', '{"chairs": 12}'],
    ids=["prose", "truncated", "wrong-schema"],
)
def test_no_model_in_the_answer_ends_with_code_4_and_keeps_the_transcript(
    server: ModelServer, capsys: pytest.CaptureFixture[str], reply: str
) -> None:
    code = opto(server, TEXT, replies=[says(reply)] * 3)

    err = capsys.readouterr().err
    assert code == 4
    assert "cannot be read as an optimization model" in err
    run = err.split("opto runs show ")[1].split()[0]
    assert main(["runs", "show", run, "--events"]) == 0
    assert reply in capsys.readouterr().out


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ([fails(401, f"bad key {KEY}")], "key"),
        ([Answer(as_bytes(openai_body("x"))[:40])] * 9, "server"),
    ],
    ids=["wrong-key", "truncated-body"],
)
def test_a_server_at_fault_is_an_explained_error_without_the_key(
    server: ModelServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    replies: list[Answer],
    said: str,
) -> None:
    code = opto(server, TEXT, replies=replies)

    shown = capsys.readouterr()
    assert code == 1
    assert said in shown.err.lower()
    assert "Traceback" not in shown.err
    assert KEY not in shown.err + shown.out
    for file in (tmp_path / ".opto").iterdir():
        assert KEY.encode() not in file.read_bytes()


def test_no_server_at_the_url_is_an_explained_error(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["solve", TEXT, "--model", "openai:test@http://127.0.0.1:9/v1"])

    err = capsys.readouterr().err
    assert code == 1
    assert "127.0.0.1:9" in err
    assert "fix:" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["solve", ""], 1, "empty"),
        (["solve", "missing.txt"], 1, "no file"),
        (["solve", TEXT, "--pipeline", "standart", "--model", "mailbox:box"], 1, "standard"),
        (["solve", TEXT, "--model", "opnai:gpt"], 1, "openai"),
        (["solve", TEXT, "--export", "pdf"], 2, "pdf"),
        (["solve", TEXT, "-o", "model.lp"], 2, "--export"),
        (["solve"], 2, "Missing argument 'source'"),
        (["slove"], 2, "solve"),
    ],
)
def test_wrong_use_is_explained(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert main(arguments) == code
    assert said in capsys.readouterr().err


def test_a_table_never_enters_the_prompt(server: ModelServer, tmp_path: Path) -> None:
    table = tmp_path / "hours.csv"
    table.write_text("item,hours\nchairs,2\nsecretitem,98765\n", encoding="utf-8")

    opto(server, TEXT, "--data", str(table), replies=[good()])

    sent = json.dumps(server.asked[0].body)
    assert "hours (numbers)" in sent
    assert "secretitem" not in sent
    assert "98765" not in sent


def test_a_table_without_the_column_the_model_needs_is_explained(
    server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "prices.csv"
    table.write_text("item,weight\nchairs,2\n", encoding="utf-8")
    price = DraftParameter(
        name="price",
        index=[],
        values=[],
        column="prices.price",
        unit="$",
        meaning="price",
        quote="",
    )
    whole = says(GOOD.model_copy(update={"parameters": [price]}).model_dump_json())
    keep = says(json.dumps({"why": "the text says so", "action": "keep", "item": None}))

    code = opto(server, TEXT, "--data", str(table), replies=[whole, keep, keep, keep])

    out = capsys.readouterr().out
    assert code == 4
    assert "no column 'price'" in out
    assert "columns: item, weight" in out
    assert "Add the column to the file" in out


@pytest.mark.parametrize("withheld", [[], ["--withhold-questions"]], ids=["whole", "withheld"])
def test_the_transcript_of_a_run_answers_it_again(
    server: ModelServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    withheld: list[str],
) -> None:
    opto(server, TEXT, "--json", replies=[good()])
    run = json.loads(capsys.readouterr().out)["run"]
    assert main(["runs", "export", run, "-o", "recorded.jsonl", *withheld]) == 0

    code = main(
        ["solve", TEXT, "--model", "replay:recorded.jsonl", "--pipeline", "standard", "--json"]
    )

    assert code == 0
    assert json.loads(capsys.readouterr().out)["objective"] == 156
    assert len(server.asked) == 1
    assert ("workshop" in (tmp_path / "recorded.jsonl").read_text()) is not bool(withheld)


def test_an_export_that_cannot_be_written_is_explained(
    server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code = opto(server, TEXT, "--export", "json", "-o", "no/such/folder.json", replies=[good()])

    shown = capsys.readouterr()
    assert code == 1
    assert "no/such/folder.json" in shown.err
    assert "greatest profit: $156" in shown.out  # the answer is not lost


def test_a_run_that_failed_before_the_first_call_has_a_transcript_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["solve", TEXT, "--model", "opnai:gpt"]) == 1
    run = capsys.readouterr().err.split("opto runs show ")[1].split()[0]

    assert main(["runs", "show", run, "--events"]) == 0
    assert "A workshop makes chairs" in capsys.readouterr().out


def test_without_runs_it_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list"]) == 1
    assert "No runs have been recorded here yet" in capsys.readouterr().err
