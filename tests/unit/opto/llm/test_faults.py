"""The 26 faults and the tool-call garbage, through both SDK-backed providers and all wrappers."""

from __future__ import annotations

import asyncio
import resource
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from model_server import Asked, ModelServer, says

import opto.llm
from opto.llm.client import LM
from opto.llm.errors import ModelCallError
from opto.llm.lanes import BreakerPolicy, LimitPolicy
from opto.llm.limits import Lanes, Limited
from opto.llm.reserve import Budget
from opto.llm.retry import Retrying, RetryPolicy
from opto.llm.stack import CallOptions, wrap
from opto.llm.structured import Unreadable, ask_structured
from opto.llm.testing import FAULTS, TOOL_GARBAGE, Fault, mix
from opto.llm.types import Message, Provider, Request, Waits
from traces.events import Event
from traces.record import Lease, NullStore, Recorder, recording

Open = Callable[..., Provider]
HURRY = Waits(first_token_s=0.5, idle_s=0.3)
ALL = [*FAULTS, *TOOL_GARBAGE]
named = pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.name)


async def no_sleep(wait_s: float) -> None: ...


def at(open_at: Open, fault: Fault) -> Provider:
    return open_at(timeout_s=1.0, waits=HURRY, streamed=fault.streamed)


def test_there_are_26_of_them_with_names_of_their_own() -> None:
    assert len(FAULTS) == 26
    assert len({fault.name for fault in ALL}) == len(ALL)


def test_the_table_of_the_readme_says_what_the_tests_hold() -> None:
    text = Path(opto.llm.__file__).with_name("README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    told = {row[0]: (row[2], row[3] == "yes") for row in rows if len(row) == 4}

    for fault in ALL:
        code = f"`{fault.code}`" if fault.code else "answer"
        assert told[f"`{fault.name}`"] == (code, fault.again)


@named
def test_each_fault_is_one_typed_error_or_an_answer(
    open_at: Open, server: ModelServer, fault: Fault
) -> None:
    server.plan = [fault.answer]

    with LM(at(open_at, fault)) as lm:
        if not fault.code:
            assert lm.ask("q").startswith(
                ("forty-two", "a\N{REPLACEMENT CHARACTER}b", "\ufffd", "MARK")
            )
            return
        with pytest.raises(ModelCallError) as caught:
            lm.ask("q")

    assert caught.value.code == fault.code
    assert len(server.asked) == 1


@named
def test_what_may_pass_is_asked_again_and_nothing_else(
    open_at: Open, server: ModelServer, fault: Fault
) -> None:
    server.plan = [fault.answer, says("good")]
    retrying = Retrying(at(open_at, fault), RetryPolicy(), sleep=no_sleep)

    with LM(Limited(retrying, Lanes())) as lm:
        try:
            ended = lm.ask("q")
        except ModelCallError as error:
            ended = error.code

    assert (ended == "good") == fault.again
    assert len(server.asked) == 1 + fault.again


@pytest.mark.parametrize("fault", TOOL_GARBAGE[:6], ids=lambda fault: fault.name)
def test_a_tool_call_nobody_offered_costs_one_repair_turn(
    open_at: Open, server: ModelServer, fault: Fault
) -> None:
    server.plan = [fault.answer, says("[1, 2]")]

    with LM(open_at()) as lm:
        value = ask_structured(lm, Request.of("two numbers"), list[int])

    assert value == [1, 2]
    assert "No tools can be called here" in server.asked[1].body["messages"][-1]["content"]


def test_a_model_that_keeps_calling_tools_is_unreadable(open_at: Open, server: ModelServer) -> None:
    server.choose = lambda asked: TOOL_GARBAGE[0].answer

    with LM(open_at()) as lm:
        value = ask_structured(lm, Request.of("two numbers"), list[int])

    assert isinstance(value, Unreadable)
    assert value.attempts == len(server.asked) == 2


def test_a_200_mb_body_does_not_fill_the_memory(open_at: Open, server: ModelServer) -> None:
    huge = next(fault for fault in FAULTS if fault.name == "huge")
    server.plan = [huge.answer]
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with LM(open_at()) as lm, pytest.raises(ModelCallError, match="16 MB"):
        lm.ask("q")

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 150_000


class Kept(NullStore):
    """A store that keeps its events in a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, lease: Lease, kind: str, **rest) -> Event:
        event = super().append(lease, kind, **rest)
        self.events.append(event)
        return event


def answer_of(asked: Asked) -> str:
    return f"answer to {asked.body['messages'][-1]['content']}"


def test_1000_calls_at_30_percent_faults_lose_double_and_overspend_nothing(
    open_at: Open, server: ModelServer
) -> None:
    calls, billed = 1000, Counter[str]()
    streamed = open_at().name.startswith("anthropic")  # one vendor each way, to save time

    def good(asked: Asked):
        billed[answer_of(asked)] += 1
        return says(answer_of(asked))

    server.choose = mix(0.3, seed=5, good=good)
    budget = Budget(tokens=calls * 2000)
    options = CallOptions(
        budget=budget,
        retry=RetryPolicy(deadline_s=30, first_wait_s=0.01, longest_wait_s=0.05, spare=calls),
        breaker=BreakerPolicy(open_s=0.2),
        limits=LimitPolicy(floor=32),  # 1 in 30 is refused, which would make it slow for long
        waits=Waits(first_token_s=4, idle_s=4),  # a good answer is in time on a busy machine, too
    )
    provider = open_at(timeout_s=4.0, waits=options.waits, streamed=streamed)
    store, lock, ended = Kept(), threading.Lock(), Counter[str]()

    def one(number: int) -> None:
        request = Request(messages=(Message("user", f"question {number}"),), max_tokens=50)
        try:
            text = lm.complete(request).text
        except ModelCallError as error:
            text = error.code
        else:
            assert text == f"answer to question {number}" or not text.startswith("answer")
        with lock:
            ended[text] += 1

    recorder = Recorder(store, "r")
    with LM(wrap([provider], options, remote=True)) as lm, ThreadPoolExecutor(64) as pool:

        def recorded(number: int) -> None:
            with recording(recorder):
                one(number)

        for done in [pool.submit(recorded, number) for number in range(calls)]:
            done.result(timeout=300)

        assert lm.usage.calls == calls

    assert ended.total() == calls
    assert max(billed.values()) == 1  # what was answered well is not asked again
    good_answers = [text for text in ended if text.startswith("answer to")]
    assert set(good_answers) == set(billed)
    outcomes = [event for event in store.events if event.kind in ("llm.call", "llm.error")]
    assert len(outcomes) == calls
    assert budget.held.tokens == 0
    assert len(billed) * 18 <= budget.spent.tokens <= calls * 2000
    assert len(good_answers) > 0.7 * calls


def test_a_silent_server_hangs_no_call(open_at: Open, server: ModelServer) -> None:
    server.choose = lambda asked: next(fault.answer for fault in FAULTS if fault.name == "silent")
    provider = open_at(timeout_s=0.3)
    policy = RetryPolicy(deadline_s=1.0, first_wait_s=0.01)

    async def all_of_them(lm: LM) -> list[BaseException | str]:
        async with asyncio.timeout(60):
            calls = [lm.aask(f"q{number}") for number in range(64)]
            return await asyncio.gather(*calls, return_exceptions=True)

    with LM(wrap([provider], CallOptions(retry=policy), remote=True)) as lm:
        ended = asyncio.run(all_of_them(lm))

    assert {error.code for error in ended if isinstance(error, ModelCallError)} <= {
        "llm.timeout",
        "llm.circuit_open",
    }
    assert all(isinstance(error, ModelCallError) for error in ended)
