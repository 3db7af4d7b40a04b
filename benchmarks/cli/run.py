"""`opto bench run` and `opto bench resume`: measure a model on a data set.

Lives here: options to a `BenchSpec`, data, progress, the summary at the end.
Never here: the measuring (`benchmarks.running`), the report (`benchmarks.report`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.cli.progress import BenchProgress
from benchmarks.datasets import VERSIONS
from benchmarks.items import Item
from benchmarks.report import to_text
from benchmarks.running.limits import CostLimits
from benchmarks.running.run import BenchRun, report_of, results_of, run_bench
from benchmarks.running.spec import BenchSpec, read_items, recorded_spec
from opto.cli.ask import with_model
from opto.cli.main import INTERRUPTED
from opto.errors import InputError
from opto.llm.secret import redactor
from opto.modeling.pipelines.registry import PIPELINES
from opto.search import StudyInterrupted
from opto.settings import load_settings
from traces.errors import UnknownRunError
from traces.record import new_run_name
from traces.store.sqlite import Store

Workers = Annotated[int, typer.Option("--workers", min=1, help="Problems at the same time.")]
Calls = Annotated[
    int | None, typer.Option("--max-calls", min=1, help="Most model calls of the whole run.")
]
Usd = Annotated[
    str | None, typer.Option("--max-usd", help="Most US dollars; this machine costs none.")
]
Tokens = Annotated[
    int | None, typer.Option("--max-tokens", min=1, help="Most tokens of the whole run.")
]
Seconds = Annotated[
    float | None, typer.Option("--max-seconds", min=1, help="Longest time, from now on.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")]


def run(
    name: Annotated[str, typer.Argument(help="A set of `opto bench list`, or a JSON(L) file.")],
    *,
    data: Annotated[
        Path | None, typer.Option("--data", help="Your copy of the set; else it is downloaded.")
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option("--answers", help=f"Which answers count: {', '.join(VERSIONS)}, any."),
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Only this split.")] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="File that says which labels are disputed.")
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--beside", help="Another set, to find equal texts in. Repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Problems, drawn by --seed.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Of the draw.")] = 0,
    model: Annotated[str | None, typer.Option("--model", help="As for `opto solve`.")] = None,
    pipeline: Annotated[
        str | None,
        typer.Option("--pipeline", help=f"{', '.join(PIPELINES)}; default: what suits the model."),
    ] = None,
    repairs: Annotated[
        int | None, typer.Option("--repairs", min=0, help="Most correction turns a problem.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Tries per problem.")] = 1,
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", min=0, help="Default 0; with several samples 0.7."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=0.1, help="Seconds of the solver per problem.")
    ] = 60.0,
    workers: Workers = 8,
    max_calls: Calls = None,
    max_usd: Usd = None,
    max_tokens: Tokens = None,
    max_seconds: Seconds = None,
    run_name: Annotated[
        str | None, typer.Option("--run", help="Name of the run; one that exists goes on.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure how often a model gets the problems of a set right.

    Every call and result is on disk at once: `opto bench resume RUN` goes on after anything.
    """
    settings = with_model(load_settings(model=model))
    warm = 0.7 if samples > 1 else None
    spec = BenchSpec(
        set=name,
        data=None if data is None else str(data.resolve()),
        answers=answers,
        split=split,
        labels=None if labels is None else str(labels.resolve()),
        beside=tuple(str(file.resolve()) for file in beside or ()),
        limit=limit,
        seed=seed,
        model=str(settings.model),
        pipeline=pipeline,
        repairs=repairs,
        samples=samples,
        temperature=warm if temperature is None else temperature,
        solver_seconds=time_limit,
    )
    limits = _limits(max_calls, max_usd, max_tokens, max_seconds)
    chosen = _checked(run_name or new_run_name())
    items = _problems(spec)  # a mistake in there leaves no empty store behind
    with Store(settings.runs_path, redactor=redactor()) as store:
        how = BenchRun(store=store, run=chosen, settings=settings, workers=workers, limits=limits)
        _measure(spec, items, how, as_json=as_json)


def resume(
    run_name: Annotated[str, typer.Argument(metavar="RUN", help="As `opto bench runs` lists it.")],
    *,
    workers: Workers = 8,
    max_calls: Calls = None,
    max_usd: Usd = None,
    max_tokens: Tokens = None,
    max_seconds: Seconds = None,
    as_json: Json = False,
) -> None:
    """Go on with an evaluation that was stopped or killed; nothing is paid twice."""
    settings = load_settings()
    limits = _limits(max_calls, max_usd, max_tokens, max_seconds)
    with Store(settings.runs_path, redactor=redactor()) as store:
        spec = recorded_spec(store, run_name)
        settings = settings.model_copy(update={"model": spec.model})
        how = BenchRun(store=store, run=run_name, settings=settings, workers=workers, limits=limits)
        _measure(spec, _problems(spec), how, as_json=as_json)


def _checked(name: str) -> str:
    """A name that can be typed back as it is.

    Raises:
        InputError: It cannot.
    """
    if not re.fullmatch(r"\w[\w.+@-]*", name):
        raise InputError(
            f"A run cannot be called {name!r}.", fix="Use letters, digits and . _ + @ - only."
        )
    return name


def _limits(
    calls: int | None, usd: str | None, tokens: int | None, seconds: float | None
) -> CostLimits:
    try:
        dollars = None if usd is None else Decimal(usd)
    except InvalidOperation:
        dollars = Decimal(0)
    if dollars is not None and not (dollars.is_finite() and dollars > 0):
        raise InputError(f"--max-usd cannot be {usd!r}.", fix="Give an amount such as 1.50.")
    return CostLimits(calls=calls, usd=dollars, tokens=tokens, seconds=seconds)


def _problems(spec: BenchSpec) -> list[Item]:
    err = Console(stderr=True, highlight=False)
    return read_items(spec, notice=lambda words: err.print(words, markup=False, soft_wrap=True))


def _measure(spec: BenchSpec, items: Sequence[Item], how: BenchRun, *, as_json: bool) -> None:
    err = Console(stderr=True, highlight=False)
    about = f"run {how.run}: {len(items)} problems of {spec.set}, {spec.model}"
    err.print(about, markup=False, soft_wrap=True)
    with BenchProgress(len(items) * spec.samples, err) as progress:
        with suppress(UnknownRunError):  # a new one
            for earlier in results_of(how.store, how.run):
                progress.add(earlier)
        how.watch = progress.add
        try:
            run_bench(spec, items, how)
        except StudyInterrupted:
            kept = sum(1 for _ in results_of(how.store, how.run))
            typer.echo(
                f"\nInterrupted; {kept} of {len(items) * spec.samples} results are kept.\n"
                f"  go on: opto bench resume {how.run}",
                err=True,
            )
            raise typer.Exit(INTERRUPTED) from None
    report = report_of(how.store, how.run)
    if as_json:
        typer.echo(json.dumps({"run": how.run, **report.to_json()}, indent=2))
    else:
        typer.echo(to_text(report))
        typer.echo(f"`opto bench report {how.run} --html FILE` makes a page of it.", err=True)
