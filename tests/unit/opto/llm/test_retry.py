"""Asking again: how often, how long, and when not. Time is simulated."""

from __future__ import annotations

import asyncio

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
from opto.llm.types import Completion, Request


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


def test_no_wait_is_longer_than_the_cap() -> None:
    policy = RetryPolicy(longest_wait_s=60.0)

    assert policy.wait_s(5000, ServerError("x"), jitter=1.0) == 60.0
