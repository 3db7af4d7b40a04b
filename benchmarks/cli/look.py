"""Looking at evaluations: `opto bench list`, `runs`, `report`, `compare`, `errors`, `show`.

Lives here: what is printed where.
Never here: statistics and pages (`benchmarks.report`), measuring.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.datasets import SETS
from benchmarks.items import Item, ItemResult
from benchmarks.report import Comparison, to_html, to_markdown, to_text
from benchmarks.report import compare as compare_results
from benchmarks.report.one import one_line, one_page, reasons
from benchmarks.running.run import report_of, results_of
from benchmarks.running.spec import SPEC, BenchSpec, read_items, recorded_spec
from benchmarks.running.task import ITEM
from benchmarks.scoring import CLASSES
from opto.display.runs import event_words
from opto.display.text import plain
from opto.errors import InputError, OptoError
from opto.search.journal import END
from opto.settings import load_settings
from traces.read import events, runs
from traces.store.sqlite import Store

RunName = Annotated[str, typer.Argument(metavar="RUN", help="As `opto bench runs` lists it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def list_sets(*, as_json: Json = False) -> None:
    """The data sets that have a name: size, licence, and what is known about their labels."""
    rows = [
        {"name": s.name, "title": s.title, "license": s.license, "source": s.source}
        | {"problems": s.problems}
        for s in SETS.values()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(plain(f"{row['name']:13} {row['title']} ({row['license']})"))
        typer.echo(plain(f"{'':13} {row['source']}"))
        typer.echo(plain(f"{'':13} {row['problems']}"))


def list_runs(*, as_json: Json = False) -> None:
    """The evaluations recorded here, oldest first."""
    found: list[dict[str, Any]] = []
    with _store() as store:
        for info in runs(store):
            first = next(events(store, info.run, kind=SPEC), None)
            if first is not None:
                done = sum(1 for _ in events(store, info.run, kind=ITEM))
                ended = next(events(store, info.run, kind=END), None) is not None
                found.append(
                    {
                        "run": info.run,
                        "set": first.data["set"],
                        "model": first.data["model"],
                        "problems": first.data["problems"],
                        "samples": first.data["samples"],
                        "done": done,
                        "state": "ended" if ended else "running" if info.writer else "stopped",
                    }
                )
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for row in found:
        total = row["problems"] * row["samples"]
        typer.echo(
            plain(
                f"{row['run']}  {row['done']}/{total} {row['state']}  {row['set']}  {row['model']}"
            )
        )


def report(
    run_name: RunName,
    *,
    html: Annotated[Path | None, typer.Option("--html", help="Write one page to FILE.")] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write Markdown to FILE.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Accuracy with intervals, by kind and label status, errors by class, cost."""
    with _store() as store:
        spec = recorded_spec(store, run_name)
        found = report_of(store, run_name)
    title = f"{spec.set}: {spec.model}, run {run_name}"
    if html is not None:
        _write(html, to_html(found, title=title, questions=_questions(spec)))
    if markdown is not None:
        _write(markdown, to_markdown(found, title=title))
    if as_json:
        typer.echo(json.dumps({"run": run_name, **found.to_json()}, indent=2))
    elif html is None and markdown is None:
        typer.echo(to_text(found, title=title))


def compare(
    run_a: Annotated[str, typer.Argument(metavar="RUN_A")],
    run_b: Annotated[str, typer.Argument(metavar="RUN_B")],
    *,
    as_json: Json = False,
) -> None:
    """Two runs on the problems both have: the difference, McNemar's test, what changed.

    Right is by the main verdict of the first try of each problem.
    """
    with _store() as store:
        for name in (run_a, run_b):
            recorded_spec(store, name)
        found = compare_results(report_of(store, run_a), report_of(store, run_b))
    if not found.n:
        raise _nothing_shared(found)
    if as_json:
        typer.echo(json.dumps({"a": run_a, "b": run_b, **found.to_json()}, indent=2))
    else:
        typer.echo(to_text(found, title=f"A {run_a}, B {run_b}"))


def errors(
    run_name: RunName,
    *,
    only: Annotated[str | None, typer.Option("--class", help="Only this class of errors.")] = None,
    right: Annotated[bool, typer.Option("--right", help="The right ones instead.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="The right ones too.")] = False,
    as_json: Json = False,
) -> None:
    """The problems that are not right, and why."""
    if only is not None and only not in CLASSES:
        raise InputError(f"There is no error class {only!r}.", fix=f"One of {', '.join(CLASSES)}.")
    if (only is not None) + right + everything > 1:
        raise InputError(
            "--class, --right and --all exclude each other.",
            where="opto bench errors",
            fix="Give one of them; none lists all that is not right.",
        )
    with _store() as store:
        spec = recorded_spec(store, run_name)
        listed = [
            record
            for record in results_of(store, run_name)
            if (everything or record.main == right) and only in (None, record.error)
        ]
    if as_json:
        typer.echo(json.dumps([record.to_json() for record in listed], indent=2))
        return
    for record in listed:
        typer.echo(plain(one_line(record, samples=spec.samples)))
        for said in reasons(record):
            typer.echo(plain(f"    {said}"))
    sample = " --sample N" if spec.samples > 1 else ""
    typer.echo(f"`opto bench show {run_name} ID{sample}` explains one.", err=True)


def show(
    run_name: RunName,
    problem: Annotated[str, typer.Argument(metavar="ID", help="Of the problem.")],
    *,
    sample: Annotated[int, typer.Option("--sample", min=0, help="Which try, from 0.")] = 0,
    calls: Annotated[
        bool, typer.Option("--calls", help="The whole transcript too: every model call.")
    ] = False,
    as_json: Json = False,
) -> None:
    """One problem: verdict, model, solution and gold model; with --calls the transcript."""
    with _store() as store:
        spec = recorded_spec(store, run_name)
        record = _one(list(results_of(store, run_name)), problem, sample, run_name)
        found = [e for e in events(store, run_name) if record.span and e.span == record.span]
    if as_json:
        typer.echo(json.dumps([{"kind": e.kind, "data": e.data} for e in found], indent=2))
        return
    answer = next((e.data for e in reversed(found) if e.kind == "solve.answer"), None)
    typer.echo(plain(one_page(record, answer, _item(spec, record), samples=spec.samples)))
    if calls:
        for event in found:
            typer.echo(f"\n--- {event.kind} {event.at[:19]}")
            typer.echo(plain(event_words(event.kind, event.data)))
        return
    kinds = Counter(event.kind for event in found)
    recorded = ", ".join(f"{kind} {count}" for kind, count in kinds.items()) or "nothing"
    typer.echo(plain(f"\nTranscript: {recorded} (--calls prints it)"))


@contextmanager
def _store() -> Iterator[Store]:
    """The runs of this folder, for reading.

    Raises:
        InputError: Nothing was recorded here.
    """
    path = load_settings().runs_path
    if not path.exists():
        raise InputError(
            "No runs have been recorded here yet.",
            where=str(path),
            fix="Run `opto bench run` in this folder first, or set OPTO_RUNS_PATH.",
        )
    with Store(path, read_only=True) as store:
        yield store


def _one(records: Sequence[ItemResult], problem: str, sample: int, run_name: str) -> ItemResult:
    tries = {record.sample: record for record in records if record.id == problem}
    if sample in tries:
        return tries[sample]
    if tries:
        raise InputError(
            f"The problem {problem!r} has no sample {sample}.",
            where=run_name,
            fix=f"It has {', '.join(map(str, sorted(tries)))}.",
        )
    near = get_close_matches(problem, {record.id for record in records}, n=1)
    raise InputError(
        f"The run has no result for the problem {problem!r}.",
        where=run_name,
        fix=(f"Did you mean {near[0]!r}? " if near else "")
        + f"`opto bench errors {run_name} --all` lists every problem by its id.",
    )


def _item(spec: BenchSpec, record: ItemResult) -> Item | None:
    """The problem; None where the data is not here any more, or is another set by now."""
    with suppress(OptoError):
        for item in read_items(spec):
            if item.id == record.id and item.accepted == record.accepted:
                return item
    return None


def _nothing_shared(found: Comparison) -> InputError:
    """Why there is nothing to compare."""
    if found.other_gold:
        what = f"The accepted answers of all {found.other_gold} shared problems differ."
        fix = "Measure both with the same answers (--answers) and the same version of the data."
    else:
        what = "The two runs share no problem that has a gold answer and was tried in both."
        fix = "`opto bench runs` lists the set of each; compare runs of the same set."
    return InputError(what, where="opto bench compare", fix=fix)


def _questions(spec: BenchSpec) -> dict[str, str]:
    """Texts by `set/id`; none where the data is not here any more."""
    with suppress(OptoError):
        return {f"{item.set}/{item.id}": item.question for item in read_items(spec)}
    return {}


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise InputError(f"Cannot write the report: {fault.strerror}.", where=str(file)) from fault
    typer.echo(f"Report written to {file}", err=True)
