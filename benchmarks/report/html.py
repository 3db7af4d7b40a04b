"""A report as one HTML page that needs nothing else: light and dark, readable without script.

Lives here: the page. Everything that came from a problem, a model or a program is escaped, and the
page's own policy lets no script run but the few lines that filter the table.
Never here: numbers of its own.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape

from benchmarks.report.charts import bars, counts, histogram, matrix, running
from benchmarks.report.compare import Comparison
from benchmarks.report.model import Group, Report
from benchmarks.report.tables import (
    PROBLEM_HEAD,
    Table,
    comparison_tables,
    headline,
    problem_rows,
    report_tables,
)
from benchmarks.report.words import line
from opto.display.text import plain

_QUESTION = 4000
"""Characters of a question on the page."""
_STYLE = """
:root{color-scheme:light dark;--ink:#18181b;--dim:#5b5b66;--paper:#fff;--rule:#d4d4d8;
--bar:#3b6ea8;--wrong:#b3432b;--limit:#18181b;--right:#1b6e3c}
@media(prefers-color-scheme:dark){:root{--ink:#f4f4f5;--dim:#a9a9b4;--paper:#131316;--rule:#3f3f46;
--bar:#6c9fd8;--wrong:#e0806b;--limit:#f4f4f5;--right:#6fcf97}}
body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.1rem;margin:2rem 0 .4rem}
.lead{font-size:1.1rem}.note{color:var(--dim);max-width:60rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem .2rem 0;text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left}
thead th{border-bottom:1px solid var(--rule);font-weight:600}
.wide{overflow-x:auto}.wide td,.wide th{text-align:left;border-bottom:1px solid var(--rule)}
.wide td{overflow-wrap:break-word;max-width:16rem}.wide td:last-child{min-width:14rem}
.is-right{color:var(--right)}.is-wrong{color:var(--wrong)}
pre{white-space:pre-wrap;margin:.3rem 0;font:inherit;color:var(--dim)}
svg{max-width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--ink)}
.bar,.cell{fill:var(--bar)}.wrong{fill:var(--wrong)}.band{fill:var(--bar);fill-opacity:.18}
.line{fill:none;stroke:var(--bar);stroke-width:2}.grid{fill:none;stroke:var(--rule)}
.limit{fill:none;stroke:var(--limit);stroke-width:1.2}
input{font:inherit;padding:.3rem .5rem;width:min(30rem,90%)}
"""
_SCRIPT = """
const box=document.getElementById("filter"),rows=[...document.querySelectorAll("#problems tr")];
const told=document.getElementById("shown");
const texts=rows.map(row=>row.textContent.toLowerCase());
box.parentElement.hidden=false;
box.addEventListener("input",()=>{
  const words=box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown=0;
  rows.forEach((row,i)=>{
    row.hidden=!words.every(word=>texts[i].includes(word));
    shown+=!row.hidden;
  });
  told.textContent=shown+" of "+rows.length;
});
"""


def to_html(
    found: Report | Comparison, *, title: str = "", questions: Mapping[str, str] | None = None
) -> str:
    """The page.

    Args:
        found: What to show.
        title: Of the page.
        questions: Texts by `set/id`, shown where one unfolds the first try of a problem.
    """
    name = escape(line(title or "Evaluation"))
    if isinstance(found, Report):
        body, script = _report(found, questions or {}), _SCRIPT
    else:
        body, script = "".join(map(_table, comparison_tables(found))), ""
    # hashes in the policy: a script that slipped through an escape would not run
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(_STYLE)}'; script-src '{_hash(script)}'"
    )
    tail = f"<script>{script}</script>" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head><body><main><h1>{name}</h1>"
        f"{body}</main>{tail}</body></html>\n"
    )


def _report(report: Report, questions: Mapping[str, str]) -> str:
    plots = []
    for heading, groups in _groups(report):
        plots.append(_figure(heading, bars(heading, groups)))
    so_far = running("Accuracy so far, by problem", _as_they_ended(report))
    plots.append(_figure("Accuracy so far, by problem", so_far))
    times = [row.seconds for row in report.rows]
    plots.append(_figure("Seconds a try", histogram("Seconds a try", times, "s")))
    status = "Status of the answer (down) and of the gold answer (across)"
    plots.append(_figure(status, matrix(status, report.statuses) if report.statuses else ""))
    errors = counts("Errors by class", report.errors) if report.errors else ""
    plots.append(_figure("Errors by class", errors))
    return (
        f'<p class="lead">{escape(headline(report))}</p>'
        + "".join(map(_table, report_tables(report)))
        + "".join(plots)
        + _problems(report, questions)
    )


def _as_they_ended(report: Report) -> list[float]:
    """Per problem with a gold answer the share of its tries that are right, as they ended."""
    tries: dict[tuple[str, str], list[bool]] = {}
    for row in report.rows:
        if row.accepted:
            tries[row.problem] = [*tries.pop(row.problem, []), row.main]
    return [sum(right) / len(right) for right in tries.values()]


def _groups(report: Report) -> list[tuple[str, list[Group]]]:
    everything = Group("all", report.accuracy["main"])
    by_kind = [everything, *report.by_kind]
    named = [("Accuracy by kind, with 95 % intervals", by_kind)]
    if report.by_labels:
        named.append(("Accuracy by labels, with 95 % intervals", list(report.by_labels)))
    return named


def _figure(heading: str, drawing: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>{drawing}</section>" if drawing else ""


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.head)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f"<section><h2>{escape(table.title)}</h2><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{note}</section>"
    )


def _problems(report: Report, questions: Mapping[str, str]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in PROBLEM_HEAD)
    many = len({row.set for row in report.rows}) > 1
    rows = []
    asked: set[tuple[str, str]] = set()
    cells_of = problem_rows(report.rows, many_sets=many)
    for row, cells in zip(report.rows, cells_of, strict=True):
        name = escape(cells[0])
        question = questions.get(f"{row.set}/{row.id}", "")
        if question and row.problem not in asked:
            asked.add(row.problem)
            text = escape(plain(question[:_QUESTION]))
            name = f"<details><summary>{name}</summary><pre>{text}</pre></details>"
        mark = "is-right" if row.main else "is-wrong" if row.accepted else ""
        rest = "".join(
            f'<td class="{mark}">{escape(cell)}</td>'
            if at == 1 and mark
            else f"<td>{escape(cell)}</td>"
            for at, cell in enumerate(cells[1:])
        )
        rows.append(f'<tr><th scope="row">{name}</th>{rest}</tr>')
    return (
        "<section><h2>Problems</h2>"
        '<p hidden><label for="filter">Filter: </label><input id="filter" type="search" '
        'placeholder="such as: wrong direction"> <span id="shown" aria-live="polite"></span></p>'
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f'<tbody id="problems">{"".join(rows)}</tbody></table></div></section>'
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
