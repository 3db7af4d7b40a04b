"""What is going on, while it goes on.

Lives here: stage lines on a terminal. Never here: results.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from opto.display.text import plain

_LONGEST = 100


class Stages:
    """Shows one line per stage on stderr; the running one moves on a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status: Status | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop()

    def begin(self, stage: str, detail: str) -> None:
        """The stage called `stage` begins; the one before is over."""
        self._stop()
        words = escape(" ".join(plain(detail).split())[:_LONGEST])
        seconds = time.monotonic() - self._began
        self.console.print(f"[dim]{seconds:6.1f} s[/] [bold]{stage}[/] {words}", highlight=False)
        if self.console.is_terminal:
            self._status = self.console.status(f"{stage} ...")
            self._status.start()

    def wait(self, words: str) -> None:
        """Say what is waited for; called from any thread."""
        self.begin("wait", words)

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
