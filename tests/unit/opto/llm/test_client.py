"""The LM object: sync, async, threads, sums, and the record of each call."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from opto.llm.client import LM
from opto.llm.errors import (
    BadResponse,
    InvalidRequest,
    ModelCallError,
    Refused,
    ServerError,
    Truncated,
)
from opto.llm.loop import BACKGROUND
from opto.llm.retry import Retrying, RetryPolicy
from opto.llm.scripted import Scripted
from opto.llm.types import Capabilities, Completion, Request, Usage
from traces.events import Event
from traces.record import Lease, NullStore, Recorder, recording

PAID = Usage(input_tokens=10, output_tokens=2, cached_tokens=4, seconds=0.5, usd=Decimal("0.01"))


class Kept(NullStore):
    """A store that keeps its events in a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, lease: Lease, kind: str, **rest) -> Event:
        event = super().append(lease, kind, **rest)
        self.events.append(event)
        return event


def test_a_question_gets_its_answer_from_sync_and_async_code() -> None:
    async def both(lm: LM) -> tuple[str, str]:
        return await lm.aask("two"), lm.ask("three")  # also sync inside a running loop

    lm = LM(Scripted(["1", "2", "3"]))

    assert lm.ask("one") == "1"
    assert asyncio.run(both(lm)) == ("2", "3")


def test_many_threads_may_ask() -> None:
    model = Scripted(lambda request: request.messages[0].content.upper())
    lm = LM(model)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lm.ask, [f"q{number}" for number in range(64)]))

    assert answers == [f"Q{number}" for number in range(64)]
    assert lm.usage.calls == 64


def test_usage_adds_up_and_one_unknown_price_makes_the_sum_unknown() -> None:
    lm = LM(Scripted([Completion(text="a", usage=PAID), Completion(text="b", usage=PAID), "c"]))
    for _ in range(3):
        lm.ask("q")

    spent = lm.usage
    assert (spent.calls, spent.input_tokens, spent.cached_tokens) == (3, 20, 8)
    assert spent.usd == Decimal("0.02")

    unknown = LM(Scripted([Completion(text="a", usage=PAID), Completion(text="b")]))
    unknown.ask("q")
    unknown.ask("q")
    assert (unknown.usage.usd, unknown.usage.known_usd) == (None, Decimal("0.01"))


@pytest.mark.parametrize(
    ("finish", "kind"), [("length", Truncated), ("filter", Refused), ("tool", BadResponse)]
)
def test_an_answer_that_is_not_whole_is_an_error_that_carries_it(
    finish, kind: type[ModelCallError]
) -> None:
    part = Completion(text="part", finish=finish, usage=PAID)
    lm = LM(Scripted([part]))

    with pytest.raises(kind) as caught:
        lm.ask("q")

    assert caught.value.completion == part
    assert (lm.usage.failed_calls, lm.usage.usd) == (1, Decimal("0.01"))  # it was billed


def test_a_failed_call_is_counted() -> None:
    lm = LM(Scripted([ServerError("x")]))

    with pytest.raises(ServerError):
        lm.ask("q")

    assert (lm.usage.calls, lm.usage.failed_calls) == (1, 1)


@pytest.mark.parametrize("need", [{"grammar": "g"}, {"prefill": "{"}])
def test_what_a_provider_cannot_do_is_refused_before_the_call(need: dict[str, str]) -> None:
    model = Scripted([])
    model.capabilities = Capabilities()

    with pytest.raises(InvalidRequest, match=next(iter(need))):
        LM(model).complete(Request(messages=Request.of("q").messages, **need))

    assert model.asked == []


def test_an_unscripted_call_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="call 1 is not scripted"):
        LM(Scripted([])).ask("q")


def test_a_script_that_was_not_used_up_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="1 scripted"):
        Scripted(["a"]).assert_all_used()


def test_a_call_is_one_event_that_can_be_replayed() -> None:
    store = Kept()
    request = Request.of("q", purpose="formulate")

    with recording(Recorder(store, "r")):
        LM(Scripted(["a"], name="m:1")).complete(request)

    (event,) = store.events
    assert (event.kind, event.data["key"]) == ("llm.call", request.key("m:1"))
    assert Request.from_json(event.data["request"]) == request
    assert Completion.from_json(event.data["completion"]).text == "a"


def test_calls_made_in_async_code_reach_the_same_record() -> None:
    store = Kept()

    async def ask() -> None:
        await asyncio.gather(*(lm.aask("q") for _ in range(3)))

    lm = LM(Scripted(["a", "b", "c"]))
    with recording(Recorder(store, "r")):
        asyncio.run(ask())
    lm_outside = LM(Scripted(["d"]))
    lm_outside.ask("q")

    assert [event.kind for event in store.events] == ["llm.call"] * 3


def test_failures_and_retries_are_events_without_keys(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "sk-canary-0123456789abcdefgh"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    store = Kept()

    async def no_sleep(wait_s: float) -> None: ...

    faulty = Scripted([ServerError(f"failed with {canary}")] * 6)
    lm = LM(Retrying(faulty, RetryPolicy(), sleep=no_sleep))
    with recording(Recorder(store, "r")), pytest.raises(ServerError):
        lm.ask("q")

    assert [event.kind for event in store.events] == ["llm.retry"] * 5 + ["llm.error"]
    assert store.events[-1].data["code"] == "llm.server"
    assert store.events[-1].data["attempts"] == 6
    assert canary not in repr(store.events) + caplog.text


def test_cancelling_async_code_cancels_the_call_and_is_counted() -> None:
    cancelled = threading.Event()

    class Hanging(Scripted):
        async def complete(self, request: Request) -> Completion:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return await super().complete(request)

    store = Kept()
    lm = LM(Hanging([]))

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await lm.aask("q")

    with recording(Recorder(store, "r")):
        asyncio.run(give_up())
        assert cancelled.wait(timeout=10)
        LM(Scripted(["x"])).ask("a call after it, in the same loop")

    assert [event.data.get("code") for event in store.events] == ["llm.cancelled", None]
    assert lm.usage.failed_calls == 1


def test_a_sync_call_inside_async_model_code_is_an_error_and_not_a_deadlock() -> None:
    lm = LM(Scripted(lambda request: LM(Scripted(["inner"])).ask("q")))

    with pytest.raises(RuntimeError, match="wait for itself"):
        lm.ask("q")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_the_loop_starts_again_in_a_forked_process() -> None:
    LM(Scripted(["warm"])).ask("q")
    dead = BACKGROUND._thread
    assert dead is not None

    BACKGROUND._thread = threading.Thread()  # what a child process is left with: not alive
    try:
        assert LM(Scripted(["again"])).ask("q") == "again"
    finally:
        assert BACKGROUND._thread is not dead


def test_closing_reaches_the_provider_and_the_name_is_in_the_repr() -> None:
    class Closing(Scripted):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    model = Closing(["a"], name="m:1")
    with LM(model) as lm:
        lm.ask("q")

    assert model.closed == 1
    assert "m:1" in repr(lm)
    assert "1 calls" in repr(lm)


def test_a_metered_part_counts_its_own_calls_and_records_each_once() -> None:
    store = Kept()
    lm = LM(Scripted(["a", "b"]))
    part = lm.metered()

    with recording(Recorder(store, "r")):
        lm.ask("q")
        part.ask("q")

    assert (lm.usage.calls, part.usage.calls) == (2, 1)
    assert [event.kind for event in store.events] == ["llm.call"] * 2
