"""`opto runs`: what was recorded: a list, one run, two runs, a file of events.

Lives here: wiring of list, show, diff and export. Never here: reading of the store itself, layout.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from opto.display.runs import describe, event_words, kind_of, show_solve, show_unknown, solve_json
from opto.display.search_diff import Difference
from opto.display.search_result import show_candidates, show_history, show_result
from opto.display.text import plain
from opto.errors import InputError
from opto.llm.replay import withhold_questions
from opto.search.page import result_page
from opto.search.recorded import Recorded, read_search
from opto.settings import load_settings
from traces.export import to_jsonl
from traces.read import RunInfo, events, runs
from traces.store.sqlite import Store

app = typer.Typer(help="Recorded runs.", no_args_is_help=True)

Run = Annotated[str, typer.Argument(help="Name as in `opto runs list`.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
File = Annotated[
    Path | None,
    typer.Option("--store", help="File of runs; default: the one of the settings."),
]


@app.command("list")
def show_all(
    *,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="The newest so many; 0 for all.")
    ] = 20,
    as_json: Json = False,
    store: File = None,
) -> None:
    """List the recorded runs, newest last."""
    with _store(store) as opened:
        found = runs(opened)
        shown = [describe(opened, info) for info in (found[-limit:] if limit else found)]
    if as_json:
        typer.echo(json.dumps([row.to_json() for row in shown], indent=2))
        return
    for row in shown:
        typer.echo(str(row))
    if len(shown) < len(found):
        typer.echo(f"{len(found) - len(shown)} older runs; --limit 0 lists all", err=True)


@app.command()
def show(
    run: Run,
    *,
    all_events: Annotated[
        bool, typer.Option("--events", help="Print every event: each prompt and answer.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the page of a search to this file.")
    ] = None,
    as_json: Json = False,
    store: File = None,
) -> None:
    """Show one run: what was asked, what was found, what it took."""
    with _store(store) as opened:
        if all_events:
            _show_events(opened, run, as_json=as_json)
            return
        kind = kind_of(_info(opened, run))
        if kind == "search":
            _show_search(read_search(opened, run), html, as_json=as_json)
        elif html is not None:
            raise InputError(f"Run {run!r} is no search, so there is no page of it.")
        elif kind == "solve":
            if as_json:
                typer.echo(json.dumps(solve_json(opened, run), indent=2))
            else:
                show_solve(opened, run, _console())
                typer.echo(f"\nEvery prompt and answer: opto runs show {run} --events", err=True)
        elif as_json:
            typer.echo(json.dumps(describe(opened, _info(opened, run)).to_json(), indent=2))
        else:
            show_unknown(opened, run, _console())
            typer.echo(f"All of it: opto runs show {run} --events", err=True)


@app.command()
def diff(a: Run, b: Run, *, as_json: Json = False, store: File = None) -> None:
    """Compare two searches: settings, scores, cost and values."""
    with _store(store) as opened:
        found = Difference(read_search(opened, a), read_search(opened, b))
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
    else:
        found.show(_console())


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
    store: File = None,
) -> None:
    """Write a run as JSON lines; `--model replay:FILE` answers from such a file."""
    with _store(store) as opened:
        found = events(opened, run)
        to_jsonl(withhold_questions(found) if withhold else found, output or sys.stdout)


def _store(path: Path | None) -> Store:
    path = path or load_settings().runs_path
    if not path.exists():
        raise InputError(
            "No runs have been recorded here yet.",
            where=str(path),
            fix="Run `opto solve` or `opto optimize` in this folder first, or name the file of "
            "runs: --store FILE, OPTO_RUNS_PATH.",
        )
    return Store(path, read_only=True)


def _info(store: Store, run: str) -> RunInfo:
    """Of one run.

    Raises:
        UnknownRunError: There is no such run; a near miss is named.
    """
    events(store, run)  # names the near miss
    found = [info for info in runs(store) if info.run == run]
    if not found:
        raise InputError(f"Run {run!r} has no events yet.", where=str(store))
    return found[0]


def _show_search(found: Recorded, html: Path | None, *, as_json: bool) -> None:
    if html is not None:
        try:
            html.write_text(result_page(found.result, title=found.run), encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"Cannot write the page: {error.strerror}.", where=str(html)
            ) from error
        typer.echo(f"Page written to {plain(str(html))}", err=True)
    if as_json:
        typer.echo(json.dumps({"run": found.run, **found.result.to_json()}, indent=2))
    elif html is None:
        console = _console()
        show_result(found.result, console)
        show_history(found.result, console)
        show_candidates(found.result, console)
        if not found.ended:
            typer.echo(f"\nNot finished; go on: opto resume {found.run}", err=True)


def _show_events(store: Store, run: str, *, as_json: bool) -> None:
    for event in events(store, run):
        if as_json:
            typer.echo(json.dumps({"seq": event.seq, "kind": event.kind, "data": event.data}))
        else:
            typer.echo(f"--- {event.seq} {event.kind} {event.at[:19]}")
            typer.echo(plain(event_words(event.kind, event.data)))


def _console() -> Console:
    return Console(highlight=False)
