"""Asking again: how often, how long, and when not. Time is simulated."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from opto.llm.errors import (
    AuthError,
    BadResponse,
    ModelCallError,
    ModelTimeout,
    RateLimited,
    ServerError,
    UnreachableServer,
)
from opto.llm.retry import Retrying, RetryPolicy
from opto.llm.scripted import Reply, Scripted
from opto.llm.types import Completion, Request, Usage


class Timeline:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.waits_s: list[float] = []

    async def sleep(self, wait_s: float) -> None:
        self.waits_s.append(wait_s)
        self.now_s += wait_s


def run(
    replies: list[Reply], timeline: Timeline, *, deadline_s: float = 600.0, jitter: float = 0.5
) -> tuple[Completion, Scripted]:
    model = Scripted(replies)
    retrying = Retrying(
        model,
        RetryPolicy(deadline_s=deadline_s),
        sleep=timeline.sleep,
        clock=lambda: timeline.now_s,
        jitter=lambda: jitter,
    )
    return asyncio.run(retrying.complete(Request.of("q"))), model


def test_waits_double_and_the_answer_says_how_many_attempts_it_took() -> None:
    timeline = Timeline()

    completion, _ = run([ServerError("x"), ServerError("x"), ServerError("x"), "done"], timeline)

    assert timeline.waits_s == [0.25, 0.5, 1.0]
    assert completion.attempts == 4
    assert completion.usage.seconds == 1.75


@pytest.mark.parametrize(("jitter", "wait_s"), [(0.0, 7.0), (0.5, 7.35)])
def test_what_the_server_asks_for_is_a_floor_plus_a_little(jitter: float, wait_s: float) -> None:
    timeline = Timeline()

    run([RateLimited("x", retry_after_s=7.0), "done"], timeline, jitter=jitter)

    assert timeline.waits_s == [pytest.approx(wait_s)]


def test_a_wait_beyond_the_deadline_fails_at_once_and_says_why() -> None:
    timeline = Timeline()

    with pytest.raises(RateLimited, match="90 s, longer than the 60 s") as caught:
        run([RateLimited("x", retry_after_s=90.0)], timeline, deadline_s=60.0)

    assert timeline.waits_s == []
    assert caught.value.attempts == 1


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (AuthError("x"), 1),
        (ModelTimeout("x"), 2),
        (UnreachableServer("x"), 3),
        (BadResponse("x"), 3),
        (ServerError("x"), 6),
        (RateLimited("x"), 9),
    ],
)
def test_each_kind_of_error_is_worth_its_number_of_attempts(
    error: ModelCallError, attempts: int
) -> None:
    with pytest.raises(type(error)) as caught:
        run([error] * attempts, Timeline())

    assert caught.value.attempts == attempts


def test_a_provider_that_hangs_is_ended_by_the_deadline() -> None:
    class Hanging(Scripted):
        async def complete(self, request: Request) -> Completion:
            await asyncio.Event().wait()
            return await super().complete(request)

    retrying = Retrying(Hanging([]), RetryPolicy(deadline_s=0.05))

    with pytest.raises(ModelTimeout, match=r"0\.05 s"):
        asyncio.run(retrying.complete(Request.of("q")))


def test_all_calls_of_a_client_share_a_budget_of_retries() -> None:
    timeline = Timeline()
    broken = Scripted(lambda request: BadResponse("x"))
    policy = RetryPolicy(deadline_s=1000, share=0.2, spare=5)
    retrying = Retrying(
        broken, policy, sleep=timeline.sleep, clock=lambda: timeline.now_s, jitter=lambda: 0.0
    )

    async def many() -> None:
        for _ in range(100):
            with pytest.raises(BadResponse):
                await retrying.complete(Request.of("q"))

    asyncio.run(many())

    retries = len(broken.asked) - 100
    assert retries == 200  # two each, but no faster than one a second beyond the share
    assert timeline.now_s >= retries - 0.2 * 100 - 5 - 1


def test_refusals_do_not_use_up_the_budget_of_retries() -> None:
    timeline = Timeline()

    run([RateLimited("x")] * 8 + ["done"], timeline, jitter=0.0)

    assert timeline.now_s == 0


def test_a_retry_the_budget_delays_beyond_the_deadline_is_not_made() -> None:
    timeline = Timeline()
    model = Scripted([BadResponse("x")] * 2)
    retrying = Retrying(
        model,
        RetryPolicy(deadline_s=0.5, share=0.0, spare=1),
        sleep=timeline.sleep,
        clock=lambda: timeline.now_s,
        jitter=lambda: 0.0,
    )

    with pytest.raises(BadResponse) as caught:
        asyncio.run(retrying.complete(Request.of("q")))

    assert caught.value.attempts == 2


def test_the_cost_of_attempts_that_failed_is_part_of_the_answer() -> None:
    lost = BadResponse("x")
    lost.usage = Usage(input_tokens=3, output_tokens=4, usd=Decimal("0.5"))
    good = Completion(text="a", usage=Usage(input_tokens=3, output_tokens=1, usd=Decimal("0.1")))

    completion, _ = run([lost, good], Timeline())

    assert (completion.usage.output_tokens, completion.usage.usd) == (5, Decimal("0.6"))


def test_damaged_text_is_asked_for_once_more_and_then_taken() -> None:
    damaged = Completion(text="a\ufffd", damaged=True)

    again, _ = run([damaged, "whole"], Timeline())
    still, model = run([damaged, damaged], Timeline())

    assert (again.text, still.text) == ("whole", "a\ufffd")
    assert len(model.asked) == 2


def test_no_wait_is_longer_than_the_cap() -> None:
    policy = RetryPolicy(longest_wait_s=60.0)

    assert policy.wait_s(5000, ServerError("x"), jitter=1.0) == 60.0
