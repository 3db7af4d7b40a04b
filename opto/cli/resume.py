"""`opto resume`: go on with a search that was killed or interrupted.

Lives here: which run, what of its files changed since.
Never here: the engine's comparison of settings and examples (`opto.search.journal`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from opto.cli.optimize import Json, Output
from opto.cli.searching import Loader, check_output, only_json, opened, report, search
from opto.cli.userfile import digest_of, source_of
from opto.cli.wanted import Wanted
from opto.display.runs import BENCH
from opto.display.search_plot import changed as lines_changed
from opto.errors import InputError
from opto.search.errors import ResumeError
from opto.search.recorded import Asked, asked_of
from opto.search.rules import Rules
from opto.settings import load_settings
from traces.read import events, runs
from traces.store.sqlite import Store

_LINES = 12
"""Lines of a change that an error shows."""
Place = Annotated[str | None, typer.Option(help="If the record does not say it, or it moved.")]


def resume(
    run: Annotated[
        str | None, typer.Argument(help="Name of a run; default: the newest unfinished search.")
    ] = None,
    *,
    program: Place = None,
    train: Place = None,
    val: Place = None,
    guide: Place = None,
    optimizer: Place = None,
    model: Place = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1)] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Go on although files changed: after a repair.")
    ] = False,
    store_file: Annotated[
        Path | None, typer.Option("--store", help="File of runs; default: that of the settings.")
    ] = None,
    as_json: Json = False,
    output: Output = None,
) -> int:
    """Go on with a search where it was; what was measured is not paid again.

    Your own program is executed, as by `opto optimize`.
    """
    settings = load_settings(model=model, runs_path=store_file)
    if not settings.runs_path.exists():  # opening it would make it
        raise InputError("No runs have been recorded here yet.", where=str(settings.runs_path))
    check_output(output)
    with only_json(as_json), opened(settings) as store:
        name = run or _newest(store)
        if any(True for _ in events(store, name, kind=BENCH)):
            raise InputError(f"Run {name!r} is an evaluation.", fix=f"opto bench resume {name}")
        asked = asked_of(store, name)
        if asked.ended:
            raise InputError(
                f"Run {name!r} is finished.", where=str(store), fix=f"opto runs show {name}"
            )
        wanted = _wanted(name, asked, program).but(
            train=train, val=val, guide=guide, optimizer=optimizer, model=model, workers=workers
        )
        moved = any((program, train, val, guide, optimizer))
        if asked.origin is not None and not changed and not moved:
            _check_files(name, asked.origin)
        settings = settings.model_copy(update={"model": wanted.model or settings.model})
        loaded = Loader(wanted, settings).load()
        rules = Rules(**asked.spec["rules"]) if asked.spec else None
        again = asked.origin is None or loaded.files != asked.origin["files"]
        result = search(loaded, store, name, rules=rules, record=again)
    report(name, result, as_json=as_json, output=output)
    return 0


def _newest(store: Store) -> str:
    """The newest search that did not end and that nobody is running."""
    for info in reversed(runs(store)):
        if info.writer is None and info.first_kind.startswith(("opt.origin", "opt.spec")):
            asked = asked_of(store, info.run)
            if asked.origin is not None and not asked.ended:
                return info.run
    raise InputError(
        "No unfinished search can be resumed by itself.",
        where=str(store),
        fix="`opto runs list` shows all runs; `opto resume RUN --program FILE.py:NAME` goes on "
        "with one that was begun in Python.",
    )


def _wanted(run: str, asked: Asked, program: str | None) -> Wanted:
    """What was asked for, from the origin, else from what the study recorded of itself."""
    if asked.origin is not None:
        return Wanted.from_json(asked.origin).but(program=program)
    if program is None:
        raise InputError(
            f"Run {run!r} was begun in Python, so its record does not say where the program is.",
            fix=f"opto resume {run} --program FILE.py:NAME, or in Python "
            f"opto.optimize(..., store=..., run={run!r}).",
        )
    spec: Mapping[str, Any] = asked.spec
    return Wanted(
        program=program,
        optimizer=spec["algorithm"]["name"],
        budget=spec["budget"],
        seed=spec["seed"],
    )


def _check_files(run: str, origin: Mapping[str, Any]) -> None:
    """Are all files as they were?

    Raises:
        ResumeError: One is not; all that are not are named, with what changed.
    """
    odd: list[tuple[str, object, object]] = []
    for place, digest in origin["files"].items():
        path = Path(place)
        now = digest_of(path) if path.is_file() else None
        if now != digest:
            odd.append((place, digest, now))
    if odd:
        told = "\n".join(_told(place, now, origin["sources"].get(place)) for place, _, now in odd)
        raise ResumeError(
            f"Files of run {run!r} are not as they were:\n{told}",
            fix=f"Put them back; or, if you repaired something: opto resume {run} --changed",
            differences=tuple(odd),
        )


def _told(place: str, now: object, before: str | None) -> str:
    """One file that is not as it was, in lines."""
    if now is None:
        return f"  {place} is gone"
    lines = lines_changed(before, source_of(Path(place))) if before else []
    left = f"\n    and {len(lines) - _LINES} more lines" if len(lines) > _LINES else ""
    return "\n    ".join([f"  {place} changed", *lines[:_LINES]]) + left
