"""Two searches side by side: what was asked for, what came of it.

Lives here: `Difference`: as data and in words.
Never here: reading of runs (`opto.search.recorded`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from opto.display.search_plot import as_text
from opto.display.search_result import show_changes
from opto.display.text import plain
from opto.search.journal import differing
from opto.search.recorded import Recorded

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """Two searches."""

    a: Recorded
    b: Recorded

    @property
    def settings(self) -> list[tuple[str, Any, Any]]:
        """(path, of the first, of the second) of what was asked for, the model included."""
        ours, theirs = (dict(side.spec) | _model(side) for side in (self.a, self.b))
        return differing(ours, theirs)

    def to_json(self) -> dict[str, Any]:
        return {
            "settings": [
                {"path": path, "a": ours, "b": theirs} for path, ours, theirs in self.settings
            ],
            "a": {"run": self.a.run, **self.a.result.to_json()},
            "b": {"run": self.b.run, **self.b.result.to_json()},
        }

    def show(self, console: Console) -> None:
        """Print settings, scores and costs, and the values as changes from the first."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for title in ("", plain(self.a.run), plain(self.b.run)):
            table.add_column(title)
        for path, ours, theirs in self.settings:
            table.add_row(Text(plain(path)), _short(ours), _short(theirs))
        ours, theirs = self.a.result, self.b.result
        table.add_row("before", Text(str(ours.before)), Text(str(theirs.before)))
        table.add_row("after", Text(str(ours.estimate)), Text(str(theirs.estimate)), style="bold")
        table.add_row("rests on", Text(ours.estimate.basis), Text(theirs.estimate.basis))
        table.add_row("cost", Text(str(ours.cost)), Text(str(theirs.cost)))
        table.add_row("stopped", Text(plain(ours.stopped)), Text(plain(theirs.stopped)))
        console.print(table)
        show_changes(ours.best.values, theirs.best.values, console)


def _model(side: Recorded) -> dict[str, Any]:
    return {} if side.origin is None else {"program": side.origin.get("program")}


def _short(value: object) -> Text:
    text = "-" if value is None else " ".join(as_text(value).split())
    return Text(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
