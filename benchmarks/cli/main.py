"""`opto bench`: the commands, joined. The `opto` command finds this by its entry point.

Lives here: names of commands.
Never here: what they do.
"""

from __future__ import annotations

import typer

from benchmarks.cli import check, look, run

app = typer.Typer(
    help="Measure models on published problem sets, and look at what comes out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("list")(look.list_sets)
app.command("run")(run.run)
app.command("resume")(run.resume)
app.command("runs")(look.list_runs)
app.command("report")(look.report)
app.command("compare")(look.compare)
app.command("errors")(look.errors)
app.command("show")(look.show)
app.command("score")(check.score)
app.command("audit")(check.audit)
