"""Keys do not leak by printing; prices are known, unknown or zero."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from decimal import Decimal

import pytest

from opto.llm.prices import price_usd
from opto.llm.secret import Secret, redact
from opto.llm.types import Usage

KEY = "sk-canary-0123456789abcdefgh"
MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def test_a_secret_shows_itself_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(KEY)
    logging.getLogger("x").warning("%s %r %s", secret, secret, {"key": secret})

    shown = f"{secret}{secret!r}{secret:>9}{[secret]}" + str(secret) + caplog.text

    assert KEY not in shown
    assert secret.reveal() == KEY


@pytest.mark.parametrize("write", [pickle.dumps, json.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_written_anywhere(write) -> None:
    with pytest.raises(TypeError):
        write(Secret(KEY))


def test_a_key_given_in_python_is_redacted_while_it_is_in_use() -> None:
    plain = "a-key-of-no-known-shape"
    secret = Secret(plain)

    assert plain not in redact(f"the server said: {plain} is wrong")
    assert secret.reveal() == plain


def test_a_blank_variable_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "  \n")

    assert Secret.from_environment("OPENAI_API_KEY") is None


def test_a_known_model_costs_its_list_price_and_cached_tokens_less() -> None:
    fresh = price_usd("gpt-4o-mini", MILLION, base_url="https://api.openai.com/v1")
    cached = Usage(input_tokens=1_000_000, output_tokens=1_000_000, cached_tokens=100_000)

    assert fresh == Decimal("0.75")
    assert price_usd("gpt-4o-mini", cached, base_url="https://api.openai.com/v1") == Decimal(
        "0.7425"
    )


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("no-such-model", "https://api.openai.com/v1"),
        ("gpt-4o-mini", "https://models.example.org/v1"),
    ],
)
def test_an_unknown_price_is_none_and_not_zero(model: str, url: str) -> None:
    assert price_usd(model, MILLION, base_url=url) is None


def test_a_server_that_does_not_count_has_no_known_price() -> None:
    assert price_usd("gpt-4o-mini", Usage(), base_url="https://api.openai.com/v1") is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:8000/v1"]
)
def test_this_machine_costs_nothing(url: str) -> None:
    assert price_usd("anything", MILLION, base_url=url) == 0
