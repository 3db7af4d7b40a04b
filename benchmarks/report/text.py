"""A report for the terminal.

Lives here: layout. Text of problems and models is stripped of control characters, never markup.
Never here: numbers of its own.
"""

from __future__ import annotations

from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from benchmarks.report.compare import Comparison
from benchmarks.report.model import Report
from benchmarks.report.tables import Table, comparison_tables, headline, report_tables
from benchmarks.report.words import line


def to_text(
    found: Report | Comparison, *, title: str = "", width: int = 100, color: bool = False
) -> str:
    """Tables for a terminal of `width` columns; escape sequences only with `color`."""
    out = StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, color_system="standard" if color else None
    )
    if title:
        console.print(Text(line(title), style="bold"))
    if isinstance(found, Report):
        console.print(Text(headline(found)))
    tables = report_tables(found) if isinstance(found, Report) else comparison_tables(found)
    for table in tables:
        console.print()
        console.print(Text(table.title, style="bold"))
        console.print(_grid(table))
        if table.note:
            console.print(Text(table.note, style="dim"))
    return out.getvalue().rstrip("\n")


def _grid(table: Table) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, name in enumerate(table.head):
        grid.add_column(Text(name), justify="right" if number else "left", overflow="fold")
    for row in table.rows:
        grid.add_row(*map(Text, row))
    return grid
