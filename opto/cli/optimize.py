"""`opto optimize`: make a program better on examples, within a budget.

Lives here: flags and their order.
Never here: loading of files, running, layout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opto.cli.searching import Loader, check_output, only_json, opened, report, search
from opto.cli.wanted import Wanted, budget_from
from opto.errors import InputError
from opto.settings import load_settings
from traces.read import runs
from traces.record import new_run_name

Workers = Annotated[int, typer.Option("--workers", min=1, help="Most calls at once.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the values as JSON to this file.")
]


def optimize(
    program: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py[:NAME]",
            help="Your program: the file is executed, NAME (default: program) is trained.",
        ),
    ],
    *,
    train: Annotated[
        str | None,
        typer.Option("--train", help="FILE.jsonl or FILE.py:NAME; default: `trainset` there."),
    ] = None,
    val: Annotated[
        str | None,
        typer.Option("--val", help="The same for examples that choose; default: `valset`."),
    ] = None,
    guide: Annotated[
        str | None,
        typer.Option("--guide", help="FILE.py:NAME, exact_match, contains; default: `guide`."),
    ] = None,
    optimizer: Annotated[
        str, typer.Option("--optimizer", help="Name of an algorithm, or FILE.py:NAME.")
    ] = "opto",
    budget: Annotated[
        str | None,
        typer.Option("--budget", help="metric=500,llm=50,usd=1,seconds=600; default: `budget`."),
    ] = None,
    workers: Workers = 8,
    seed: Annotated[int, typer.Option("--seed", help="Of all random choices.")] = 0,
    model: Annotated[
        str | None, typer.Option("--model", help="Who proposes, such as openai:NAME.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", help="Name of the run.")] = None,
    as_json: Json = False,
    output: Output = None,
) -> int:
    """Search for better values of a program's parameters; the file itself is not changed.

    Your own program is executed. The search is logged: Ctrl-C, a crash or a kill loses nothing,
    `opto resume` goes on.
    """
    limits = None if budget is None else budget_from(budget).to_json()
    wanted = Wanted(
        program=program,
        train=train,
        val=val,
        guide=guide,
        optimizer=optimizer,
        budget=limits,
        workers=workers,
        seed=seed,
        model=model,
    )
    settings = load_settings(model=model)
    name = run or new_run_name()
    check_output(output)
    with only_json(as_json):
        loaded = Loader(wanted, settings).load()
        with opened(settings) as store:
            if run is not None and any(info.run == run for info in runs(store)):
                raise InputError(
                    f"There is a run called {run!r} already.",
                    where=str(store),
                    fix=f"Go on with it (opto resume {run}), or take another name.",
                )
            result = search(loaded, store, name)
    report(name, result, as_json=as_json, output=output)
    return 0
