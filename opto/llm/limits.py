"""Whose turn it is: calls wait until a server has room for them.

A call holds its permit only while the server works on it: `Retrying`, further inside, gives it
back while it waits for the next attempt, and reports how each attempt ended. Both find the permit
of their call in a context variable, so that the Protocol of providers stays what it is.

Lives here: permits, the queue, the choice of the least loaded server, health checks, `Limited`.
Never here: how a limit grows and shrinks (`opto.llm.lanes`), retries.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar

from opto.llm.errors import CircuitOpen, ModelCallError
from opto.llm.lanes import BreakerPolicy, Lane, LimitPolicy
from opto.llm.types import Capabilities, Completion, Provider, Request

Check = Callable[[int], Awaitable[bool]]
"""Is the server of this lane alive?"""


class Lanes:
    """The servers of one model, and the queue before them. Use it from one event loop."""

    def __init__(
        self,
        count: int = 1,
        *,
        limits: LimitPolicy | None = None,
        breaker: BreakerPolicy | None = None,
        check: Check | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make `count` lanes.

        Args:
            count: Servers, at least one.
            limits: Of each.
            breaker: Of each.
            check: Asked before a server that was left alone gets a call again; None: the call
                itself is the test.
            clock: Seconds that never go back.
        """
        self._breaker = breaker or BreakerPolicy()
        self.lanes = [Lane(limits or LimitPolicy(), self._breaker, clock) for _ in range(count)]
        self._check = check
        self._checks: set[asyncio.Task[None]] = set()
        self._queue: deque[asyncio.Future[int]] = deque()

    async def enter(self) -> int:
        """The index of a lane with room, taken; waits for one.

        Raises:
            CircuitOpen: No server is being asked at the moment.
        """
        index = None if self._queue else self._free()
        if index is not None:
            self.lanes[index].take()
            return index
        if self._all_open():
            raise self._circuit_open()
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        for lane in self.lanes:
            lane.want_more()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave(turn.result())
            raise

    def leave(self, index: int) -> None:
        """Give a lane back without a verdict."""
        self.lanes[index].leave()
        self._hand_out()

    def ended(self, index: int, error: ModelCallError | None, seconds: float) -> None:
        """Give a lane back and say how the attempt ended."""
        lane = self.lanes[index]
        was_open = lane.open_for_s > 0
        lane.ended(error, seconds)
        if lane.open_for_s > 0 and not was_open and self._check is not None:
            lane.must_be_checked = True
            self._start_check(index)
        self._hand_out()

    async def aclose(self) -> None:
        """End the health checks."""
        checks = tuple(self._checks)
        for task in checks:
            task.cancel()
        await asyncio.gather(*checks, return_exceptions=True)

    def _free(self) -> int | None:
        """The least loaded lane with room; of equals, the one used least."""
        free = [index for index, lane in enumerate(self.lanes) if lane.has_room]
        if not free:
            return None
        return min(free, key=lambda index: (self.lanes[index].weight, self.lanes[index].taken))

    def _hand_out(self) -> None:
        """Let those who wait go on, as far as there is room."""
        while self._queue:
            index = self._free()
            if index is None and not self._all_open():
                return
            turn = self._queue.popleft()
            if turn.done():
                continue
            if index is None:
                turn.set_exception(self._circuit_open())
            else:
                self.lanes[index].take()
                turn.set_result(index)

    def _all_open(self) -> bool:
        return all(lane.open_for_s > 0 or lane.must_be_checked for lane in self.lanes)

    def _circuit_open(self) -> CircuitOpen:
        wait_s = min(lane.open_for_s for lane in self.lanes)
        wait_s = max(wait_s, self._breaker.open_s / 10)  # a health check takes time, too
        return CircuitOpen(
            f"The server failed {self._breaker.failures} times in a row and is left alone.",
            fix=f"It is tried again in {wait_s:.1f} s.",
            retry_after_s=wait_s,
        )

    def _start_check(self, index: int) -> None:
        task = asyncio.get_running_loop().create_task(self._until_alive(index))
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _until_alive(self, index: int) -> None:
        """Ask the server of a lane, now and then, whether it is back."""
        lane = self.lanes[index]
        while lane.must_be_checked and self._check is not None:
            await asyncio.sleep(lane.open_for_s)
            if await self._check(index):
                lane.must_be_checked = False
            else:
                lane.postpone()
        self._hand_out()


class Permit:
    """The turn of one call: which lane it has, if any."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self.lane: int | None = None

    async def hold(self) -> None:
        """Wait for a lane unless there is one already.

        Raises:
            CircuitOpen: No server is being asked at the moment.
        """
        if self.lane is None:
            self.lane = await self._lanes.enter()

    def ended(self, error: ModelCallError | None, seconds: float) -> None:
        """The attempt is over; the lane is given back."""
        lane, self.lane = self.lane, None
        if lane is not None:
            self._lanes.ended(lane, error, seconds)

    def drop(self) -> None:
        """Give the lane back, if there is one, without a verdict."""
        lane, self.lane = self.lane, None
        if lane is not None:
            self._lanes.leave(lane)


PERMIT: ContextVar[Permit | None] = ContextVar("opto_llm_permit", default=None)


class Limited:
    """A provider that gets no more calls at once than its server takes."""

    def __init__(
        self, inner: Provider, lanes: Lanes, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.inner, self.lanes, self._clock = inner, lanes, clock

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def complete(self, request: Request) -> Completion:
        permit = Permit(self.lanes)
        with suppress(CircuitOpen):  # met again by the first attempt, where it can be waited for
            await permit.hold()  # waiting for a turn does not count against the deadline
        token = PERMIT.set(permit)
        started = self._clock()
        try:
            completion = await self.inner.complete(request)
        except ModelCallError as error:
            permit.ended(error, self._clock() - started)
            raise
        else:
            permit.ended(None, self._clock() - started)
            return completion
        finally:
            permit.drop()
            PERMIT.reset(token)

    async def aclose(self) -> None:
        await self.lanes.aclose()
        await self.inner.aclose()
