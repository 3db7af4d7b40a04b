"""How an evaluation is going, while it goes.

Lives here: the moving line on a terminal, and a plain line now and then elsewhere.
Never here: results on stdout.
"""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.items import ItemResult
from benchmarks.scoring import wilson

_EVERY_S = 30.0
"""Between two lines where there is no terminal."""


class BenchProgress:
    """Counts results as they come, from any thread."""

    def __init__(self, total: int, console: Console) -> None:
        self._lock = threading.Lock()
        self._console = console
        self._total = total
        self._done = self._calls = 0
        self._tries: dict[str, tuple[int, int]] = {}
        """Problem with a gold answer to its right tries and all its tries."""
        self._usd: Decimal | None = Decimal(0)
        self._told = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("measuring", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def add(self, result: ItemResult) -> None:
        """One more result."""
        with self._lock:
            self._done += 1
            if result.accepted:
                right, tries = self._tries.get(result.id, (0, 0))
                self._tries[result.id] = right + result.main, tries + 1
            self._calls += result.calls
            known = None if result.usd is None else Decimal(result.usd)
            self._usd = None if self._usd is None or known is None else self._usd + known
            self._bar.update(self._task, completed=self._done, description=self.line())
            self._say()

    def line(self) -> str:
        """Accuracy so far with its interval, calls and cost."""
        cost = "" if self._usd is None else f", {self._usd:.4f} USD"
        if not self._tries:
            return f"{self._calls} calls{cost}"
        n = len(self._tries)
        share = sum(right / tries for right, tries in self._tries.values()) / n
        low, high = wilson(share * n, n)
        return f"right {share:.1%} ({low:.0%} to {high:.0%}), {self._calls} calls{cost}"

    def _say(self) -> None:
        """A plain line now and then, and at the end, for logs."""
        if self._console.is_terminal:
            return
        now = time.monotonic()
        if now - self._told >= _EVERY_S or self._done == self._total:
            self._told = now
            self._console.print(f"{self._done}/{self._total}: {self.line()}", highlight=False)
