"""Secrets do not reach the store, an export, or a repr."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from traces.events import Event
from traces.export import to_jsonl
from traces.record import Recorder
from traces.redact import MASK, Redactor
from traces.store.sqlite import Store

SECRET = 'cánary/+ "key" 42?'  # noqa: S105  (made up)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"u:" + SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode() + b":x").decode(),
        base64.b64encode(b"user:x:" + SECRET.encode() + b"more").decode(),
    ],
)
def test_a_known_secret_is_hidden_in_every_spelling(form: str) -> None:
    shown = Redactor([SECRET]).text(f"before {form} after")

    assert MASK in shown
    around = shown.replace(MASK, "").removeprefix("before ").removesuffix(" after")
    assert len(around) <= 16  # quotes, or what base64 made of the text around the secret
    assert "42" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-proj-abcDEF123456_78", f"key {MASK}"),
        ("Authorization: Bearer abc.DEF-123", f"Authorization: Bearer {MASK}"),
        ("bearer abcdefghijklmnopqrstuvwx", f"bearer {MASK}"),
        ("GET http://h/v1?key=abc&n=1", f"GET http://h/v1?key={MASK}&n=1"),
        ("http://h/v1?n=1&api_key=a%2Fb", f"http://h/v1?n=1&api_key={MASK}"),
        ("AIza" + "a1_-" * 9, MASK),
        ("hf_" + "aB3" * 8, MASK),
        *[(f"gh{kind}_" + "aB3" * 8, MASK) for kind in "pousr"],
        ("github_pat_" + "aB3_" * 8, MASK),
        ("AKIA" + "A1B2" * 4, MASK),
        ("BEARER abc.DEF-123", f"BEARER {MASK}"),
        ("/v1?Access_Token=abc", f"/v1?Access_Token={MASK}"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, shown: str) -> None:
    assert Redactor().text(text) == shown


@pytest.mark.parametrize(
    "text",
    ["risk-adjusted-optimization-models", "task-scheduling-problem", "bearer bonds, 5 percent",
     "maximize key = 5", "bearer certificates"],
)  # fmt: skip
def test_words_of_problems_are_left_alone(text: str) -> None:
    assert Redactor().text(text) == text


def test_short_values_are_not_hidden_because_they_are_words() -> None:
    assert Redactor(["none", ""]).text("none of it") == "none of it"


def test_the_longer_of_two_secrets_wins() -> None:
    assert Redactor(["abcdefgh", "abcdefgh-ijkl"]).text("abcdefgh-ijkl") == MASK


def test_keys_are_hidden_too_and_stay_apart() -> None:
    redactor = Redactor(["secret-one", "secret-two"])

    assert redactor.json({"secret-one": ["secret-two", 1], "secret-two": None}) == {
        MASK: [MASK, 1],
        f"{MASK} (2)": None,
    }


def test_a_secret_learned_late_is_hidden_from_then_on() -> None:
    redactor = Redactor()
    redactor.hide("late-secret")
    assert redactor.text("a late-secret") == f"a {MASK}"


def test_no_secret_is_shown_by_repr() -> None:
    assert "canary-key" not in repr(Redactor(["canary-key"]))


def test_no_byte_of_the_secret_reaches_the_disk_or_the_caller(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.db", redactor=Redactor(["canary-key-1"])) as store:
        with Recorder(store, "r") as recorder:
            event = recorder.emit("x", span="canary-key-1", a={"canary-key-1": "is canary-key-1"})
        on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"canary-key-1" not in on_disk
    assert "canary-key-1" not in repr(event)
    assert event.data == {"a": {MASK: f"is {MASK}"}}


def test_an_export_is_redacted_again() -> None:
    out = io.StringIO()
    made = Event("r", 1, "2026-01-01T00:00:00+00:00", "k", "canary-key-1", {"x": "canary-key-1"})

    to_jsonl([made], out, redactor=Redactor(["canary-key-1"]))

    assert "canary" not in out.getvalue()
