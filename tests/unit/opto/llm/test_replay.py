"""A recorded run as a model: same questions, same answers, and a miss that explains itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from opto.errors import InputError
from opto.llm.client import LM
from opto.llm.errors import ModelCallError, ServerError
from opto.llm.replay import Call, Replay, ReplayMiss, difference, nearest, open_provider
from opto.llm.scripted import Scripted
from opto.llm.types import Completion, Message, OpenOptions, Request, Usage
from traces.events import Event
from traces.export import to_jsonl
from traces.read import events
from traces.record import Recorder, recording
from traces.store.sqlite import Store

OPTIONS = OpenOptions(model_dir=Path())
QUESTION = Request(
    messages=(Message("system", "Be brief."), Message("user", "How many chairs?\nAnd tables?")),
    temperature=0.0,
    purpose="formulate",
)


def answered(request: Request, *texts: str) -> list[Call]:
    return [Call(request.key(""), request, Completion(text=text)) for text in texts]


def ask(model: Replay, request: Request) -> str:
    return asyncio.run(model.complete(request)).text


def test_what_was_recorded_comes_back_word_for_word(tmp_path: Path) -> None:
    usage = Usage(input_tokens=11, output_tokens=3, seconds=1.5, usd=Decimal("0.002"))
    live = Completion(text="Twelve. “Ähm”", usage=usage, model="m-1", attempts=2)
    database, file = tmp_path / "runs.db", tmp_path / "run.jsonl"
    with Store(database) as store:
        with recording(Recorder(store, "run-1")), LM(Scripted([live], name="openai:m-1")) as lm:
            lm.complete(QUESTION)
        to_jsonl(events(store, "run-1"), file)

    with LM(open_provider(str(file), OPTIONS)) as replayed:
        again = replayed.complete(QUESTION)

    assert again == live


def test_who_answered_then_does_not_matter_but_what_was_asked_does() -> None:
    model = Replay(answered(QUESTION, "Twelve."), name="replay:x")

    assert ask(model, replace(QUESTION, purpose="other")) == "Twelve."
    for changed in (
        replace(QUESTION, temperature=0.5),
        replace(QUESTION, sample=1),
        replace(QUESTION, seed=1),
        replace(QUESTION, max_tokens=7),
        replace(QUESTION, prefill="{"),
        replace(QUESTION, messages=QUESTION.messages[1:]),
    ):
        with pytest.raises(ReplayMiss):
            ask(model, changed)


def test_a_question_asked_twice_gets_its_answers_in_order() -> None:
    model = Replay(answered(QUESTION, "one", "two"), name="replay:x")

    assert [ask(model, QUESTION) for _ in range(3)] == ["one", "two", "two"]


def test_a_miss_shows_what_differs_from_the_nearest_request() -> None:
    far = Request.of("Tell me a story about the sea.", purpose="formulate")
    model = Replay([*answered(far, "Once"), *answered(QUESTION, "Twelve.")], name="replay:x")
    asked = replace(
        QUESTION, messages=(QUESTION.messages[0], Message("user", "How many chairs?\nAnd lamps?"))
    )

    with pytest.raises(ReplayMiss) as miss:
        ask(model, asked)

    assert "-And tables?\n+And lamps?" in miss.value.where
    assert "sea" not in miss.value.where


def test_requests_of_the_same_purpose_are_nearer() -> None:
    other = replace(QUESTION, purpose="repair")
    same = replace(QUESTION, messages=(Message("user", "How many?"),))

    assert nearest(QUESTION, [other, same]) is same
    assert nearest(replace(QUESTION, purpose="new"), [same, other]) is other


def test_the_diff_stays_short() -> None:
    long = [Request.of("\n".join(f"{word} {n} " * 100 for n in range(500))) for word in "ab"]

    lines = difference(*long).splitlines()

    assert len(lines) == 25
    assert lines[-1].endswith("more lines")
    assert max(map(len, lines)) <= 201


def test_a_recording_without_calls_says_so() -> None:
    with pytest.raises(ReplayMiss, match="no model calls"):
        ask(Replay([], name="replay:x"), QUESTION)


def test_it_can_do_what_the_recorded_model_was_asked_for() -> None:
    graph = replace(QUESTION, grammar="root ::= [0-9]")

    assert Replay(answered(graph, "1"), name="replay:x").capabilities.grammar
    assert not Replay(answered(QUESTION, "1"), name="replay:x").capabilities.grammar
    assert Replay(answered(replace(QUESTION, prefill="{"), "1"), name="x").capabilities.prefill


def test_a_run_with_failures_is_the_same_run_again(tmp_path: Path) -> None:
    def run(lm: LM) -> list[str]:
        ended = []
        for number in (1, 2, 2, 3):
            try:
                ended.append(lm.ask(f"question {number}"))
            except ModelCallError as error:
                ended.append(f"{type(error).__name__} after {error.attempts}: {error.what}")
        return ended

    busy = ServerError("The server failed.", where="m-1: HTTP 500: boom", fix="Wait.")
    busy.attempts = 6
    replies = ["one", busy, "two", Completion(text="no", finish="filter")]
    database, live_file, again_file = tmp_path / "a.db", tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    with Store(database) as store:
        with recording(Recorder(store, "live")), LM(Scripted(replies, name="openai:m-1")) as lm:
            live = run(lm)
        to_jsonl(events(store, "live"), live_file)
        replayed = open_provider(str(live_file), OPTIONS)
        replayed.name = "openai:m-1"
        with recording(Recorder(store, "again")), LM(replayed) as lm:
            again = run(lm)
        to_jsonl(events(store, "again"), again_file)
        recorded = [
            [(event.kind, event.data.get("completion"), event.data.get("code")) for event in found]
            for found in (list(events(store, "live")), list(events(store, "again")))
        ]

    assert again == live
    assert live[1] == "ServerError after 6: The server failed."
    assert recorded[0] == recorded[1]


def event(data: dict[str, object]) -> Event:
    return Event("run", 1, "2026-01-01T00:00:00+00:00", "llm.call", None, data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "damage",
    [
        {"request": None},
        {"completion": {"text": "x"}},
        {"request": {"messages": [{"role": "user"}]}},
        {"request": {**QUESTION.to_json(), "wish": 1}},
        {"completion": {"text": "x", "usage": {"usd": "much"}}},
    ],
)
def test_a_damaged_call_is_refused_with_its_place(
    damage: dict[str, object], tmp_path: Path
) -> None:
    good = {"request": QUESTION.to_json(), "completion": Completion(text="x").to_json()}
    file = tmp_path / "run.jsonl"
    to_jsonl([event({**good, **damage})], file)

    with pytest.raises(InputError, match="Event 1 is not a model call"):
        open_provider(str(file), OPTIONS)


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")

    for name in ("notes.txt", "missing.jsonl"):
        with pytest.raises(InputError):
            open_provider(str(tmp_path / name), OPTIONS)


def test_other_events_are_skipped(tmp_path: Path) -> None:
    call = event({"request": QUESTION.to_json(), "completion": Completion(text="x").to_json()})
    file = tmp_path / "run.jsonl"
    to_jsonl([replace(call, kind="solver.done", data={}), call], file)

    assert ask(open_provider(str(file), OPTIONS), QUESTION) == "x"
