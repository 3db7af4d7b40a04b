"""Which model a command takes when none is named; the terminal is a fake."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
import typer

from opto.cli.ask import Terminal, with_model
from opto.cli.main import main
from opto.llm.default import DEFAULT_LOCAL
from opto.settings import Settings


class Typing(io.StringIO):
    """A terminal on which somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPTO_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPTO_MODELS_DIR", str(tmp_path / "models"))


def test_a_wrong_number_is_asked_again_and_stdout_stays_clean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Typing("0\nfour\n2\n"))

    picked = Terminal().choose("Which?", ["a", "b"])

    said = capsys.readouterr()
    assert picked == 1
    assert said.out == ""
    assert "'four' is none of 1, 2." in said.err


def test_the_end_of_input_ends_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Typing(""))

    with pytest.raises(typer.Abort):
        Terminal().choose("Which?", ["a", "b"])


def test_at_a_terminal_the_person_decides_about_money(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setattr(sys, "stdin", Typing("1\n"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    settings = with_model(Settings())

    assert settings.model is not None
    assert settings.model.startswith("openai:")
    assert Path("opto.toml").read_text(encoding="utf-8") == f'model = "{settings.model}"\n'


def test_without_a_terminal_and_without_any_source_the_failure_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    code = main(["solve", "Maximize x subject to x at most 3."])

    said = capsys.readouterr()
    assert code == 1
    assert said.out == ""
    assert f"No source gave the model {DEFAULT_LOCAL}" in said.err
    assert "hub: " in said.err
    assert "wheels: " in said.err


def test_model_commands_work_in_the_folder_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPTO_MODELS_DIR")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "mine.gguf").write_bytes(b"GGUF")
    Path("opto.toml").write_text('models_dir = "elsewhere"\n', encoding="utf-8")

    assert main(["model", "path", "mine"]) == 0
    assert capsys.readouterr().out.strip() == str(Path("elsewhere/mine.gguf"))
    assert main(["model", "remove", "mine"]) == 0
    assert list(folder.glob("*.gguf")) == []
    assert main(["model", "path", "mine"]) == 1
