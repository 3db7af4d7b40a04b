"""Checking what others made: `opto bench score` predictions, `opto bench audit` labels.

Lives here: options and output.
Never here: the rules (`benchmarks.scoring`), the audit (`benchmarks.audit`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.audit import run_audit
from benchmarks.datasets import SETS, known_set, load
from benchmarks.scoring import ScoreTable, score_predictions
from opto.display.text import plain
from opto.errors import InputError

_LISTED = 5
_SUFFIXES = (".json", ".jsonl")
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def score(
    predictions: Annotated[
        Path,
        typer.Argument(help="JSON lines of id and value, a JSON list of them, or {id: value}."),
    ],
    *,
    data: Annotated[Path, typer.Option("--data", help="The problems with their answers.")],
    key: Annotated[
        str | None, typer.Option("--key", help="Field that names the problem; default: found.")
    ] = None,
    value: Annotated[
        str | None, typer.Option("--value", help="Field with the answer; default: found.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score predictions of another system under each published rule, side by side."""
    table = score_predictions(predictions, load(data).items, key=key, value=value)
    if as_json:
        typer.echo(json.dumps(table.to_json(), indent=2))
        return
    _say_counts(table)
    for column in table.columns:
        low, high = column.interval
        share = "-" if column.share is None else f"{column.share:6.1%}"
        typer.echo(
            f"{column.name:14} {column.right:5} {share} ({low:.1%} to {high:.1%})  {column.rule}"
        )


def _say_counts(table: ScoreTable) -> None:
    """What makes the table doubtful, first; then of what it is."""
    for warning in table.warnings:
        typer.echo(plain(f"WARNING: {warning}"))
    typer.echo(
        f"{table.n} problems; {table.no_answer} without an answer (counted wrong), "
        f"{table.missing_gold} without a gold answer (left out), {len(table.unknown)} predictions "
        "for other problems (left out)"
    )
    if table.unreadable:
        more = ", ..." if len(table.unreadable) > _LISTED else ""
        typer.echo(
            plain(
                f"note: {len(table.unreadable)} predictions cannot be read as an answer, and count "
                f"as none: {', '.join(table.unreadable[:_LISTED])}{more}"
            )
        )


def audit(
    name: Annotated[str, typer.Argument(help="A set of `opto bench list`, or a JSON(L) file.")],
    *,
    data: Annotated[
        Path | None, typer.Option("--data", help="Your copy, where SET is a name.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", help="The same problems with answers; default: the set's own."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Labels that the gold model of their own problem contradicts."""
    title, file = _set_of(name, data)
    found = run_audit(file, labels, name=title)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
    else:
        typer.echo(found.to_text())


def _set_of(name: str, data: Path | None) -> tuple[str, Path]:
    """The title of a set and its file, from a known name with `data`, or a path alone."""
    given = Path(name)
    if name not in SETS and (given.is_file() or given.suffix in _SUFFIXES or len(given.parts) > 1):
        if not given.is_file():
            raise InputError(
                f"There is no file {name!r}.",
                where="opto bench audit",
                fix="Give the path of a file with gold models, or a name of `opto bench list`.",
            )
        if data is not None and data != given:
            raise InputError(
                f"The set is given twice: {name!r}, and --data {str(data)!r}.",
                where="opto bench audit",
                fix="Leave --data out, or give the name of the set instead of the first file.",
            )
        return given.stem, given
    known = known_set(name)
    if data is None:
        raise InputError(
            f"{known.name!r} is audited on your own copy.",
            where="opto bench audit",
            fix=f"Say where it is: `opto bench audit {known.name} --data FILE --labels FILE`.",
        )
    return known.name, data
