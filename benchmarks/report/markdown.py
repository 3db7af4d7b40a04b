"""A report as Markdown, for a README or an issue.

Lives here: layout; every cell is escaped.
Never here: numbers of its own.
"""

from __future__ import annotations

from benchmarks.report.compare import Comparison
from benchmarks.report.model import Report
from benchmarks.report.tables import Table, comparison_tables, headline, report_tables
from benchmarks.report.words import markdown


def to_markdown(found: Report | Comparison, *, title: str = "") -> str:
    """Headings and tables (GitHub's dialect)."""
    parts = [f"# {markdown(title or 'Evaluation')}"]
    if isinstance(found, Report):
        parts.append(markdown(headline(found)))
        tables = report_tables(found)
    else:
        tables = comparison_tables(found)
    parts += map(_section, tables)
    return "\n\n".join(parts) + "\n"


def _section(table: Table) -> str:
    head = "| " + " | ".join(map(markdown, table.head)) + " |"
    rule = "|" + "|".join([" --- ", *[" ---: "] * (len(table.head) - 1)]) + "|"
    rows = ["| " + " | ".join(map(markdown, row)) + " |" for row in table.rows]
    body = "\n".join([head, rule, *rows])
    note = f"\n\n{table.note}" if table.note else ""
    return f"## {markdown(table.title)}\n\n{body}{note}"
