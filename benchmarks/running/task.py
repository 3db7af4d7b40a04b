"""One problem, solved and scored: what the engine calls for each.

Lives here: `BenchTask`; which failures are the model's answer, which are worth another try, and
which end the run.
Never here: reading data sets, the log, reports. No number is read from a model's prose: answers
are the solver's.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.items import Item, ItemResult
from benchmarks.running.judge import Facts, judged
from opto.errors import InputError
from opto.llm.budget import Spent
from opto.llm.client import LM
from opto.llm.errors import (
    AuthError,
    BadResponse,
    BudgetExceeded,
    ContextTooLong,
    EmptyAnswer,
    InvalidRequest,
    ModelTimeout,
    NoModel,
    QuotaExhausted,
    RateLimited,
    Refused,
    ServerError,
    Truncated,
    UnexpectedTool,
    UnknownModel,
    UnknownPrice,
    UnreachableServer,
)
from opto.llm.replay import ReplayMiss
from opto.modeling.agent import NotAModelError, SolveOptions, solve_problem
from opto.modeling.answer import Answer, Status
from opto.modeling.pipelines.base import Pipeline
from opto.modeling.problem import Problem, read_table
from opto.search import Candidate, Cost, Outcome, StudyHalted
from opto.search.progress import last_line
from traces.record import NOTHING, current

ITEM = "bench.item"
"""One `ItemResult`; its span is the action whose events are its transcript."""
_SAID_NOTHING = (Truncated, Refused, EmptyAnswer, UnexpectedTool, ContextTooLong)
"""The model's own doing: counted as its answer."""
_HOPELESS = (
    AuthError,
    BudgetExceeded,
    InvalidRequest,
    NoModel,
    QuotaExhausted,
    ReplayMiss,
    UnknownModel,
    UnknownPrice,
    UnreachableServer,
)
"""The next problem would fail in the same way."""
_PASSING = (BadResponse, ModelTimeout, RateLimited, ServerError)
PATIENCE = 10
"""Failures of the server in a row, after its retries, that end the run."""
_STATUS = {
    Status.SOLVED: "optimal",
    Status.INFEASIBLE: "infeasible",
    Status.UNBOUNDED: "unbounded",
    Status.NOT_SOLVED: "not solved",
}


def _unwatched(result: ItemResult) -> None:
    """For callers who do not look on."""


@dataclass
class BenchTask:
    """The problems of a data set as validation examples of the engine."""

    items: Sequence[Item]
    lm: LM
    pipeline: Pipeline
    options: SolveOptions
    temperature: float | None = None
    """Of several samples; None leaves each request its own."""
    watch: Callable[[ItemResult], None] = _unwatched
    """Told each result as it is there; called from other threads."""
    folder: Path = field(default_factory=Path)
    """Where relative paths of tables start."""
    train: Sequence[Any] = ()
    deterministic: bool = False
    worst: Cost = field(default_factory=lambda: Cost(metric=1))
    _failed: int = 0

    @property
    def seed(self) -> Candidate:
        """The one candidate: who is measured, and how."""
        return Candidate(
            {
                "model": self.lm.name,
                "pipeline": self.pipeline.name,
                "temperature": self.temperature,
                "repairs": self.options.repairs,
                "solver_seconds": self.options.limits.time_limit_s,
            }
        )

    @property
    def components(self) -> dict[str, str]:
        return dict.fromkeys(self.seed.values, "")

    @property
    def val(self) -> Sequence[Item]:
        return self.items

    async def evaluate(
        self,
        candidate: Candidate,  # noqa: ARG002  (there is but one)
        example: Item,
        rep: int,
        stream: random.Random,  # noqa: ARG002  (nothing is drawn)
    ) -> Outcome:
        """Solve and score one problem.

        Raises:
            StudyHalted: The next problem would fail as well: no key, no credit, no server.
            ModelCallError: The server failed; worth another try later.
        """
        began = time.monotonic()
        lm = self.lm.metered()
        if self.temperature is not None:
            lm = lm.sampling(rep, temperature=self.temperature)
        try:
            facts = await self._solved(example, lm)
        except _HOPELESS as error:
            raise StudyHalted from error
        except _PASSING as error:
            self._failed += 1
            if self._failed >= PATIENCE:
                raise StudyHalted from error
            raise
        self._failed = 0
        result = await asyncio.to_thread(
            judged, example, rep, facts, spent=lm.usage, seconds=time.monotonic() - began
        )
        (current() or NOTHING).emit(ITEM, **result.to_json())
        self.watch(result)
        return Outcome(float(result.main), {"lenient": result.lenient, "strict": result.strict})

    async def _solved(self, item: Item, lm: LM) -> Facts:
        """What came of the problem; a model that cannot do it is an answer, not an error."""
        pipeline = self.pipeline.name
        try:
            tables = tuple(read_table(self.folder / name) for name in item.tables)
            problem = Problem(item.question, tables)
            answer = await solve_problem(problem, lm, pipeline=self.pipeline, options=self.options)
        except NotAModelError as error:
            return Facts("no model", pipeline, why=error.what)
        except _SAID_NOTHING as error:
            return Facts("no answer", pipeline, why=f"{error.code}: {error.what}")
        except InputError as error:
            return Facts("no answer", pipeline, why=str(error))
        return Facts(
            _STATUS[answer.status], pipeline, why=answer.why, value=_value(answer), answer=answer
        )


def _value(answer: Answer) -> float | str | None:
    if answer.status is Status.SOLVED:
        return answer.objective
    return None if answer.status is Status.NOT_SOLVED else answer.status.value


def failed_result(item: Item, sample: int, note: str, pipeline: str) -> ItemResult:
    """The record of a try that gave no result in any pass: no answer, so not right."""
    facts = Facts("no answer", pipeline, why=f"no result in any pass: {last_line(note)}")
    return judged(item, sample, facts, spent=Spent(), seconds=0.0)
