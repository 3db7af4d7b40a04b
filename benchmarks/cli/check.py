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
from benchmarks.datasets import known_set, load
from benchmarks.scoring import score_predictions

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def score(
    predictions: Annotated[Path, typer.Argument(help="JSON lines of id and value.")],
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
    typer.echo(
        f"{table.n} problems; {table.no_answer} without an answer (counted wrong), "
        f"{table.missing_gold} without a gold answer (left out), {len(table.unknown)} predictions "
        "for other problems (left out)"
    )
    for column in table.columns:
        low, high = column.interval
        share = "-" if column.share is None else f"{column.share:6.1%}"
        typer.echo(
            f"{column.name:14} {column.right:5} {share} ({low:.1%} to {high:.1%})  {column.rule}"
        )


def audit(
    name: Annotated[str, typer.Argument(help="A set of `opto bench list`.")],
    *,
    data: Annotated[Path, typer.Option("--data", help="Your copy of the set.")],
    labels: Annotated[Path, typer.Option("--labels", help="The same problems with answers.")],
    as_json: Json = False,
) -> None:
    """Labels that the gold model of their own problem contradicts."""
    known_set(name)
    found = run_audit(data, labels, name=name)
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else found.to_markdown())
