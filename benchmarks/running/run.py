"""One evaluation from its first call to its last, and from where a killed one stopped.

Lives here: `run_bench`: model, budget, engine, log; `results_of`, reading it back.
Never here: what is asked of a problem (`task`), reports, terminal output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from benchmarks.items import Item, ItemResult
from benchmarks.report import Planned, Report, fold
from benchmarks.running.limits import LIMITS, CostLimits, recorded_limits, spent_in
from benchmarks.running.measure import Measure
from benchmarks.running.spec import SPEC, BenchSpec, recorded_spec
from benchmarks.running.task import ITEM, BenchTask, failed_result
from opto.errors import InputError, OptoError
from opto.llm.errors import BudgetExceeded
from opto.llm.open import open_model
from opto.llm.stack import CallOptions
from opto.modeling.agent import SolveOptions
from opto.modeling.pipelines.registry import choose_pipeline
from opto.search import Budget, Result, Rules, Study, StudyHalted
from opto.search.errors import ResumeError
from opto.settings import Settings
from solvers_bridge.outcome import Limits
from traces.errors import UnknownRunError
from traces.read import events
from traces.record import Recorder
from traces.store.sqlite import Store

Watch = Callable[[ItemResult], None]


class BenchHaltedError(OptoError):
    """The evaluation stopped before its end; what is done is kept, and it can be resumed."""

    code = "bench.halted"


@dataclass(kw_only=True)
class BenchRun:
    """How an evaluation is carried out; nothing in here changes what is measured."""

    store: Store
    run: str
    settings: Settings
    workers: int = 8
    limits: CostLimits = field(default_factory=CostLimits)
    """What is not given holds as it was given before."""
    watch: Watch | None = None


def run_bench(spec: BenchSpec, items: Sequence[Item], how: BenchRun) -> Result:
    """Measure `items`; a run of the same name goes on where it stopped.

    A call that the log knows is not made again, also where the process died between two calls of
    one problem.

    Args:
        spec: What is measured; recorded.
        items: The problems `spec` draws.
        how: Log, name, workers, limits.

    Raises:
        InputError: There is no problem, or the run of that name measured something else.
        BenchHaltedError: A budget is used up, or the server cannot be used; resume it later.
        StudyInterrupted: Ctrl-C; resume it later.
    """
    if not items:
        raise InputError("There is no problem to measure.", where=spec.set, fix="See --limit.")
    begun = _begun(spec, how)
    earlier = recorded_limits(how.store, how.run)
    limits = how.limits.over(earlier)
    budget = limits.left(spent_in(how.store, how.run))
    options = SolveOptions(repairs=spec.repairs, limits=Limits(time_limit_s=spec.solver_seconds))
    with open_model(spec.model, settings=how.settings, calls=CallOptions(budget=budget)) as lm:
        task = BenchTask(
            items,
            lm,
            choose_pipeline(spec.pipeline, lm),
            options,
            temperature=spec.temperature,
            folder=spec.folder,
        )
        if how.watch is not None:
            task.watch = how.watch
        with Recorder(how.store, how.run) as recorder:  # now that nothing is misspelt
            if not begun:
                recorder.emit(SPEC, **spec.to_json(), problems=len(items))
            if earlier != limits:
                recorder.emit(LIMITS, **limits.to_json())
        result = _measured(task, spec, limits, how)
    _close(task, result, how)
    return result


def _measured(task: BenchTask, spec: BenchSpec, limits: CostLimits, how: BenchRun) -> Result:
    algorithm = Measure(samples=spec.samples)
    study = Study(
        task,
        algorithm,
        Budget(metric=len(task.items) * spec.samples * algorithm.passes),
        workers=how.workers,
        store=how.store,
        run=how.run,
        rules=Rules(report=0, retries=0),
    )
    try:
        return study.run()
    except StudyHalted as halt:
        raise _halted(halt.__cause__, limits, how) from halt.__cause__
    except ResumeError as other:
        if any(path == "task.val" for path, _, _ in other.differences):
            raise InputError(
                f"The problems are not those that run {how.run!r} measured.",
                where=spec.data or spec.set,
                fix="Give the file as it was, or another --run name to measure anew.",
            ) from other
        raise


def _halted(cause: BaseException | None, limits: CostLimits, how: BenchRun) -> BenchHaltedError:
    """Why the run stopped, and how it goes on."""
    resume = f"opto bench resume {how.run}"
    if isinstance(cause, BudgetExceeded):
        return BenchHaltedError(
            f"The evaluation stopped: the next call could pass {limits}.",
            where=f"spent so far: {spent_in(how.store, how.run)}",
            fix=f"What is done is kept. Go on with a higher limit: `{resume} --max-... MORE`.",
        )
    told = cause if isinstance(cause, OptoError) else OptoError(str(cause))
    return BenchHaltedError(
        f"The evaluation stopped: {told.what}",
        where=told.where,
        fix=f"{told.fix} What is done is kept: `{resume}` goes on.".strip(),
    )


def _begun(spec: BenchSpec, how: BenchRun) -> bool:
    """Is there a run of this name, of the same evaluation?

    Raises:
        InputError: It was asked to measure something else.
    """
    with suppress(UnknownRunError):
        for event in events(how.store, how.run, kind=SPEC):
            spec.check_same(BenchSpec.from_json(event.data), how.run)
            return True
    return False


def _close(task: BenchTask, result: Result, how: BenchRun) -> None:
    """Give tries that failed in every pass a record, so that they count as not right."""
    ledger, known = result.ledger, {(r.id, r.sample) for r in results_of(how.store, how.run)}
    missing: list[ItemResult] = []
    for rollout in ledger.rollouts(result.best.id, "val"):
        item = task.items[rollout.example]
        if not rollout.ok and (item.id, rollout.rep) not in known:
            missing.append(failed_result(item, rollout.rep, rollout.note, task.pipeline.name))
    if missing:
        with Recorder(how.store, how.run) as recorder:
            for record in missing:
                recorder.emit(ITEM, **record.to_json())


def results_of(store: Store, run: str) -> Iterator[ItemResult]:
    """The records of `run`, one per try, in the order they came.

    A try whose process died just after its record has two, equal but for times; the first counts.
    """
    seen: set[tuple[str, int]] = set()
    for event in events(store, run, kind=ITEM):
        record = ItemResult.from_json(event.data)
        if (record.id, record.sample) not in seen:
            seen.add((record.id, record.sample))
            yield replace(record, span=event.span or "")


def report_of(store: Store, run: str) -> Report:
    """The report of a run, which knows how much was planned.

    Raises:
        InputError: There is no such run, or it is no evaluation.
    """
    spec = recorded_spec(store, run)
    planned = next(int(e.data["problems"]) for e in events(store, run, kind=SPEC))  # type: ignore[arg-type]
    return fold(results_of(store, run), planned=Planned(planned, spec.samples))
