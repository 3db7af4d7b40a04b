"""One evaluation from its first call to its last, and from where a killed one stopped.

Lives here: `run_bench`: model, budget, engine, log; `results_of`, reading it back.
Never here: what is asked of a problem (`task`), reports, terminal output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from benchmarks.items import Item, ItemResult
from benchmarks.running.measure import Measure
from benchmarks.running.spec import SPEC, BenchSpec
from benchmarks.running.task import ITEM, BenchTask, failed_result
from opto.errors import InputError, OptoError
from opto.llm.open import open_model
from opto.llm.reserve import Amount
from opto.llm.reserve import Budget as CallBudget
from opto.llm.stack import CallOptions
from opto.modeling.agent import SolveOptions
from opto.modeling.pipelines.registry import choose_pipeline
from opto.search import Budget, Result, Rules, Study, StudyHalted
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLimits:
    """Ceilings that no call may pass, those of earlier parts of the run included."""

    calls: int | None = None
    usd: Decimal | None = None
    tokens: int | None = None
    seconds: float | None = None
    """Of this part of the run."""

    def left(self, spent: Amount) -> CallBudget | None:
        """The budget of the model for what is left; None without a ceiling."""
        if (self.calls, self.usd, self.tokens, self.seconds) == (None,) * 4:
            return None
        return CallBudget(
            calls=None if self.calls is None else max(self.calls - spent.calls, 0),
            usd=None if self.usd is None else max(self.usd - spent.usd, Decimal(0)),
            tokens=None if self.tokens is None else max(self.tokens - spent.tokens, 0),
            seconds=self.seconds,
        )


@dataclass(kw_only=True)
class BenchRun:
    """How an evaluation is carried out; nothing in here changes what is measured."""

    store: Store
    run: str
    settings: Settings
    workers: int = 8
    limits: CostLimits = field(default_factory=CostLimits)
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
        InputError: There is no problem.
        BenchHaltedError: A budget is used up, or the server cannot be used; resume it later.
        StudyInterrupted: Ctrl-C; resume it later.
        opto.search.errors.ResumeError: The recorded run measured something else.
    """
    if not items:
        raise InputError("There is no problem to measure.", where=spec.set, fix="See --limit.")
    _begin(spec, items, how)
    budget = how.limits.left(spent_in(how.store, how.run))
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
        result = _measured(task, spec, how)
    _close(task, result, how)
    return result


def _measured(task: BenchTask, spec: BenchSpec, how: BenchRun) -> Result:
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
        cause = halt.__cause__
        told = cause if isinstance(cause, OptoError) else OptoError(str(cause))
        raise BenchHaltedError(
            f"The evaluation stopped: {told.what}",
            where=told.where,
            fix=f"{told.fix} What is done is kept: `opto bench resume {how.run}` goes on.".strip(),
        ) from cause


def _begin(spec: BenchSpec, items: Sequence[Item], how: BenchRun) -> None:
    """Record what is asked for, once."""
    with suppress(UnknownRunError):
        for _ in events(how.store, how.run, kind=SPEC):
            return
    with Recorder(how.store, how.run) as recorder:
        recorder.emit(SPEC, **spec.to_json(), problems=len(items))


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


def spent_in(store: Store, run: str) -> Amount:
    """What the model calls of `run` took so far, those of tries that did not end included."""
    calls, tokens, usd = 0, 0, Decimal(0)
    with suppress(UnknownRunError):
        for event in events(store, run, kind="llm.call"):
            usage: Any = event.data["completion"]["usage"]  # type: ignore[index,call-overload]
            calls += 1
            tokens += usage["input_tokens"] + usage["output_tokens"]
            usd += Decimal(usage["usd"] or 0)
    return Amount(usd, tokens, calls)
