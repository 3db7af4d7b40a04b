"""Models by name: which provider, which default, and what is said when there is none."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from model_server import ModelServer, fails, says

from opto.errors import OptoError
from opto.llm.client import LM
from opto.llm.errors import AuthError, BudgetExceeded, NoModel, UnknownModel, UnknownPrice
from opto.llm.open import open_model
from opto.llm.reserve import Budget
from opto.llm.stack import CallOptions
from opto.llm.types import Request
from opto.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings(models_dir=tmp_path / "models")


def test_an_own_server_is_asked_again_after_a_fault(
    server: ModelServer, settings: Settings
) -> None:
    server.plan = [fails(500), says("up again")]

    with open_model(f"openai:m@{server.url}", settings) as lm:
        assert lm.ask("q") == "up again"
        assert lm.name == f"openai:m@{server.url}"
        assert lm.usage.usd == 0

    assert len(server.asked) == 2


def test_one_client_serves_sync_and_async_code(server: ModelServer, settings: Settings) -> None:
    async def later(lm: LM) -> str:
        return await lm.aask("two")

    with open_model(f"anthropic:m@{server.url}", settings) as lm:
        answers = [lm.ask("one"), asyncio.run(later(lm)), asyncio.run(later(lm))]

    assert answers == ["hello"] * 3


def test_a_mailbox_is_opened_by_name(tmp_path: Path, settings: Settings) -> None:
    with open_model(f"mailbox:{tmp_path}", settings) as lm:
        assert lm.name == f"mailbox:{tmp_path}"


def test_the_settings_name_the_model(tmp_path: Path) -> None:
    settings = Settings(model=f"mailbox:{tmp_path}", models_dir=tmp_path)

    with open_model(None, settings) as lm:
        assert lm.name == f"mailbox:{tmp_path}"


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("opnai:gpt-4.1", "Did you mean openai:"),
        ("gpt-4.1", "Did you mean openai:gpt-4.1"),
        ("claude-opus-5", "Did you mean anthropic:claude-opus-5"),
        ("./my.gguf", "Did you mean llamacpp:./my.gguf"),
        ("whatever", "Providers: openai, anthropic, llamacpp, mailbox, replay."),
    ],
)
def test_a_near_miss_is_named(spec: str, hint: str, settings: Settings) -> None:
    with pytest.raises(UnknownModel) as caught:
        open_model(spec, settings)

    assert hint in caught.value.fix


def test_a_password_in_a_bad_spec_is_not_repeated(settings: Settings) -> None:
    with pytest.raises(UnknownModel) as caught:
        open_model("opnai:m@http://user:hunter2@host/v1", settings)

    assert "hunter2" not in str(caught.value)


def test_no_model_names_the_ways_to_get_one_and_the_key_that_is_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-x")

    with pytest.raises(NoModel) as caught:
        open_model(None, settings)

    assert "ANTHROPIC_API_KEY is set: 'anthropic:" in caught.value.what
    assert "opto model pull" in caught.value.fix
    assert "mailbox:DIR" in caught.value.fix


def test_a_vendor_without_a_key_is_an_error_before_any_call(settings: Settings) -> None:
    with pytest.raises(AuthError, match="ANTHROPIC_API_KEY"):
        open_model("anthropic:claude-opus-5", settings)


def test_every_error_of_opening_says_how_to_fix_it(settings: Settings) -> None:
    for spec in (None, "x:y", "openai:gpt-4.1", "openai:", "replay:nowhere.jsonl"):
        with pytest.raises(OptoError) as caught:
            open_model(spec, settings)
        assert caught.value.fix, spec


def test_no_sdk_is_loaded_before_a_provider_is_named() -> None:
    probe = (
        "import sys, opto.llm.open, opto.llm.scripted, opto.llm.structured;"
        "print(sorted({'openai', 'anthropic', 'httpx2', 'genai_prices', 'xllamacpp', 'numpy'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_settings_name_the_cache_and_the_ceiling(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(models_dir=tmp_path, cache_path=tmp_path / "a.db", max_usd=0.5)

    with open_model(f"openai:m@{server.url}", settings) as lm:
        assert lm.complete(Request.of("q")).saved is None
        assert lm.complete(Request.of("q")).saved is not None

    assert len(server.asked) == 1


def test_a_ceiling_in_dollars_needs_a_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = "openai:nobodys-model@http://models.example.org/v1"
    unpriced = Settings(models_dir=tmp_path, max_usd=0.5)
    priced = Settings(models_dir=tmp_path, max_usd=0.000001, price="1/10")

    with open_model(spec, unpriced) as lm, pytest.raises(UnknownPrice, match="OPTO_PRICE"):
        lm.ask("q")
    with open_model(spec, priced) as lm, pytest.raises(BudgetExceeded):
        lm.ask("q")


def test_a_model_of_this_machine_needs_no_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    calls = CallOptions(budget=Budget(usd=1, calls=0))

    with (
        open_model(f"mailbox:{tmp_path}", Settings(models_dir=tmp_path), calls=calls) as lm,
        pytest.raises(BudgetExceeded, match="calls=0"),
    ):
        lm.ask("q")
