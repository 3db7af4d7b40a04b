"""How many calls a server gets at once, and when it gets none. Time is simulated."""

from __future__ import annotations

import asyncio
import heapq

import pytest

from opto.llm.errors import (
    CircuitOpen,
    InvalidRequest,
    ModelCallError,
    ModelTimeout,
    RateLimited,
    ServerError,
    UnreachableServer,
)
from opto.llm.lanes import BreakerPolicy, Lane, LimitPolicy
from opto.llm.limits import Lanes, Limited
from opto.llm.retry import Retrying, RetryPolicy
from opto.llm.scripted import Scripted
from opto.llm.types import Completion, Request

HINT = RateLimited("slow down", retry_after_s=89.0)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def lane(clock: Clock, **limits: int) -> Lane:
    return Lane(LimitPolicy(**limits), BreakerPolicy(), clock)


def keep_busy(lane: Lane, clock: Clock, *, seconds: float, latency_s: float) -> None:
    """For some time all the calls that the lane takes, each of them answered."""
    ends: list[float] = []
    until_s = clock.now_s + seconds
    while clock.now_s < until_s:
        while lane.has_room:
            lane.take()
            heapq.heappush(ends, clock.now_s + latency_s)
        clock.now_s = heapq.heappop(ends)
        lane.ended(None, latency_s)
    for end_s in sorted(ends):
        clock.now_s = end_s
        lane.ended(None, latency_s)


def refuse(lane: Lane, clock: Clock, *, times: int) -> None:
    """Every five seconds a call is refused, with the wish to wait 89 s."""
    for _ in range(times):
        for _ in range(int(lane.limit)):
            lane.take()
        lane.ended(HINT, 0.1)
        while lane.in_flight:
            lane.leave()
        clock.now_s += 5


def test_refusals_with_long_hints_do_not_freeze_the_limit() -> None:
    clock = Clock()
    server = lane(clock, start=256)

    refuse(server, clock, times=12)

    assert clock.now_s == 60
    assert server.limit == 1


@pytest.mark.parametrize("latency_s", [0.2, 1.0, 3.0, 8.0])
def test_after_a_burst_of_refusals_the_limit_comes_back_within_three_minutes(
    latency_s: float,
) -> None:
    clock = Clock()
    server = lane(clock, start=100)
    refuse(server, clock, times=60)

    keep_busy(server, clock, seconds=180, latency_s=latency_s)

    assert server.limit >= 80


def test_a_burst_is_one_refusal() -> None:
    clock = Clock()
    server = lane(clock, start=64)
    for _ in range(64):
        server.take()

    for _ in range(64):
        server.ended(HINT, 0.1)

    assert server.limit == 32


def test_what_is_not_in_use_is_cut_first() -> None:
    server = lane(Clock(), start=200)
    for _ in range(4):
        server.take()

    server.ended(HINT, 0.1)

    assert server.limit == 2


def test_a_timeout_slows_down_a_little_and_an_unused_limit_does_not_grow() -> None:
    server = lane(Clock(), start=10)
    for _ in range(10):
        server.take()
    server.ended(ModelTimeout("x"), 1.0)
    slower = server.limit
    for _ in range(9):
        server.ended(None, 1.0)
    limit = server.limit

    for _ in range(500):  # one at a time: the limit is not what holds it back
        server.take()
        server.ended(None, 1.0)

    assert slower == pytest.approx(9.0)
    assert server.limit == limit


def test_five_faults_in_a_row_open_the_breaker_and_one_call_tries_again() -> None:
    clock = Clock()
    server = lane(clock)
    for error in (UnreachableServer("x"), ServerError("x"), ModelTimeout("x")) * 2:
        assert server.has_room == (server.open_for_s == 0)
        server.take()
        server.ended(error, 0.1)

    assert (server.open_for_s, server.has_room) == (10.0, False)
    clock.now_s += 10
    assert server.has_room
    server.take()
    assert not server.has_room  # one probe at a time
    server.ended(ServerError("still down"), 0.1)
    assert server.open_for_s == 10.0
    clock.now_s += 10
    server.take()
    server.ended(None, 0.1)
    assert (server.open_for_s, server.has_room) == (0.0, True)


def test_a_server_that_answers_with_a_no_is_there() -> None:
    server = lane(Clock())
    for _ in range(4):
        server.take()
        server.ended(ServerError("x"), 0.1)
    server.take()
    server.ended(InvalidRequest("x"), 0.1)
    server.take()
    server.ended(ServerError("x"), 0.1)

    assert server.has_room


def test_a_probe_that_is_given_up_does_not_lock_the_lane() -> None:
    clock = Clock()
    server = lane(clock)
    for _ in range(5):
        server.take()
        server.ended(ServerError("x"), 0.1)
    clock.now_s += 10

    server.take()
    server.leave()

    assert server.has_room


class Counting(Scripted):
    """Answers after a while and knows how many calls it had at once."""

    most = now = 0

    async def complete(self, request: Request) -> Completion:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        return await super().complete(request)


def test_no_more_calls_than_the_limit_are_under_way() -> None:
    model = Counting(lambda request: "x")
    limited = Limited(model, Lanes(limits=LimitPolicy(start=4, ceiling=4)))

    async def many() -> None:
        await asyncio.gather(*(limited.complete(Request.of("q")) for _ in range(50)))

    asyncio.run(many())

    assert model.most == 4


def test_a_call_that_waits_for_a_retry_leaves_its_place_to_others() -> None:
    model = Scripted([RateLimited("x"), "second", "first, again"])
    order: list[str] = []

    async def both() -> None:
        asleep = asyncio.Event()

        async def sleep(wait_s: float) -> None:
            asleep.set()
            await other

        lanes = Lanes(limits=LimitPolicy(start=1, ceiling=1))
        limited = Limited(Retrying(model, RetryPolicy(), sleep=sleep), lanes)

        async def ask() -> None:
            order.append((await limited.complete(Request.of("q"))).text)

        first = asyncio.create_task(ask())
        other = asyncio.create_task(ask())
        async with asyncio.timeout(10):
            await asyncio.gather(first, other)
            assert asleep.is_set()

    asyncio.run(both())

    assert order == ["second", "first, again"]


def test_giving_up_while_waiting_or_working_leaks_no_place() -> None:
    class Slow(Scripted):
        async def complete(self, request: Request) -> Completion:
            await asyncio.sleep(60)
            return await super().complete(request)

    lanes = Lanes(limits=LimitPolicy(start=2, ceiling=2))

    async def give_up() -> None:
        limited = Limited(Slow([]), lanes)
        calls = [asyncio.create_task(limited.complete(Request.of("q"))) for _ in range(6)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for call in (calls[5], calls[0], *calls):
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(give_up())

    assert lanes.lanes[0].in_flight == 0


def test_an_open_breaker_is_an_error_that_says_when_it_is_tried_again() -> None:
    model = Scripted([ServerError("x")] * 5)
    limited = Limited(model, Lanes())

    async def until_open() -> None:
        for _ in range(5):
            with pytest.raises(ServerError):
                await limited.complete(Request.of("q"))
        with pytest.raises(CircuitOpen, match="5 times in a row") as caught:
            await Limited(Retrying(model, RetryPolicy(deadline_s=5)), limited.lanes).complete(
                Request.of("q")
            )
        assert caught.value.retry_after_s == pytest.approx(10, abs=1)

    asyncio.run(until_open())

    assert len(model.asked) == 5


def test_those_who_wait_are_told_when_the_breaker_opens() -> None:
    class Failing(Scripted):
        async def complete(self, request: Request) -> Completion:
            await asyncio.sleep(0)
            raise UnreachableServer("x")

    lanes = Lanes(limits=LimitPolicy(start=1, ceiling=1))
    retrying = Retrying(Failing([]), RetryPolicy(deadline_s=1.0, first_wait_s=0.01))
    limited = Limited(retrying, lanes)

    async def many() -> list[ModelCallError | BaseException | Completion]:
        async with asyncio.timeout(30):
            calls = (limited.complete(Request.of("q")) for _ in range(20))
            return await asyncio.gather(*calls, return_exceptions=True)

    ended = asyncio.run(many())

    assert {type(error) for error in ended} == {CircuitOpen}  # and none waits for ever


def test_a_server_that_fails_fast_does_not_attract_calls() -> None:
    clock = Clock()
    lanes = Lanes(2, clock=clock)
    bad, good = 0, 1

    async def many() -> list[int]:
        went = []
        for _ in range(20):
            lane = await lanes.enter()
            went.append(lane)
            lanes.ended(lane, ServerError("x") if lane == bad else None, 0.1)
        clock.now_s += 11
        await asyncio.sleep(0)
        went.append(await lanes.enter())
        return went

    went = asyncio.run(many())

    assert went[:20].count(bad) == 1
    assert went[20] == bad  # long ago by now, and used less
    assert good in went
