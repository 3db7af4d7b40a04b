"""Which model is used when none is named, and that money is never spent unasked."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from opto.llm import store
from opto.llm.default import DEFAULT_LOCAL, VENDORS, Vendor, choose_model, remember
from opto.llm.errors import NoModel
from opto.llm.prices import price_usd
from opto.llm.types import Usage
from opto.settings import Settings

SMALLER = "qwen2.5-coder-0.5b-instruct-q4_k_m"
LOCAL = f"llamacpp:{DEFAULT_LOCAL}"


@dataclass
class Someone:
    """A person who picks the answer that starts so."""

    wish: str
    asked: list[Sequence[str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def choose(self, question: str, answers: Sequence[str]) -> int:
        self.asked.append(answers)
        return [answer.startswith(self.wish) for answer in answers].index(True)

    def tell(self, line: str) -> None:
        self.told.append(line)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(cache: Path) -> Settings:
    return Settings(models_dir=cache)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "opto.toml"


def put(name: str, cache: Path) -> None:
    """A file of the right size; a sparse one takes no room."""
    with (cache / f"{name}.gguf").open("wb") as out:
        out.truncate(store.known_models()[name].size_bytes)


def unused(name: str) -> None:
    pytest.fail(f"downloaded {name}")


def test_a_named_model_wins_over_everything(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    put(DEFAULT_LOCAL, cache)

    chosen = choose_model(Settings(model="mailbox:box", models_dir=cache), pull=unused)

    assert chosen == "mailbox:box"


def test_the_best_model_in_the_cache_is_next(settings: Settings, cache: Path) -> None:
    put(SMALLER, cache)
    assert choose_model(settings, pull=unused) == f"llamacpp:{SMALLER}"

    put(DEFAULT_LOCAL, cache)
    assert choose_model(settings, pull=unused) == LOCAL


def test_the_test_model_is_no_default(settings: Settings, cache: Path) -> None:
    put("smollm2-135m-instruct-q4_1", cache)

    with pytest.raises(NoModel):
        choose_model(settings)


def test_an_empty_cache_means_a_download_where_that_is_allowed(settings: Settings) -> None:
    pulled: list[str] = []

    assert choose_model(settings, pull=pulled.append) == LOCAL
    assert pulled == [DEFAULT_LOCAL]


def test_without_a_download_the_error_names_four_ways(settings: Settings) -> None:
    with pytest.raises(NoModel) as refusal:
        choose_model(settings)

    for way in (f"opto model pull {DEFAULT_LOCAL}", "openai:NAME", "@http://", "mailbox:DIR"):
        assert way in refusal.value.fix


def test_the_error_says_what_to_write_in_python_first(settings: Settings) -> None:
    with pytest.raises(NoModel) as refusal:
        choose_model(settings)

    places = refusal.value.fix.partition("Models are:")[0].splitlines()
    for place, said in zip(
        places[1:], ('llm="openai:', "OPTO_MODEL=openai:", 'model = "openai:'), strict=True
    ):
        assert place.strip().startswith(said)
    assert "--model" not in refusal.value.what + refusal.value.where


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.variable)
def test_with_nobody_to_ask_a_key_is_named_and_not_used(
    vendor: Vendor,
    settings: Settings,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(vendor.variable, "k")

    with pytest.raises(NoModel, match=f"{vendor.variable} is set: '{vendor.spec}'"):
        choose_model(settings)
    put(DEFAULT_LOCAL, cache)
    assert choose_model(settings) == LOCAL
    assert f"OPTO_MODEL={vendor.spec}" in caplog.text


@pytest.mark.parametrize("wish", ["openai:", "anthropic:", "llamacpp:"])
def test_a_person_is_asked_once_and_the_answer_is_kept(
    wish: str, settings: Settings, file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    put(DEFAULT_LOCAL, cache)
    someone = Someone(wish)

    chosen = choose_model(settings, person=someone, pull=unused)
    again = choose_model(Settings(models_dir=cache), person=someone, pull=unused)

    assert chosen.startswith(wish)
    assert again == chosen
    assert len(someone.asked) == 1
    assert tomllib.loads(file.read_text()) == {"model": chosen}


def test_the_person_may_choose_the_download(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    pulled: list[str] = []
    someone = Someone("llamacpp:")

    assert choose_model(settings, person=someone, pull=pulled.append) == LOCAL
    assert pulled == [DEFAULT_LOCAL]
    assert "1117 MB" in someone.asked[0][-1]


def test_nobody_is_asked_when_there_is_no_key(settings: Settings, cache: Path) -> None:
    put(DEFAULT_LOCAL, cache)
    someone = Someone("openai:")

    assert choose_model(settings, person=someone) == LOCAL
    assert someone.asked == []


def test_a_choice_that_cannot_be_kept_holds_anyway(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    someone = Someone("openai:")

    chosen = choose_model(settings, person=someone, file=tmp_path / "no folder" / "opto.toml")

    assert chosen.startswith("openai:")
    assert f"OPTO_MODEL={chosen}" in someone.told[0]


def test_other_settings_in_the_file_stay(file: Path) -> None:
    file.write_text('# mine\nthreads = 2\n\n[later]\nx = "ü"\n', encoding="utf-8")

    remember("llamacpp:a?slots=1", file)

    read = tomllib.loads(file.read_text(encoding="utf-8"))
    assert read == {"model": "llamacpp:a?slots=1", "threads": 2, "later": {"x": "ü"}}
    assert "# mine" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("spec", "url"),
    [
        (VENDORS[0].spec, "https://api.openai.com/v1"),
        (VENDORS[1].spec, "https://api.anthropic.com"),
    ],
)
def test_the_price_of_what_is_proposed_is_known(spec: str, url: str) -> None:
    usage = Usage(input_tokens=1000, output_tokens=1000)

    price = price_usd(spec.partition(":")[2], usage, base_url=url)

    assert price is not None
    assert Decimal(0) < price < Decimal("0.1")
