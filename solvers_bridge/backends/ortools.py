"""OR-Tools as a second, independent engine, in a process of its own.

Lives here: starting, feeding, timing and killing the worker; its answers as `Outcome`.
Never here: `import ortools` (highspy and ortools cannot share a process), the choice of solver.

Workers are kept for the next solve, at most one per processor, each with one model at a time. A
worker is killed when it overruns its time, when the caller is interrupted, or when it dies. It gets
a small environment: no secrets of the parent.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from solvers_bridge.backends.frames import (
    Arrays,
    AskedToStopError,
    pack,
    read_frame_until,
    unpack,
    write_frame_until,
)
from solvers_bridge.backends.routing import Route, choose
from solvers_bridge.errors import MissingSolverError
from solvers_bridge.form import StandardForm
from solvers_bridge.outcome import Limits, Outcome, Stop

_STOPS = {
    "OPTIMAL": Stop.OPTIMAL,
    "INFEASIBLE": Stop.INFEASIBLE,
    "UNBOUNDED": Stop.UNBOUNDED,
    "INFEASIBLE_OR_UNBOUNDED": Stop.INFEASIBLE_OR_UNBOUNDED,
    "IMPRECISE": Stop.NUMERIC,
    "NUMERICAL_ERROR": Stop.NUMERIC,
    "MEMORY": Stop.MEMORY_LIMIT,
}
_LIMITS = {
    "TIME": Stop.TIME_LIMIT,
    "UNDETERMINED": Stop.TIME_LIMIT,  # CP-SAT does not say which; time is the only one it gets
    "MEMORY": Stop.MEMORY_LIMIT,
    "INTERRUPTED": Stop.INTERRUPTED,
}
_KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
_START_S = 20.0
"""Time a worker may take to import its packages, on top of the time limit of the solve."""
_GRACE_S = 1.0
"""Time a solver may overrun its own limit before its process is killed."""
_BYTES_PER_S = 20e6
"""Speed, pessimistic, at which a model is read and built; gives large models more grace."""
_LOOK_S = 0.05
"""How often a solve that waits for a worker looks whether to stop."""


class OrTools:
    """GLOP, PDLP, SCIP or CP-SAT, whichever fits the model; see `routing.choose`."""

    name = "ortools"

    def __init__(self, *, memory_mb: int = 8192, workers: int | None = None) -> None:
        """Prepare; no process is started before it is needed.

        Args:
            memory_mb: Address space a worker may use, in megabytes.
            workers: Most processes, so most solves at the same time; None: one per processor.

        Raises:
            MissingSolverError: ortools is not installed.
        """
        if find_spec("ortools") is None:
            raise MissingSolverError(
                "Solver 'ortools' needs the package 'ortools'.",
                fix="pip install 'optolab[ortools]'",
            )
        self._memory_mb = memory_mb
        self._places = threading.Semaphore(workers or os.cpu_count() or 1)
        self._kept: list[_Worker] = []
        """All that live, the busy ones as well."""
        self._free: list[_Worker] = []
        weakref.finalize(self, _end, self._kept)  # also at exit

    def solve(self, form: StandardForm, limits: Limits) -> Outcome:
        """Best answer within `limits`; a killed or broken worker is an outcome, not an exception.

        Args:
            form: n columns, m rows.
            limits: Wall-clock seconds, relative gap, threads, seed.

        Raises:
            DataError: the arrays hold NaN, infinity or lengths that do not fit.
        """
        form.validate()
        route = choose(form)
        begun = time.monotonic()
        try:
            crossed = _crossed(form)
            facts, arrays = (crossed, {}) if crossed else self._ask(route, limits)
            if route.solver == "CP-SAT" and facts["reason"] == "OTHER_ERROR":
                # its presolve breaks down on some small infeasible models (seen with 9.15)
                route = Route("SCIP", form, f"CP-SAT broke down: {facts['raw_status']}")
                facts, arrays = self._ask(route, limits)
        except TimeoutError:
            facts, arrays = _killed("TIME", "killed: it did not stop at its time limit"), {}
        except AskedToStopError:
            facts, arrays = _killed("INTERRUPTED", "killed: it was interrupted"), {}
        facts["seconds"] = time.monotonic() - begun
        return _outcome(form, route, facts, arrays)

    def close(self) -> None:
        """End the workers, also under the solve of another thread; the next one starts anew."""
        with suppress(IndexError):
            while True:
                self._ended(self._free.pop())
        for worker in tuple(self._kept):
            worker.process.kill()  # whoever waits for its answer frees the pipes

    def _ask(self, route: Route, limits: Limits) -> tuple[dict[str, Any], Arrays]:
        request = _request(route, limits)
        with self._worker(limits.interrupt) as worker:
            grace = _START_S * (not worker.used) + _GRACE_S + len(request) / _BYTES_PER_S
            deadline = time.monotonic() + limits.time_limit_s + grace
            reply = worker.ask(request, deadline, limits.interrupt)
            if reply is None:
                last_words = self._ended(worker)
                memory = "bad_alloc" in last_words or "MemoryError" in last_words
                return _killed("MEMORY" if memory else "OTHER", f"worker died: {last_words}"), {}
        return unpack(reply)

    @contextmanager
    def _worker(self, stop: threading.Event | None) -> Iterator[_Worker]:
        """A worker for one request, started if none is free; killed if the request fails."""
        while not self._places.acquire(timeout=None if stop is None else _LOOK_S):
            if stop is not None and stop.is_set():
                raise AskedToStopError
        try:
            worker = self._taken()
            try:
                yield worker
            except BaseException:  # overrun or Ctrl-C: the solver will not hear of it otherwise
                self._ended(worker)
                raise
            if worker.process.returncode is None:
                self._free.append(worker)
        finally:
            self._places.release()

    def _taken(self) -> _Worker:
        with suppress(IndexError):
            while True:
                worker = self._free.pop()
                if worker.process.poll() is None:
                    return worker
                self._ended(worker)
        self._kept.append(worker := _Worker.start(self._memory_mb))
        return worker

    def _ended(self, worker: _Worker) -> str:
        """Kill `worker`; its last words."""
        self._kept.remove(worker)
        return worker.kill()


@dataclass(slots=True, eq=False)
class _Worker:
    """One child process and the pipes to it."""

    process: subprocess.Popen[bytes]
    requests: IO[bytes]
    answers: IO[bytes]
    chatter: IO[bytes]
    used: bool = False

    @classmethod
    def start(cls, memory_mb: int) -> _Worker:
        environment = {k: os.environ[k] for k in _KEPT_ENVIRONMENT if k in os.environ}
        paths = [str(Path(__file__).parents[2]), *(path for path in sys.path if path)]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        # a file, because a pipe that nobody reads would block the solver
        chatter = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `kill`
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "solvers_bridge.backends.ortools_worker", str(memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=chatter,
            env=environment,
            start_new_session=True,  # Ctrl-C is the parent's to handle
            bufsize=0,
        )
        requests, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        return cls(process, requests, answers, chatter)

    def ask(self, request: bytes, deadline: float, stop: threading.Event | None) -> bytes | None:
        """The reply; None when the worker is dead. Raises like `read_frame_until`."""
        try:
            write_frame_until(self.requests.fileno(), request, deadline, stop=stop)
            reply = read_frame_until(self.answers.fileno(), deadline, stop=stop)
        except BrokenPipeError:
            return None
        self.used = True
        return reply

    def kill(self) -> str:
        """End the process, free the pipes; the last 500 characters of its stderr."""
        self.process.kill()
        self.process.wait()
        self.requests.close()
        self.answers.close()
        with self.chatter as said:
            said.seek(0)
            text = said.read().decode(errors="replace")
        return text.strip()[-500:] or f"exit code {self.process.returncode}"


def _end(workers: list[_Worker]) -> str:
    """Kill the workers; gives the end of what the last one wrote to stderr."""
    last_words = ""
    while workers:
        last_words = workers.pop().kill()
    return last_words


def _request(route: Route, limits: Limits) -> bytes:
    settings = {
        "solver": route.solver,
        "time_limit_s": limits.time_limit_s,
        "mip_gap": limits.mip_gap,
        "threads": limits.threads,
        "seed": limits.seed,
    }
    form = route.form
    arrays = {
        "maximize": np.array(form.sense == "max"),
        "offset": np.array(form.offset),
        "cost": form.cost,
        "col_lower": form.col_lower,
        "col_upper": form.col_upper,
        "integer": form.integer,
        "row_lower": form.row_lower,
        "row_upper": form.row_upper,
        "starts": form.starts,
        "indices": form.indices,
        "coefs": form.coefs,
    }
    return pack(settings, arrays)


def _crossed(form: StandardForm) -> dict[str, Any] | None:
    """A lower side above its upper one is infeasible; MathOpt would only call it invalid."""
    crossed = (form.col_lower > form.col_upper).any() or (form.row_lower > form.row_upper).any()
    words = "not asked: a lower bound is above its upper bound"
    return (
        {"reason": "INFEASIBLE", "limit": "UNSPECIFIED", "raw_status": words} if crossed else None
    )


def _killed(limit: str, words: str) -> dict[str, Any]:
    return {"reason": "NO_SOLUTION_FOUND", "limit": limit, "raw_status": words}


def _outcome(form: StandardForm, route: Route, facts: dict[str, Any], arrays: Arrays) -> Outcome:
    """What the worker said, in the model's sense and units."""
    stop = _STOPS.get(facts["reason"]) or _LIMITS.get(facts["limit"], Stop.ERROR)
    x = None if stop is Stop.UNBOUNDED else arrays.get("x")
    objective = None if x is None else form.objective(x)
    bound = facts.get("bound")
    if bound is not None:  # the scaled form has no constant
        bound = bound / route.unit + (form.offset - route.form.offset)
    if bound is None or not math.isfinite(bound):
        bound = objective if stop is Stop.OPTIMAL else None
    gap = None
    if objective is not None and bound is not None:
        gap = abs(objective - bound) / max(1e-9, abs(objective)) if objective != bound else 0.0
    return Outcome(
        stop=stop,
        x=x,
        objective=objective,
        bound=bound,
        gap=gap,
        raw_status=facts["raw_status"],
        engine=f"OR-Tools {_version()} {route.solver}",
        seconds=facts["seconds"],
        duals=arrays.get("duals") if x is not None else None,
        message=f"{route.solver} was asked: {route.why}.",
    )


@cache
def _version() -> str:
    """Read once: it is a file among the metadata of the package."""
    return version("ortools")
