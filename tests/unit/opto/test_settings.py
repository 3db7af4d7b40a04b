"""Where a setting comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from opto.errors import SettingsError
from opto.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"OPTO_{name.upper()}", raising=False)
    return tmp_path


def test_flag_beats_variable_beats_file_beats_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().model is None
    (folder / "opto.toml").write_text('model = "from:file"\nthreads = 3\n')
    assert load_settings().model == "from:file"
    monkeypatch.setenv("OPTO_MODEL", "from:variable")
    assert load_settings().model == "from:variable"
    assert load_settings(model="from:flag").model == "from:flag"
    assert load_settings(model=None).model == "from:variable"
    assert load_settings().threads == 3


def test_a_misspelt_key_is_refused_with_the_near_miss(folder: Path) -> None:
    (folder / "opto.toml").write_text('modle = "openai:x"\n')

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert "modle" in caught.value.what
    assert "Did you mean 'model'?" in caught.value.fix


def test_a_key_has_no_place_in_the_file(folder: Path) -> None:
    (folder / "opto.toml").write_text('openai_api_key = "sk-canary-123456789"\n')

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert "sk-canary" not in str(caught.value)


def test_a_value_that_cannot_be_used_names_its_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTO_CALL_TIMEOUT_S", "soon")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert "'soon'" in caught.value.what
    assert "OPTO_CALL_TIMEOUT_S" in caught.value.where


@pytest.mark.parametrize("content", [b"model = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_an_explained_error(folder: Path, content: bytes) -> None:
    (folder / "opto.toml").write_bytes(content)

    with pytest.raises(SettingsError):
        load_settings()


def test_settings_cannot_be_changed_after_loading() -> None:
    settings = load_settings()

    with pytest.raises(ValidationError):
        settings.model = "other:model"  # type: ignore[misc]
