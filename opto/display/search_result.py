"""What a search found, as a person reads it in the terminal.

Lives here: the layout of the end of `opto optimize` and of `opto runs show`.
Never here: facts of its own, JSON, pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from opto.display.search_plot import as_text, changed, curve
from opto.display.text import plain
from opto.search.result import Estimate, Result
from opto.search.warnings import limits_in

_STYLES = {"+": "green", "-": "red", "@": "dim"}
_CANDIDATES = 5
_LONGEST = 60


def show_result(result: Result, console: Console) -> None:
    """Print before and after, what changed, the cost and why it stopped."""
    _scores(result, console)
    seed = next(iter(result.ledger.candidates.values()), result.best)
    show_changes(seed.values, result.best.values, console)
    console.print()
    _line(console, "cost", str(result.cost))
    _line(console, "stopped", ended_by(result.stopped))
    if result.lost:
        _line(console, "lost", f"{result.lost} actions in flight when a process ended")
    if result.run:
        _line(console, "run", result.run)
    for warning in result.warnings:
        console.print(Text(f"warning: {plain(warning)}", style="yellow"), soft_wrap=True)


def ended_by(stopped: str) -> str:
    """Why a search ended, in words: of limits the log has only the names."""
    return f"the budget is used up: {stopped}" if limits_in(stopped) else stopped


def show_history(result: Result, console: Console) -> None:
    """Print the leader's mean score over metric calls."""
    points = [(float(p.metric), p.mean) for p in result.history if p.mean is not None]
    console.print(Text("\nBest mean so far", style="bold"))
    for line in curve(points, x="metric calls"):
        console.print(Text(line), soft_wrap=True)


def show_candidates(result: Result, console: Console) -> None:
    """Print the candidates with the best means, and how often what failed."""
    ledger = result.ledger
    console.print(Text("\nTop candidates", style="bold"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("id", "mean", "n", "made by", "begins"):
        table.add_column(title, no_wrap=True)
    for name in ledger.ranked()[:_CANDIDATES]:
        candidate = ledger.candidates[name]
        words = " ".join(as_text(value) for value in candidate.values.values()).split()
        mark = "*" if name == result.best.id else ""
        mean = f"{ledger.mean(name):.3f}{mark}"
        made = plain(candidate.op)[:_LONGEST]
        row = (name, mean, str(ledger.n(name)), made, " ".join(words)[:_LONGEST])
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    failed = [
        f"{kind}s {status} {count}"
        for (kind, status), count in ledger.statuses.items()
        if status != "ok"
    ]
    if failed:
        _line(console, "failed", ", ".join(failed))


def show_changes(before: Mapping[str, Any], after: Mapping[str, Any], console: Console) -> None:
    """Print the difference of each component that changed."""
    names = [*dict.fromkeys([*before, *after])]
    parts = {name: changed(before.get(name), after.get(name)) for name in names}
    same = [name for name in names if not parts[name]]
    for name, lines in parts.items():
        if lines:
            console.print(Text(f"\n{plain(name)}", style="bold"), soft_wrap=True)
        for line in lines:
            console.print(Text(line, style=_STYLES.get(line[:1], "")), soft_wrap=True)
    if same:
        console.print(Text(f"\nunchanged: {', '.join(map(plain, same))}", style="dim"))


def _scores(result: Result, console: Console) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row("before", _score(result.before), _basis(result.before))
    table.add_row("after", _score(result.estimate), _basis(result.estimate))
    console.print(table)


def _score(estimate: Estimate) -> Text:
    return Text(str(estimate), style="bold")


def _basis(estimate: Estimate) -> Text:
    return Text(f"n={estimate.n}: {plain(estimate.basis)}", style="dim")


def _line(console: Console, name: str, words: str) -> None:
    console.print(Text(f"{name:<8}{plain(words)}"), soft_wrap=True)
