"""A result as HTML for notebooks. Everything a model or a user wrote is escaped.

Lives here: the page.
Never here: scripts, links, files.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opto.search.result import Result


def result_html(result: Result) -> str:
    """The recommendation, its score and cost, and the plots."""
    estimate = result.estimate
    facts = {
        "score": f"{estimate} on {estimate.n} measurements: {estimate.basis}",
        "cost": str(result.cost),
        "stopped": result.stopped,
        "candidates": str(len(result.ledger.candidates)),
    }
    if result.lost:
        facts["lost"] = f"{result.lost} actions in flight when a process ended"
    if result.run:
        facts["run"] = result.run
    for name, value in result.best.values.items():
        facts[name] = value if isinstance(value, str) else repr(value)
    rows = "".join(
        f"<tr><th style='text-align:left;vertical-align:top'>{escape(name)}</th>"
        f"<td style='text-align:left'><pre style='margin:0;white-space:pre-wrap'>{escape(text)}"
        "</pre></td></tr>"
        for name, text in facts.items()
    )
    plots = result.plot
    drawings = "".join((plots.history_svg(), plots.pareto_svg(), plots.lineage_svg()))
    return f"<div><table>{rows}</table>{drawings}</div>"
