"""A search while it goes on: a board on a terminal, plain lines elsewhere.

Lives here: `watching` and what it shows.
Never here: results (`opto.display.search_result`), counting (`opto.search.progress`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from opto.display.text import number, plain
from opto.search.progress import Progress, Watch, in_notebook

LINE_EVERY_S = 10.0
"""A plain line at least this often while something happens."""
_LONGEST = 100
_WIDTH = 28
_PHASES = {
    "search": "searching",
    "final score": "measuring the final score",
    "stopping": "stopping: calls in flight may end, Ctrl-C again drops them",
    "ended": "done",
}


@contextmanager
def watching(console: Console | None = None) -> Iterator[Watch]:
    """A watcher that shows a search on stderr for as long as the block lasts."""
    if in_notebook():
        yield Lines(rewrite=True)
        return
    console = console or Console(stderr=True, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield Lines()
        return
    board = Board()
    # what a program prints to a file must arrive there, not above the board
    above = sys.stdout.isatty()
    shown = Live(
        board, console=console, transient=True, redirect_stdout=above, refresh_per_second=8
    )

    def take(progress: Progress) -> None:
        earlier = board.seen
        board.take(progress)
        if earlier is not None and earlier.phase != progress.phase:
            shown.refresh()  # a short phase would end before the next drawing

    with shown:
        yield take
    if board.seen is not None and board.seen.phase == "ended":
        console.print(Text(line_of(board.seen)), soft_wrap=True)


class Board:
    """What a terminal shows. It is drawn anew all the time, so that clocks run on."""

    def __init__(self) -> None:
        self.seen: Progress | None = None
        self._at = 0.0

    def take(self, progress: Progress) -> None:
        """Show this from now on."""
        self.seen, self._at = progress, time.monotonic()

    def __rich__(self) -> RenderableType:
        seen = self.seen
        if seen is None:
            return Text("starting ...", style="dim")
        elapsed = seen.elapsed_s + (time.monotonic() - self._at) * (seen.phase != "ended")
        head = f"[bold]{_PHASES[seen.phase]}[/]  step {seen.step}  {clock(elapsed)}"
        if seen.run:
            head += f"  [dim]run {escape(plain(seen.run))}[/]"
        return Group(Text.from_markup(head), _facts(seen, elapsed))


def _facts(seen: Progress, elapsed_s: float) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row("best", Text(_best(seen), style="bold green"))
    for name, spent, limit in limits(seen, elapsed_s):
        if limit is None:
            table.add_row(name, Text(number(spent)))
        else:
            bar = ProgressBar(total=max(limit, 1e-9), completed=min(spent, limit), width=_WIDTH)
            row = Table.grid(padding=(0, 1, 0, 0))
            row.add_row(bar, Text(f"{number(spent)} of {number(limit)}"))
            table.add_row(name, row)
    table.add_row("in flight", Text(str(seen.flying)))
    if seen.failures:
        table.add_row("failed", Text(_failures(seen), style="yellow"))
    if seen.last_failure:
        table.add_row("", Text(plain(seen.last_failure)[:_LONGEST], style="dim"))
    return table


class Lines:
    """One line when a new leader is found, when a phase begins, and now and then."""

    def __init__(self, *, rewrite: bool = False) -> None:
        """With `rewrite` the line is written over the one before, as notebooks can."""
        self._rewrite = rewrite
        self._shown: tuple[str, str] | None = None
        self._next = 0.0
        self._length = 0

    def __call__(self, progress: Progress) -> None:
        now, what = time.monotonic(), (progress.best_id, progress.phase)
        if now < self._next and what == self._shown and not self._rewrite:
            return
        self._shown, self._next = what, now + LINE_EVERY_S
        line = line_of(progress)
        if self._rewrite:
            end = "\n" if progress.phase == "ended" else ""
            sys.stderr.write(f"\r{line.ljust(self._length)}{end}")
            self._length = len(line)
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def line_of(seen: Progress) -> str:
    """A moment of a search in one line of plain text."""
    parts = [f"{_PHASES[seen.phase].partition(':')[0]}, step {seen.step}, {clock(seen.elapsed_s)}"]
    parts.append(f"best {_best(seen)}")
    for name, spent, limit in limits(seen, seen.elapsed_s):
        if name != "seconds":
            whole = "" if limit is None else f"/{number(limit)}"
            parts.append(f"{number(spent)}{whole} {name}")
    if seen.flying:
        parts.append(f"{seen.flying} in flight")
    if seen.failures:
        parts.append(f"failed: {_failures(seen)}")
    return plain(" · ".join(parts))


def limits(seen: Progress, elapsed_s: float) -> list[tuple[str, float, float | None]]:
    """(name, spent, limit) of what is limited, and of calls and dollars in any case if spent."""
    cost, budget = seen.spent, seen.budget
    dollars = None if budget.usd is None else float(budget.usd)
    rows: list[tuple[str, float, float | None]] = [
        ("metric calls", cost.metric, budget.metric),
        ("model calls", cost.llm, budget.llm),
        ("tokens", cost.tokens, budget.tokens),
        ("USD", float(cost.usd), dollars),
        ("seconds", round(elapsed_s), budget.seconds),
    ]
    shown = {"metric calls", "model calls", "USD"}
    return [row for row in rows if row[2] is not None or (row[1] and row[0] in shown)]


def clock(seconds: float) -> str:
    """`1:02:03` or `2:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _best(seen: Progress) -> str:
    if seen.best.mean is None:
        return "nothing measured yet"
    start = "" if seen.seed.mean is None else f", began at {seen.seed.mean:.3f}"
    return f"{seen.best}{start}"


def _failures(seen: Progress) -> str:
    return ", ".join(f"{what} {count}" for what, count in seen.failures.items())
