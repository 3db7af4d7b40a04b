"""A result as HTML, for notebooks and files. Everything a model or a user wrote is escaped.

Lives here: the page.
Never here: scripts, links, writing of files.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opto.search.result import Result

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font-family: sans-serif; max-width: 60em; margin: 2em auto; }}
svg {{ max-width: 100%; height: auto; display: block; margin: 1em 0; }}</style>
</head><body><h1>{title}</h1>
{body}
</body></html>
"""


def result_html(result: Result) -> str:
    """The recommendation, its score and cost, and the plots."""
    before, after = result.before, result.estimate
    facts = {
        "before": f"{before} on {before.n} measurements: {before.basis}",
        "score": f"{after} on {after.n} measurements: {after.basis}",
        "cost": str(result.cost),
        "stopped": result.stopped,
        "candidates": str(len(result.ledger.candidates)),
    }
    if result.lost:
        facts["lost"] = f"{result.lost} actions in flight when a process ended"
    if result.run:
        facts["run"] = result.run
    for number, warning in enumerate(result.warnings, start=1):
        facts[f"warning {number}"] = warning
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


def result_page(result: Result, *, title: str) -> str:
    """The same as a file of its own: no scripts, nothing loaded from elsewhere."""
    return _PAGE.format(title=escape(title), body=result_html(result))
