"""`opto runs`: what was recorded, as a transcript or as JSON lines.

Lives here: wiring of list, show and export. Never here: reading of the store itself.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from opto.display.text import plain
from opto.errors import InputError
from opto.llm.replay import withhold_questions
from opto.settings import load_settings
from traces.export import to_jsonl
from traces.read import events, runs
from traces.store.sqlite import Store

app = typer.Typer(help="Recorded runs.", no_args_is_help=True)

Run = Annotated[str, typer.Argument(help="Name as in `opto runs list`.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


@app.command("list")
def show_all(*, as_json: Json = False) -> None:
    """List the recorded runs, oldest first."""
    with _store() as store:
        found = runs(store)
    if as_json:
        rows = [{"run": r.run, "events": r.events, "first_at": r.first_at} for r in found]
        typer.echo(json.dumps(rows, indent=2))
        return
    for run in found:
        typer.echo(f"{run.run}  {run.first_at[:19]}  {run.events} events")


@app.command()
def show(run: Run, *, as_json: Json = False) -> None:
    """Show one run: what was asked, what was answered, and what was found."""
    with _store() as store:
        for event in events(store, run):
            if as_json:
                typer.echo(json.dumps({"seq": event.seq, "kind": event.kind, "data": event.data}))
            else:
                typer.echo(f"--- {event.seq} {event.kind} {event.at[:19]}")
                typer.echo(plain(_words(event.kind, event.data)))


@app.command()
def export(
    run: Run,
    *,
    withhold: Annotated[
        bool,
        typer.Option("--withhold-questions", help="Only model calls, each question as its hash."),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; stdout if none.")
    ] = None,
) -> None:
    """Write a run as JSON lines; `--model replay:FILE` answers from such a file."""
    with _store() as store:
        found = events(store, run)
        to_jsonl(withhold_questions(found) if withhold else found, output or sys.stdout)


def _store() -> Store:
    path = load_settings().runs_path
    if not path.exists():
        raise InputError(
            "No runs have been recorded here yet.",
            where=str(path),
            fix="Run `opto solve` in this folder first, or set OPTO_RUNS_PATH to the file of runs.",
        )
    return Store(path, read_only=True)


def _words(kind: str, data: dict[str, Any]) -> str:
    """An event as a person reads it: a call as a conversation, the rest as indented JSON."""
    if kind != "llm.call":
        return json.dumps(data, indent=1, ensure_ascii=False)
    turns = [f"[{m['role']}]\n{m['content']}" for m in data["request"]["messages"]]
    answer = data["completion"]
    return "\n".join([*turns, f"[answer, {answer['finish']}]\n{answer['text']}"])
