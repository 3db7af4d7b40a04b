"""Ctrl-C while calls are in flight.

Lives here: `CtrlC`, a flag instead of an exception in the middle of writing a log.
Never here: what is done about it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self


class CtrlC:
    """While open in the main thread, the first Ctrl-C sets `pressed`; the second raises."""

    def __init__(self, wake: Callable[[], None], *, at_once: Callable[[], bool]) -> None:
        """Prepare.

        Args:
            wake: Called on the first Ctrl-C; must be safe in a signal handler.
            at_once: Shall the first Ctrl-C raise too? Asked when it comes.
        """
        self.pressed = False
        self._wake, self._at_once = wake, at_once
        self._before: object = None
        self._mine = False

    def __enter__(self) -> Self:
        before = signal.getsignal(signal.SIGINT)
        # a handler of the user's own is left alone, and so is one of asyncio's
        usual = before is signal.default_int_handler
        if threading.current_thread() is threading.main_thread() and usual:
            self._before, self._mine = signal.signal(signal.SIGINT, self._on_signal), True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._mine:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.pressed or self._at_once():
            self.pressed = True
            raise KeyboardInterrupt
        self.pressed = True
        self._wake()
