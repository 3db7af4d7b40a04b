"""One event loop for all model calls, so that sync code, notebooks and async code share clients.

Lives here: the background thread that runs the loop.
Never here: models, requests.

A provider's connections belong to the loop they were opened in. `asyncio.run` per call would
break them, and does not work inside a notebook, which has a running loop of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, ref

T = TypeVar("T")


class Background:
    """An event loop in a daemon thread; started on first use, stopped at exit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._mails: WeakKeyDictionary[asyncio.AbstractEventLoop, _Mail] = WeakKeyDictionary()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start `work` in the loop, in the caller's context (what is recorded stays recorded)."""
        return asyncio.run_coroutine_threadsafe(work, self._running())

    async def arun(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, from another event loop; cancelling this cancels it.

        What `asyncio.wrap_future(self.submit(work))` does, at a third of the cost: no locks of
        futures made for threads, and one wake-up for all results that are ready.
        """
        here, home = asyncio.get_running_loop(), self._running()
        if here is home:
            return await work
        done: asyncio.Future[T] = here.create_future()
        tasks: list[asyncio.Task[T]] = []
        mail = self._mail(here)

        def start() -> None:
            tasks.append(home.create_task(work))
            tasks[0].add_done_callback(lambda task: mail.post(lambda: _settle(done, task)))

        self._mail(home).post(start)
        try:
            return await done
        except asyncio.CancelledError:
            self._mail(home).post(lambda: tasks[0].cancel())  # noqa: PLW0108  (none yet)
            raise

    def _mail(self, loop: asyncio.AbstractEventLoop) -> _Mail:
        """The mail of a loop; it goes when the loop goes."""
        mail = self._mails.get(loop)
        if mail is None:
            with self._lock:
                mail = self._mails.setdefault(loop, _Mail(loop))
        return mail

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; Ctrl-C cancels it. Not to be called from inside the loop."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("A sync call inside async model code would wait for itself.")
        future = self.submit(work)
        try:
            return future.result()
        except (KeyboardInterrupt, CancelledError):
            future.cancel()
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            alive = self._thread is not None and self._thread.is_alive()  # not after a fork
            if self._loop is None or not alive:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="opto-llm", daemon=True
                )
                self._thread.start()
                atexit.register(_stop, self._loop, self._thread)
            return self._loop


class _Mail:
    """Things to do in a loop, posted from other threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop)  # the key of the table that holds this
        self._todo: deque[tuple[Callable[[], object], Context]] = deque()
        self._awake = False

    def post(self, what: Callable[[], object]) -> None:
        """Have `what` done there, in the context of the caller."""
        loop = self._loop()
        self._todo.append((what, copy_context()))
        if not self._awake and loop is not None and not loop.is_closed():
            self._awake = True
            with suppress(RuntimeError):  # closed in this moment: nobody waits there
                loop.call_soon_threadsafe(self._work)

    def _work(self) -> None:
        self._awake = False  # first: what is posted from here on wakes the loop again
        while self._todo:
            what, context = self._todo.popleft()
            context.run(what)


def _settle(done: asyncio.Future[T], task: asyncio.Task[T]) -> None:
    """Pass the end of `task` on to the future of another loop."""
    error = None if task.cancelled() else task.exception()  # also where nobody waits any more
    if done.done():
        return
    if task.cancelled():
        done.cancel()
    elif error is not None:
        done.set_exception(error)
    else:
        done.set_result(task.result())


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """End the loop at exit; a call that still hangs does not hold up the exit."""
    if not thread.is_alive():
        return
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=2)
    if not thread.is_alive():
        loop.close()


BACKGROUND = Background()
