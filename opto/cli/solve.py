"""`opto solve`: words in, verified answer out.

Lives here: wiring of input, model, pipeline, recording, output and exit code.
Never here: modelling, solving, layout.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from opto.cli.ask import with_model
from opto.display.answer import show
from opto.display.progress import Stages
from opto.errors import InputError, OptoError
from opto.llm.open import open_model
from opto.llm.secret import redactor
from opto.modeling.agent import SolveOptions, solve_problem
from opto.modeling.answer import Answer, Status
from opto.modeling.pipelines.registry import PIPELINES, choose_pipeline
from opto.modeling.problem import MAX_CHARACTERS, Problem, read_problem
from opto.settings import Settings, load_settings
from solvers_bridge.formats.lp import write_lp
from solvers_bridge.formats.mps import write_mps
from solvers_bridge.outcome import Limits
from traces.record import Recorder, new_run_name, recording
from traces.store.sqlite import Store

EXIT = {Status.SOLVED: 0, Status.INFEASIBLE: 3, Status.UNBOUNDED: 3, Status.NOT_SOLVED: 4}


class Export(StrEnum):
    """File forms of `--export`."""

    LP = "lp"
    MPS = "mps"
    JSON = "json"


def solve(
    source: Annotated[
        str,
        typer.Argument(help="A text file, `-` for standard input, or the problem itself."),
    ],
    *,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="CSV table; its cells never enter a prompt. Repeatable."),
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option("--pipeline", help=f"{', '.join(PIPELINES)}; default: what suits the model."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="openai:NAME[@URL], anthropic:NAME, llamacpp:NAME, mailbox:DIR"
        ),
    ] = None,
    export: Annotated[
        Export | None, typer.Option("--export", help="Also write the model to a file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Name of the exported file.")
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=0.1, help="Seconds for the solver.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> int:
    """Model and solve a problem in words, and say how sure the answer is.

    Exit codes: 0 solved, 3 infeasible or unbounded, 4 not solved, 1 explained error, 2 usage.
    """
    if output is not None and export is None:
        raise typer.BadParameter("it names the file of --export, which is missing", param_hint="-o")
    problem = _read(source, data or [])
    settings = with_model(load_settings(model=model))
    options = SolveOptions(limits=Limits(time_limit_s=time_limit))
    with _recorded(settings, problem) as run:
        try:
            answer = _solve(problem, settings, pipeline, options)
        except OptoError as error:
            error.where = "\n         ".join(
                part for part in (error.where, f"transcript: opto runs show {run} --events") if part
            )
            raise
    if as_json:
        typer.echo(json.dumps(answer.to_json(), indent=2))
    else:
        show(answer, Console(highlight=False))
    if export is not None:  # last, so that a file that cannot be written costs no answer
        _export(answer, export, output or Path(f"model.{export.value}"))
    return EXIT[answer.status]


def _solve(
    problem: Problem, settings: Settings, pipeline: str | None, options: SolveOptions
) -> Answer:
    with (
        Stages(Console(stderr=True)) as stages,
        open_model(settings=settings, progress=stages.wait) as lm,
    ):
        chosen = choose_pipeline(pipeline, lm, tables=bool(problem.tables))
        return asyncio.run(
            solve_problem(problem, lm, pipeline=chosen, options=options, progress=stages.begin)
        )


def _read(source: str, tables: list[Path]) -> Problem:
    if source != "-":
        return read_problem(source, tables=tables)
    raw = sys.stdin.buffer.read(8 * MAX_CHARACTERS)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "Standard input is not text.", where=f"byte {error.start}", fix="Give UTF-8 text."
        ) from error
    return read_problem(text + "\n", tables=tables)


@contextmanager
def _recorded(settings: Settings, problem: Problem) -> Iterator[str]:
    run = new_run_name()
    with (
        Store(settings.runs_path, redactor=redactor()) as store,
        Recorder(store, run) as recorder,
        recording(recorder),
    ):
        recorder.emit("solve.begin", problem=problem.text, model=settings.model)
        yield run


def _export(answer: Answer, form: Export, file: Path) -> None:
    solved = answer.attempt.solved if answer.attempt else None
    if answer.model is None or (solved is None and form is not Export.JSON):
        typer.echo("Nothing to export: the model could not be built.", err=True)
        return
    try:
        match form:
            case Export.JSON:
                file.write_text(answer.model.model_dump_json(indent=1), encoding="utf-8")
            case Export.LP if solved:
                write_lp(solved.form, file)
            case Export.MPS if solved:
                write_mps(solved.form, file)
    except OSError as error:
        raise InputError(
            f"Cannot write the model: {error.strerror}.",
            where=str(file),
            fix="Name a file in a folder you may write to with -o.",
        ) from error
    typer.echo(f"Model written to {file}", err=True)
