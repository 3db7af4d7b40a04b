"""Worker threads that can be replaced.

Lives here: `Pool`, which runs jobs at most `workers` at once and gives up on those that take too
long; `Inline`, which runs one at a time in the caller.
Never here: budgets, logs, what a job is.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeAlias

from opto.search.carry_out import Await, GivenUp
from opto.search.errors import StudyHalted
from opto.search.results import ActionResult

Work: TypeAlias = Callable[[Await], ActionResult]
Done: TypeAlias = tuple[int, ActionResult | None]
"""(key, result); None means it took too long. Key -1: nothing ended, something else woke us."""
WAKE: Done = (-1, None)
PATIENCE_S = 30.0
"""Once a job has halted the study, how long the others may take to end before they are dropped."""


class Runner(Protocol):
    """Runs jobs; used from one thread."""

    @property
    def free(self) -> int:
        """Jobs that may be submitted now."""
        ...

    @property
    def busy(self) -> int:
        """Jobs that were submitted and not taken."""
        ...

    def submit(self, key: int, work: Work) -> None:
        """Start `work` in the caller's context."""
        ...

    def take(self, timeout_s: float | None = None) -> Done:
        """The next that ended, in any order; `WAKE` after the timeout or `wake()`.

        Raises:
            StudyHalted: A job said so, and the others have ended or taken too long.
        """
        ...

    def wake(self) -> None:
        """End a waiting `take`; safe in a signal handler."""
        ...

    def close(self) -> None:
        """Let threads end; what still runs is left alone."""
        ...


class Loop:
    """An event loop in a thread, for async user code; starts when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: dict[int, Future[Any]] = {}
        self._cancelled: set[int] = set()

    def wait(self, key: int, value: Awaitable[Any]) -> Any:
        """The result of `value`, run in the loop and in the context of the calling thread."""
        future = asyncio.run_coroutine_threadsafe(_result(value), self._get())
        self._running[key] = future
        try:
            return future.result()
        except CancelledError:
            if key in self._cancelled:
                raise GivenUp from None
            raise
        finally:
            self._running.pop(key, None)

    def cancel(self, key: int) -> None:
        """Cancel the async code of a job, if it is running any."""
        self._cancelled.add(key)
        future = self._running.get(key)
        if future is not None:
            future.cancel()

    def cancelled(self, key: int) -> bool:
        """Was the job given up?"""
        return key in self._cancelled

    def close(self) -> None:
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            for future in list(self._running.values()):
                future.cancel()
            loop.call_soon_threadsafe(loop.stop)

    def _get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_run, args=(self._loop,), name="opto-search-async", daemon=True
                ).start()
            return self._loop


class Waiter:
    """What one job may ask of its thread; see `Await`."""

    def __init__(self, loop: Loop, key: int) -> None:
        self._loop, self._key = loop, key

    def __call__(self, value: Awaitable[Any]) -> Any:
        return self._loop.wait(self._key, value)

    @property
    def given_up(self) -> bool:
        return self._loop.cancelled(self._key)


async def _result(value: Awaitable[Any]) -> Any:
    return await value


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=1))
    loop.close()


class Inline:
    """One job at a time, in the calling thread: simple tracebacks, and no threads to wait for."""

    busy = 0

    def __init__(self) -> None:
        self._loop = Loop()
        self._next: tuple[int, Work] | None = None
        self.running = False
        """Is the user's code running in this thread?"""

    @property
    def free(self) -> int:
        return 1 - self.busy

    def submit(self, key: int, work: Work) -> None:
        self._next, self.busy = (key, work), 1

    def take(self, timeout_s: float | None = None) -> Done:  # noqa: ARG002  (Protocol)
        if self._next is None:
            return WAKE
        (key, work), self._next = self._next, None
        self.running = True
        try:
            return key, copy_context().run(work, Waiter(self._loop, key))
        finally:
            self.running, self.busy = False, 0

    def wake(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        self._loop.close()


class Pool:
    """Threads that run jobs, in any number at once up to `workers`."""

    def __init__(self, workers: int, *, seconds: float | None = None) -> None:
        """Start no thread yet.

        Args:
            workers: Most jobs at once, at least 1.
            seconds: When to give up on a job; None for never.
        """
        self._workers, self._seconds = workers, seconds
        self._jobs: SimpleQueue[tuple[int, Callable[[], ActionResult]] | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[int, ActionResult | BaseException | None]] = SimpleQueue()
        self._deadlines: dict[int, float] = {}
        self._threads = 0
        self._loop = Loop()
        self._halted: StudyHalted | None = None
        self._patience = float("inf")

    @property
    def free(self) -> int:
        return 0 if self._halted else self._workers - len(self._deadlines)

    @property
    def busy(self) -> int:
        return len(self._deadlines)

    def submit(self, key: int, work: Work) -> None:
        limit = float("inf") if self._seconds is None else time.monotonic() + self._seconds
        self._deadlines[key] = limit
        if self._threads < min(self._workers, len(self._deadlines)):
            self._start()
        context, wait = copy_context(), Waiter(self._loop, key)
        self._jobs.put((key, lambda: context.run(work, wait)))

    def take(self, timeout_s: float | None = None) -> Done:
        end = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self._end_if_halted()
            until = min([end, self._patience, *self._deadlines.values()])
            try:
                wait = None if until == float("inf") else max(until - time.monotonic(), 0)
                done = self._done.get(timeout=wait)
            except Empty:
                if (late := self._late()) is not None:
                    return late, None
                if time.monotonic() >= end:
                    return WAKE
                continue
            key, result = done
            if key == WAKE[0]:
                return WAKE
            if self._deadlines.pop(key, None) is None:  # given up before
                continue
            if not isinstance(result, BaseException):
                return key, result
            if not isinstance(result, StudyHalted):
                raise result
            if self._halted is None:
                self._halted, self._patience = result, time.monotonic() + PATIENCE_S

    def wake(self) -> None:
        self._done.put(WAKE)

    def close(self) -> None:
        for key in list(self._deadlines):
            self._loop.cancel(key)
        for _ in range(self._threads):
            self._jobs.put(None)
        self._loop.close()

    def _end_if_halted(self) -> None:
        if self._halted and (not self._deadlines or time.monotonic() >= self._patience):
            raise self._halted

    def _late(self) -> int | None:
        """A job past its deadline, given up; a new thread takes the place of its own."""
        now = time.monotonic()
        for key, deadline in self._deadlines.items():
            if deadline <= now:
                del self._deadlines[key]
                self._loop.cancel(key)
                self._start(replacing=True)
                return key
        return None

    def _start(self, *, replacing: bool = False) -> None:
        self._threads += not replacing
        threading.Thread(target=self._work, name="opto-search", daemon=True).start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            key, run = job
            try:
                self._done.put((key, run()))
            except BaseException as error:  # noqa: BLE001  (a thread must not die in silence)
                self._done.put((key, error))
            if self._loop.cancelled(key):  # another thread has this one's place
                return
