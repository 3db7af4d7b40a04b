"""A key is in the header of the request and in no file, log, traceback or export."""

from __future__ import annotations

import base64
import gc
import io
import json
import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from model_server import Answer, Asked, ModelServer, fails, says

from opto.llm.client import LM
from opto.llm.errors import ModelCallError
from opto.llm.open import open_model
from opto.llm.retry import RetryPolicy
from opto.llm.stack import CallOptions
from opto.llm.testing import FAULTS, TOOL_GARBAGE
from opto.llm.types import Waits
from opto.settings import Settings
from traces.export import to_jsonl
from traces.read import events
from traces.record import Recorder, recording
from traces.store.sqlite import Store

CANARY = "Canary+key/of-no-known-shape=42"
FORMS = {
    CANARY,
    quote(CANARY, safe=""),
    base64.b64encode(CANARY.encode()).decode().rstrip("=")[:-1],
    repr(CANARY.encode())[2:-1],
}
SLOW = {"silent", "slow_loris", "s_stall", "s_trickle", "429_wait_90", "429_wait_2"}


def echoing(asked: Asked) -> Answer:
    """A server that repeats the key it was sent in its error."""
    return fails(401, f"bad credentials: {asked.headers}")


def a_page_with_the_key(asked: Asked) -> Answer:
    return Answer(f"<html>{asked.headers}</html>".encode())


def a_model_with_the_key(asked: Asked) -> Answer:
    good = says("fine").bytes_for(asked.path)
    key = json.dumps(str(asked.headers)).encode()
    return Answer(good.replace(b'"served-model"', key))


def an_ending_with_the_key(asked: Asked) -> Answer:
    good = says("fine").bytes_for(asked.path)
    key = json.dumps(str(asked.headers)).encode()
    return Answer(good.replace(b'"stop"', key).replace(b'"end_turn"', key))


def an_answer_with_the_key(asked: Asked) -> Answer:
    return says(f"you sent {asked.headers}")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything anybody logs, the SDKs and the HTTP library too, at the lowest level."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def leftovers(folder: Path) -> str:
    """Every byte of every file below `folder`, and every name."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return "".join(f"{file}\n{file.read_bytes().decode('latin-1')}" for file in files)


def call(lm: LM, recorder: Recorder, told: list[str]) -> None:
    """One call, and all that Python can tell about how it failed."""
    with recording(recorder):
        try:
            told.append(lm.ask("a question"))
        except ModelCallError as error:
            frames = traceback.TracebackException.from_exception(error, capture_locals=True)
            told.extend(frames.format())
            told.append(repr(error.__context__) + repr(error.__cause__) + repr(vars(error)))
            sys.excepthook(type(error), error, error.__traceback__)
        try:
            told.extend(lm.stream("another question"))
        except ModelCallError as error:
            told.append(str(error))


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_the_key_is_found_nowhere(
    vendor: str,
    server: ModelServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    log: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPTO_API_KEY", CANARY)
    monkeypatch.chdir(tmp_path)
    faults = [fault for fault in (*FAULTS, *TOOL_GARBAGE) if fault.name not in SLOW]
    behave = [echoing, a_page_with_the_key, a_model_with_the_key, an_ending_with_the_key]
    behave += [an_answer_with_the_key, lambda asked: says("fine")]
    behave += [lambda asked, fault=fault: fault.answer for fault in faults]
    options = CallOptions(
        cache=tmp_path / "answers.db",
        retry=RetryPolicy(first_wait_s=0.001, longest_wait_s=0.01, spare=10_000),
        waits=Waits(first_token_s=5, idle_s=5),
    )
    told: list[str] = []

    with Store(tmp_path / "runs.db") as store, Recorder(store, "run") as recorder:
        for choose in behave:
            server.choose = choose
            spec = f"{vendor}:m@{server.url}"
            with open_model(spec, Settings(models_dir=tmp_path), calls=options) as lm:
                call(lm, recorder, told)
                told.append(repr(lm) + repr(vars(lm)) + repr(vars(lm._provider.inner)))
        to_jsonl(events(store, "run"), tmp_path / "export.jsonl")

    shown = capfd.readouterr()
    places = {
        "files": leftovers(tmp_path),
        "log": log.getvalue(),
        "traceback": "\n".join(told),
        "output": shown.out + shown.err,
        "arguments": " ".join(sys.argv),
    }
    sent = [value for asked in server.asked for value in asked.headers.values()]
    assert any(CANARY in value for value in sent)
    assert len(places["log"]) > 1000
    assert len(places["files"]) > 10_000
    answer = next(text for text in told if text.startswith("you sent"))
    told_back = places["traceback"].replace(answer, "")  # the caller's own, not ours to change
    for form in FORMS:
        for place, text in places.items():
            found = told_back if place == "traceback" else text
            assert form not in found.replace(answer, ""), (form, place)


def test_no_object_that_prints_holds_the_key(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = CANARY[::-1]
    monkeypatch.setenv("OPTO_API_KEY", another)
    monkeypatch.chdir(tmp_path)
    with open_model(f"openai:m@{server.url}", Settings(models_dir=tmp_path)) as lm:
        lm.ask("q")
        shown = [
            repr(thing)
            for thing in gc.get_objects()
            if str(type(thing).__module__).startswith("opto.")
            and not str(type(thing).__module__).startswith("opto.llm.testing")
        ]

    assert shown
    assert not [text for text in shown if another in text]
