"""What an evaluation found: folded from its records, compared in pairs, shown four ways.

Lives here: the names a command uses.
Never here: reading runs, comparing answers, writing files.
"""

from __future__ import annotations

from benchmarks.report.compare import Change, Comparison, compare
from benchmarks.report.fold import fold
from benchmarks.report.html import to_html
from benchmarks.report.markdown import to_markdown
from benchmarks.report.model import Group, Planned, Progress, Report, Row, Share
from benchmarks.report.text import to_text

__all__ = [
    "Change",
    "Comparison",
    "Group",
    "Planned",
    "Progress",
    "Report",
    "Row",
    "Share",
    "compare",
    "fold",
    "to_html",
    "to_markdown",
    "to_text",
]
