"""The front door: make a program better on examples, within a budget.

Lives here: `optimize`, and what it makes of a program.
Never here: settings of algorithms (their Specs), the engine, displays.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from opto.search.algorithm import Algorithm
from opto.search.budget import Budget
from opto.search.errors import SearchError
from opto.search.guide import Guide
from opto.search.progress import Watch, watching
from opto.search.registry import as_algorithm
from opto.search.registry import optimizer as by_name
from opto.search.result import Result
from opto.search.study import Study
from opto.search.task import Example, Task

if TYPE_CHECKING:
    from traces.store.sqlite import Store


def optimize(  # noqa: PLR0913  (the front door; everything else is in the algorithm's Spec)
    program: Any,
    trainset: Sequence[Example],
    guide: Guide,
    *,
    optimizer: str | Algorithm = "opto",
    budget: Budget,
    valset: Sequence[Example] | None = None,
    seed: int = 0,
    workers: int = 8,
    store: Store | str | os.PathLike[str] | None = None,
    run: str | None = None,
    progress: Watch | bool | None = None,
) -> Result:
    """Search for better values of a program's parameters. The program itself is not changed.

    Args:
        program: A bundled function, a Module, a `@model` object, any callable with
            `.parameters()`; or `(texts, function)`: a mapping of texts, and a function of the
            texts and an input; or a `dspy.Module` (examples and guide are then dspy's, too).
        trainset: `(input, target)` pairs, or mappings with `input` and `target`.
        guide: `guide(output, example)` gives a number, `(number, feedback)` or a Score.
        optimizer: Name of an algorithm, an Algorithm, or a Spec.
        budget: Limits for everything, the final score included.
        valset: Examples that choose between candidates; the trainset when None.
        seed: Of all random choices.
        workers: Most evaluations and proposals at once; the result does not depend on it.
        store: Where the run is logged, so that it can be gone on with: a path such as `runs.db`.
        run: Its name in the store; a new one when None. A run of that name is continued, whether
            it was killed, interrupted or is over; it must have been given the same otherwise.
        progress: False shows nothing, True shows how it goes on stderr, None does so where
            somebody looks (a terminal, a notebook), and a function is called with a `Progress`.

    Returns:
        The best values, their score on data that did not choose them, the history and the cost;
        `result.apply()` writes the values into the program.

    Raises:
        UnknownOptimizerError: No algorithm has that name.
        SearchError: The budget is none, the program has nothing to train, a run is named without
            a store; see also `Study.run`.
    """
    if not isinstance(budget, Budget):
        raise SearchError(
            f"A budget is a Budget, not {budget!r}.",
            fix="Say what is limited: budget=opto.Budget(metric=500, llm=50).",
        )
    if run is not None and store is None:
        raise SearchError(
            f"The run {run!r} has no store to be in.",
            fix=f"Say where it is logged: store='runs.db', run={run!r}.",
        )
    found = by_name(optimizer) if isinstance(optimizer, str) else as_algorithm(optimizer, "given")
    task = task_of(program, trainset, guide, valset)
    with watching(progress) as watch:
        study = Study(
            task, found, budget, seed=seed, workers=workers, store=store, run=run, watch=watch
        )
        try:
            return study.run()
        finally:
            if isinstance(optimizer, str) and callable(close := getattr(found, "close", None)):
                close()  # the model it asks was opened for this run


def task_of(
    program: Any, train: Sequence[Example], guide: Guide, val: Sequence[Example] | None = None
) -> Task:
    """What `optimize` makes of its first arguments.

    Raises:
        SearchError: The program has nothing to train, or there is no example.
    """
    if isinstance(program, tuple) and len(program) == 2 and isinstance(program[0], Mapping):  # noqa: PLR2004
        from opto.search.adapters import TextTask  # noqa: PLC0415  (one of the two is needed)

        return TextTask(program[0], program[1], train, guide, val=val)
    if any(kind.__module__.partition(".")[0] == "dspy" for kind in type(program).__mro__):
        foreign = import_module("opto.interop.dspy")  # by name: it knows us, we do not know it
        made: Task = foreign.DspyTask(program, train, guide, val=val)
        return made
    from opto.search.program import ProgramTask  # noqa: PLC0415

    return ProgramTask(program, train, guide, val=val)
