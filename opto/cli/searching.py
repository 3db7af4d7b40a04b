"""Running a search for a person at a terminal: the common part of `opto optimize` and `resume`.

Lives here: from options and files to a study; recording, the display, errors that say how to go on.
Never here: flags (the commands have them), the engine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing as closed_after
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from opto.cli.ask import with_model
from opto.cli.userfile import UserFiles
from opto.cli.wanted import Wanted, budget_from
from opto.display.search import watching
from opto.display.search_result import show_result
from opto.display.text import plain
from opto.errors import InputError
from opto.llm.secret import redactor
from opto.optimizers.search import Rewriter, named
from opto.search.algorithm import Algorithm
from opto.search.budget import Budget
from opto.search.errors import EvaluationError, SearchError, StudyHalted, StudyInterrupted
from opto.search.guide import contains, exact_match
from opto.search.optimize import task_of
from opto.search.progress import Watch
from opto.search.recorded import ORIGIN
from opto.search.registry import BUILT_IN, as_algorithm, optimizer
from opto.search.result import Result
from opto.search.rules import Rules
from opto.search.study import Study
from opto.search.task import Task
from opto.settings import Settings
from traces.record import Recorder
from traces.store.sqlite import Store

GUIDES = {"exact_match": exact_match, "contains": contains}
INTERRUPTED = 130
_FIXES = {
    "program": "Define `program`, or name another: FILE.py:NAME.",
    "trainset": "Define `trainset = [(input, target), ...]`, or give --train FILE.jsonl.",
    "guide": "Define `guide(output, example)` that returns a score, or give --guide exact_match.",
    "budget": "Give --budget metric=500,llm=50.",
}
_MEANINGS = {
    "program": "what is to be trained",
    "trainset": "the examples",
    "valset": "the examples that choose",
    "guide": "which scores outputs",
    "optimizer": "the search algorithm",
    "budget": "what the search may spend",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that a study needs, and what it was made from."""

    wanted: Wanted
    """With absolute places, the model that was settled on, and the budget."""
    task: Task
    algorithm: Algorithm
    budget: Budget
    files: dict[str, str]
    """Path to digest."""
    sources: dict[str, str]
    """Path to text of the Python among them."""


class Loader:
    """Turns options into parts of a study; executes the program's file."""

    def __init__(self, wanted: Wanted, settings: Settings) -> None:
        self._wanted, self._settings = wanted, settings
        self._files = UserFiles()
        self._program, self._name = self._files.named(wanted.program, "program")

    def load(self) -> Loaded:
        """Everything.

        Raises:
            InputError: A file or a name is missing, or a value cannot be used.
            SearchError: The program has nothing to train.
        """
        typer.echo(f"Running {self._program} (your own program is executed)", err=True)
        program, train, val, guide, algorithm, budget = self._parts()
        task = task_of(program, train, guide, val)
        model = self._wanted.model
        if isinstance(algorithm, str):
            algorithm, model = self._ours(algorithm, task)
        wanted = self._wanted.but(
            program=f"{self._program}:{self._name}",
            train=self._absolute(self._wanted.train),
            val=self._absolute(self._wanted.val),
            guide=self._absolute(self._wanted.guide),
            optimizer=self._absolute(self._wanted.optimizer),
            budget=budget.to_json(),
            model=model,
        )
        return Loaded(wanted, task, algorithm, budget, self._files.digests, self._files.sources)

    def _parts(self) -> tuple[Any, Sequence[Any], Sequence[Any] | None, Any, Any, Budget]:
        wanted = self._wanted
        program = self._value(f"{self._program}:{self._name}", "program")
        if isinstance(program, type):
            raise InputError(
                f"{self._name!r} is a class, not a program.",
                where=str(self._program),
                fix=f"Make one: program = {program.__name__}(...)",
            )
        train = self._examples(wanted.train, "trainset")
        val = None
        if wanted.val or self._files.has(self._program, "valset"):
            val = self._examples(wanted.val, "valset")
        guide = GUIDES.get(wanted.guide or "") or self._value(wanted.guide, "guide")
        if not callable(guide):
            raise InputError(
                f"The guide is {type(guide).__name__}, which cannot be called.",
                where=str(self._program),
                fix="A guide is guide(output, example) that returns a score.",
            )
        return program, train, val, guide, self._algorithm(), self._budget()

    def _value(self, place: str | None, default: str) -> Any:
        path, name = self._files.named(place or str(self._program), default)
        return self._files.value(
            path, name, meaning=_MEANINGS[default], fix=_FIXES.get(default, "Define it.")
        )

    def _examples(self, place: str | None, default: str) -> Sequence[Any]:
        if place is not None and place.endswith(".jsonl"):
            return self._files.rows(Path(place).expanduser().resolve())
        found = self._value(place, default)
        if isinstance(found, str) or not isinstance(found, Sequence):
            raise InputError(
                f"{default} is {type(found).__name__}, not a list of examples.",
                where=place or str(self._program),
                fix="Make it a list of (input, target) pairs.",
            )
        return found

    def _algorithm(self) -> Any:
        """The name of one of ours, or an algorithm from a file or another package."""
        name = self._wanted.optimizer
        if name in BUILT_IN:
            return name
        if ".py" in name:
            return as_algorithm(self._value(name, "optimizer"), name)
        return optimizer(name)

    def _ours(self, name: str, task: Task) -> tuple[Algorithm, str | None]:
        """An algorithm of ours and the model that proposes; no model where none is asked."""
        spec = named(name)
        chooses = spec.source is not None and not spec.sow
        if chooses or (spec.sow and getattr(task, "choices", None) is not None):
            return spec.algorithm(), None
        model = with_model(self._settings).model
        rewriter = Rewriter(model)
        rewriter.open()  # a wrong name or a missing key must not be found out after an hour
        return spec.algorithm(rewriter), model

    def _budget(self) -> Budget:
        given = self._wanted.budget
        found = self._value(None, "budget") if given is None else Budget.from_json(given)
        if isinstance(found, str):
            found = budget_from(found)
        if not isinstance(found, Budget):
            raise InputError(
                f"`budget` is {type(found).__name__}, not a Budget.",
                where=str(self._program),
                fix=_FIXES["budget"],
            )
        return found

    def _absolute(self, place: str | None) -> str | None:
        """A place with an absolute path; names of ours as they are."""
        if place is None or ".py" not in place:
            return None if place is None else _absolute_data(place)
        path, name = self._files.named(place, "")
        return f"{path}:{name}" if name else str(path)


def search(
    loaded: Loaded,
    store: Store,
    run: str,
    *,
    rules: Rules | None = None,
    record: bool = True,
) -> Result:
    """Run a study with the display on; errors say how to go on.

    Raises:
        typer.Exit: After Ctrl-C, with code 130.
        OptoError: As `Study.run`.
    """
    wanted = loaded.wanted

    def study_of(watch: Watch | None = None) -> Study:
        return Study(
            loaded.task,
            loaded.algorithm,
            loaded.budget,
            seed=wanted.seed,
            workers=wanted.workers,
            store=store,
            run=run,
            rules=rules,
            watch=watch,
        )

    if record and rules is not None:  # a resume: what it cannot go on with is not recorded
        with closed_after(study_of()) as probe:
            assert probe.run_name == run  # noqa: S101  (it has begun, so it is the same study)
    if record:
        with Recorder(store, run) as recorder:
            recorder.emit(ORIGIN, **wanted.to_json(), files=loaded.files, sources=loaded.sources)
    with watching() as watch, _explained(run), closing(loaded.algorithm):
        return study_of(watch).run()


@contextmanager
def closing(algorithm: Algorithm) -> Iterator[None]:
    """Let an algorithm go of its model in the end, if it holds one."""
    try:
        yield
    finally:
        if callable(close := getattr(algorithm, "close", None)):
            close()


@contextmanager
def _explained(run: str) -> Iterator[None]:
    """Errors of a study in the words of the command line."""
    try:
        yield
    except StudyInterrupted as stopped:
        typer.echo(f"\n{stopped.what}\n  go on: opto resume {run}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except StudyHalted as halted:
        cause = halted.__cause__ or halted
        raise SearchError(
            f"The search was halted: {cause}", where=f"run {run}", fix=f"opto resume {run}"
        ) from halted
    except EvaluationError as error:
        if "resume" in error.fix:
            error.fix = f"Repair it, then: opto resume {run} --changed"
        raise


def check_output(output: Path | None) -> None:
    """Can the values be written there? Better known before than after the search.

    Raises:
        InputError: They cannot.
    """
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise InputError(
            f"The values cannot be written to {str(output)!r}.",
            fix="Name a file in a folder that exists with --output.",
        )


def report(run: str, result: Result, *, as_json: bool, output: Path | None) -> None:
    """The end: words or JSON on stdout, the values in a file."""
    if as_json:
        typer.echo(json.dumps({"run": run, **result.to_json()}, indent=2))
    else:
        show_result(result, Console(highlight=False))
    if output is None:
        return
    try:
        text = json.dumps(dict(result.values), indent=1, ensure_ascii=False)
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"Cannot write the values: {error.strerror}.",
            where=str(output),
            fix=f"They are kept: opto runs show {run}",
        ) from error
    typer.echo(f"Values written to {plain(str(output))}", err=True)


@contextmanager
def only_json(as_json: bool) -> Iterator[None]:  # noqa: FBT001  (the flag of the command)
    """Keep stdout for the JSON: what the user's program prints goes to stderr."""
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        yield


def opened(settings: Settings) -> Store:
    """The file of runs, for writing."""
    return Store(settings.runs_path, redactor=redactor())


def _absolute_data(place: str) -> str:
    return str(Path(place).expanduser().resolve()) if place.endswith(".jsonl") else place
