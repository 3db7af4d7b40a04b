"""`opto optimize` and `opto resume` as a user calls them: real files, a real server on loopback."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_server import ModelServer, says
from search_programs import proposes, write_program

from opto.cli.main import main
from opto.cli.wanted import budget_from
from opto.search import Budget
from opto.search.errors import BudgetError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPTO_MODEL", "OPTO_RUNS_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPTO_API_KEY", "sk-canary-0123456789abcdef")
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def optimize(*arguments: str, budget: str = "metric=120,llm=10") -> int:
    scripted = ["--optimizer", "greet.py:scripted"] if "--optimizer" not in arguments else []
    return main(["optimize", "greet.py", "--budget", budget, *scripted, *arguments])


def test_a_program_in_a_file_is_made_better_and_the_change_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_program(tmp_path)
    text = file.read_text(encoding="utf-8")

    code = optimize("--output", "values.json")

    said = capsys.readouterr()
    values = json.loads((tmp_path / "values.json").read_text(encoding="utf-8"))
    assert code == 0
    assert "your own program is executed" in said.err
    assert "before  0.000" in said.out
    assert "-Answer.\n+" in said.out
    assert "number" in values["prompt"]
    assert file.read_text(encoding="utf-8") == text


def test_json_owns_stdout_although_the_program_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_program(tmp_path)
    file.write_text(file.read_text(encoding="utf-8") + "print('I am loaded')\n", encoding="utf-8")

    assert optimize("--json", "--run", "night") == 0

    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["run"] == "night"
    assert found["score"] > found["before"]["score"] == 0
    assert "I am loaded" in said.err


def test_examples_and_guide_can_be_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_program(tmp_path)
    rows = [{"input": "1+1", "target": "2"}, ["2+2", "4"], {"input": "1+3", "target": "4"}]
    Path("data.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    places = ("--train", "data.jsonl", "--guide", "exact_match")
    code = optimize(*places, "--json", budget="metric=400,llm=40")

    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert found["score"] == 1.0
    assert found["stopped"] == "nothing to gain"  # exact_match says what its best score is


def test_a_named_model_proposes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_program(tmp_path)
    with ModelServer(lambda asked: says(proposes("A number, please."))) as server:
        code = optimize("--optimizer", "opto", "--model", f"openai:test@{server.url}", "--json")
        asked = len(server.asked)

    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert found["best"]["values"] == {"prompt": "A number, please."}
    assert 0 < asked == found["cost"]["llm"] <= 10


def test_a_model_that_cannot_be_opened_costs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_program(tmp_path)
    for model, said in (("opnai:x", "Did you mean openai"), ("openai:x", "OPENAI_API_KEY")):
        assert optimize("--optimizer", "opto", "--model", model) == 1
        assert said in capsys.readouterr().err
    assert not (tmp_path / ".opto").exists()


def test_a_model_that_never_says_anything_useful_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_program(tmp_path)
    with ModelServer(lambda asked: says("I like turtles.")) as server:
        optimize("--optimizer", "opto", "--model", f"openai:test@{server.url}")

    out = " ".join(capsys.readouterr().out.split())
    assert (
        "warning: all 10 proposals failed (10 malformed); the first: There is no <variable>" in out
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("program = Program()", "programm = Program()"), "Did you mean 'programm'"),
        (("trainset = ", "train_set = "), "--train FILE.jsonl"),
        (("def guide(", "def judge("), "prompt, answer, Program, program, trainset"),
        (("program = Program()", "program = Program"), "Make one: program = Program(...)"),
        (("program = Program()", "program = Program("), "was never closed"),
        (("program = Program()", "program = 1 / 0"), "ZeroDivisionError"),
        (("program = Program()", "exit(3)"), "ended the process while it was loaded"),
        (("trainset = [", "trainset = set() and ["), "not a list of examples"),
        (("trainable=True", "trainable=False"), "no trainable parameter"),
    ],
)
def test_what_is_wrong_with_a_file_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], said: str
) -> None:
    file = write_program(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert change[0] in text
    file.write_text(text.replace(*change), encoding="utf-8")

    code = optimize("--optimizer", "random_search", "--model", "mailbox:m")

    error = capsys.readouterr().err
    assert code == 1
    assert said in error
    assert "Internal error" not in error
    assert not (tmp_path / ".opto").exists()


def test_missing_files_and_broken_data_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_program(tmp_path)
    Path("bad.jsonl").write_text('{"input": 1}\n{"input": \n', encoding="utf-8")

    assert main(["optimize", "gret.py", "--budget", "metric=9"]) == 1
    assert "Did you mean 'greet.py'" in capsys.readouterr().err
    assert optimize("--train", "bad.jsonl") == 1
    assert "bad.jsonl, line 2" in capsys.readouterr().err
    assert main(["optimize", "greet.py"]) == 1
    assert "Give --budget metric=500,llm=50" in capsys.readouterr().err


def test_a_name_that_is_taken_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_program(tmp_path)
    assert optimize("--run", "night") == 0

    assert optimize("--run", "night") == 1

    assert "opto resume night" in capsys.readouterr().err


def test_budgets_are_read_and_near_misses_named() -> None:
    assert budget_from("metric=1_000, usd=0.5,seconds=9") == Budget(
        metric=1000, usd="0.5", seconds=9
    )
    for text, said in (
        ("metrics=5", "Did you mean 'metric'"),
        ("llm=a", "llm='a'"),
        ("llm", "cannot be read at 'llm'"),
        ("llm=1,llm=2", "each once"),
        ("", "at least one limit"),
    ):
        with pytest.raises(BudgetError) as error:
            budget_from(text)
        assert said in str(error.value)


def test_there_is_nothing_to_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_program(tmp_path)
    assert main(["resume"]) == 1
    assert "No runs have been recorded" in capsys.readouterr().err
    assert not (tmp_path / ".opto").exists()
    assert optimize("--run", "night") == 0
    assert main(["resume"]) == 1
    assert "No unfinished search" in capsys.readouterr().err

    assert main(["resume", "night"]) == 1

    assert "opto runs show night" in capsys.readouterr().err


def test_a_search_begun_in_python_is_resumed_when_the_program_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_program(tmp_path, "begun")
    sys.path.insert(0, str(tmp_path))
    import begun  # type: ignore[import-not-found]  # noqa: PLC0415

    from opto.search.optimize import task_of  # noqa: PLC0415
    from opto.search.study import Study  # noqa: PLC0415

    task = task_of(begun.program, begun.trainset, begun.guide)
    study = Study(task, begun.scripted, Budget(metric=60), store="mine.db", run="py", seed=4)
    study.ask()  # and never told
    study.close()

    resume = ["resume", "py", "--store", "mine.db"]
    assert main(resume) == 1
    assert "opto resume py --program FILE.py:NAME" in capsys.readouterr().err
    assert main([*resume, "--program", "begun.py", "--optimizer", "begun.py:scripted"]) == 0
    assert "before  0.000" in capsys.readouterr().out


def test_a_guide_that_always_fails_is_repaired_and_the_search_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_program(tmp_path)
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("output == example[1]", "output == example[7]"), encoding="utf-8")

    assert optimize("--run", "night") == 1

    error = capsys.readouterr().err
    assert "IndexError" in error
    assert "opto resume night --changed" in error
    file.write_text(good, encoding="utf-8")
    assert main(["resume", "night"]) == 1
    assert "-    right = output == example[7]" in capsys.readouterr().err
    assert main(["resume", "night", "--changed"]) == 0
    assert "before  0.000" in capsys.readouterr().out


def test_a_task_that_halts_says_why_and_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_program(tmp_path)
    good = file.read_text(encoding="utf-8")
    halts = 'from opto.search import StudyHalted\n    raise StudyHalted("no credit is left")'
    bad = good.replace("right = output == example[1]", f"{halts}\n    right = True")
    file.write_text(bad, encoding="utf-8")

    assert optimize("--run", "night") == 1

    error = capsys.readouterr().err
    assert "no credit is left" in error
    assert "opto resume night" in error


def test_a_program_of_texts_and_a_function_works_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_program(tmp_path)
    text = file.read_text(encoding="utf-8") + (
        "\n\npair = ({'prompt': 'Answer.'}, lambda texts, x: answer(texts['prompt'], x).data)\n"
        "budget = opto.Budget(metric=120, llm=10)\n"
    )
    file.write_text(text, encoding="utf-8")

    code = main(["optimize", "greet.py:pair", "--optimizer", "greet.py:scripted"])

    assert code == 0
    assert "-Answer.\n+" in capsys.readouterr().out


def test_a_resumed_search_asks_the_model_that_was_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_program(tmp_path)
    halts = (
        "import pathlib\n    from opto.search import StudyHalted\n"
        "    if pathlib.Path('halt').exists():\n        raise StudyHalted('wait')\n    right ="
    )
    text = file.read_text(encoding="utf-8").replace("right =", halts, 1)
    file.write_text(text, encoding="utf-8")
    Path("halt").touch()

    with ModelServer(lambda asked: says(proposes("A number, please."))) as server:
        named = ("--optimizer", "opto", "--model", f"openai:test@{server.url}")
        assert optimize(*named, "--run", "night") == 1
        Path("halt").unlink()
        assert main(["resume"]) == 0
        asked = len(server.asked)

    assert asked > 0
    assert "+A number, please." in capsys.readouterr().out


def test_a_place_for_the_values_that_is_none_is_found_out_before_the_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_program(tmp_path)

    assert optimize("--output", str(tmp_path / "nowhere" / "values.json")) == 1

    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / ".opto").exists()
