"""`opto model`: the models kept on this machine.

Lives here: wiring of list, pull, path and remove. Never here: downloads themselves.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from opto.llm import store
from opto.settings import load_settings

app = typer.Typer(help="Models kept on this machine.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name as in `opto model list`.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]

_MB = 1_000_000


@app.command("list")
def show(*, as_json: Json = False) -> None:
    """List the pinned models and the files in the cache."""
    entries = store.list_models(folder=_folder())
    if as_json:
        rows = [
            {
                "name": entry.name,
                "bytes": entry.size_bytes,
                "path": str(entry.path) if entry.path else None,
                "license": entry.pinned.license if entry.pinned else None,
            }
            for entry in entries
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for entry in entries:
        license_ = entry.pinned.license if entry.pinned else "your own file"
        here = "here" if entry.path else "not pulled"
        typer.echo(f"{entry.name:42} {entry.size_bytes / _MB:6.0f} MB  {license_:12} {here}")


@app.command()
def pull(name: Name) -> None:
    """Fetch a pinned model into the cache, checked by SHA-256."""
    typer.echo(store.pull(name, progress=Teller(), folder=_folder()))


@app.command()
def path(name: Name) -> None:
    """Print the file of a model that is here."""
    typer.echo(store.path_of(name, folder=_folder()))


@app.command()
def remove(name: Name) -> None:
    """Delete a model from the cache."""
    typer.echo(f"{store.remove(name, folder=_folder()) / _MB:.0f} MB freed", err=True)


def _folder() -> Path | None:
    return load_settings().models_dir


class Teller:
    """Writes progress to stderr: one moving line on a terminal, a line per tenth elsewhere."""

    def __init__(self) -> None:
        self.tenths = -1

    def __call__(self, progress: store.Progress) -> None:
        if sys.stderr.isatty():
            end = "\n" if progress.done_bytes >= progress.total_bytes else ""
            typer.echo(f"\r\033[K{progress}{end}", err=True, nl=False)
        elif (tenths := 10 * progress.done_bytes // progress.total_bytes) != self.tenths:
            self.tenths = tenths
            typer.echo(str(progress), err=True)
