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
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """An event loop in a daemon thread; started on first use, stopped at exit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start `work` in the loop, in the caller's context (what is recorded stays recorded)."""
        return asyncio.run_coroutine_threadsafe(work, self._running())

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


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """End the loop at exit; a call that still hangs does not hold up the exit."""
    if not thread.is_alive():
        return
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=2)
    if not thread.is_alive():
        loop.close()


BACKGROUND = Background()
