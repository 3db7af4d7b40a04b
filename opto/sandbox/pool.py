"""The workers behind a sandbox: who serves whom, and which level holds here.

Lives here: `Pool`: lending workers to threads, replacing dead and worn ones, the self-test that
decides the level, forgetting all of it in a fork of the host.
Never here: what is said to a worker (`talk`), the public interface (`api`).
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence

from opto.errors import OptoError
from opto.sandbox import canary
from opto.sandbox.errors import SandboxedError, SandboxUnavailable
from opto.sandbox.limits import Limits
from opto.sandbox.plain import Plain
from opto.sandbox.process import LayerMissingError, WorkerLostError, WorkerProcess
from opto.sandbox.program import Program
from opto.sandbox.talk import Talk

LEVELS = {
    "auto": ("strong", "kernel"),
    "strong": ("strong",),
    "kernel": ("kernel",),
    "unsafe": ("unsafe",),
}
"""What may be asked for, and the levels tried for it, best first."""
_RECYCLE_RUNS = 2_000
_TRIES = 3
Given = tuple[Plain, dict[str, bytes], str]
"""Value, files and output of a run."""


class Pool:
    """Workers, lent to one thread at a time."""

    def __init__(
        self, workers: int, wanted: str, *, limits: Limits, preload: Sequence[str]
    ) -> None:
        """Prepare; see `Sandbox` for the arguments."""
        self._workers, self._wanted = workers, wanted
        self._limits, self._preload = limits, tuple(preload)
        self._all: list[WorkerProcess] = []
        self._reset()
        weakref.finalize(self, _end, self._all)  # also at exit
        _watch_forks(self)

    def _reset(self) -> None:
        self._free = threading.Condition()
        self._deciding = threading.Lock()
        self._idle: deque[WorkerProcess] = deque()
        self._count = 0
        self._in_tools = 0
        self._level = ""
        self._closed = False

    @property
    def level(self) -> str:
        """The level that holds; found out once. Raises SandboxUnavailable."""
        with self._deciding:
            if not self._level:
                self._refuse_if_closed()
                self._level = self._decided()
            return self._level

    def close(self) -> None:
        """End all workers; runs that are going on fail."""
        with self._free:
            self._closed = True
            self._idle.clear()
            self._free.notify_all()
        _end(self._all)

    def run(self, program: Program) -> Given:
        """Value, files and output of a run on some worker."""
        level = self.level
        for attempt in range(_TRIES):
            worker = self._borrow(level)
            try:
                return self._run_on(worker, program)
            except WorkerLostError as lost:  # before the code was handed over: try another
                worker.close()
                if attempt == _TRIES - 1:
                    raise SandboxUnavailable(
                        f"Workers of the sandbox keep dying: {lost}.",
                        fix="Look whether the machine is out of memory or processes.",
                    ) from None
            except LayerMissingError as missing:
                worker.close()
                raise _unavailable(level, [f"{level}: {missing}"]) from None
            finally:
                self._give_back(worker)
        raise AssertionError("the loop returns or raises")

    def _run_on(self, worker: WorkerProcess, program: Program) -> Given:
        line = worker.ready()
        talk = Talk(worker, line, program, pause=self._pause)
        try:
            document = talk.run()
        except BaseException:
            worker.order("k", line)
            raise
        finally:
            line.close()
        return talk.value(document), talk.files(document), talk.stdout

    @contextlib.contextmanager
    def _pause(self) -> Iterator[None]:
        """Its worker only waits: another may start in its place."""
        with self._free:
            self._in_tools += 1
            self._free.notify_all()
        try:
            yield
        finally:
            with self._free:
                self._in_tools -= 1

    def _borrow(self, level: str) -> WorkerProcess:
        with self._free:
            while not self._idle and self._count - self._in_tools >= self._workers:
                self._refuse_if_closed()
                self._free.wait()
            self._refuse_if_closed()
            if self._idle:
                return self._idle.popleft()
            self._count += 1
        try:
            return self._start(level)
        except BaseException:
            with self._free:
                self._count -= 1
                self._free.notify()
            raise

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise OptoError("The sandbox was closed.", fix="Make a new `Sandbox`.")

    def _give_back(self, worker: WorkerProcess) -> None:
        with self._free:
            worn = worker.runs >= _RECYCLE_RUNS or len(self._idle) >= self._workers
            keep = not (worn or worker.closed or self._closed)
            if keep:
                self._idle.append(worker)
            else:
                self._count -= 1
            self._free.notify()
        if not keep:
            worker.close()
            with contextlib.suppress(ValueError):  # `close` may have taken it out
                self._all.remove(worker)

    def _start(self, level: str) -> WorkerProcess:
        worker = WorkerProcess(level=level, files_mb=self._limits.files_mb, preload=self._preload)
        self._all.append(worker)
        return worker

    def _decided(self) -> str:
        """The best wanted level at which the attempts to get out all fail."""
        reasons: list[str] = []
        for level in LEVELS[self._wanted]:
            worker = self._start(level)
            try:
                got_through = [] if level == "unsafe" else self._tested(worker)
            except (LayerMissingError, WorkerLostError, SandboxedError) as failed:
                got_through = [str(failed)]
            except BaseException:
                worker.close()
                raise
            if not got_through:
                with self._free:
                    self._count += 1
                    self._idle.append(worker)
                _tell(level, reasons)
                return level
            worker.close()
            reasons.append(f"{level}: {', '.join(got_through)}")
        raise _unavailable(self._wanted, reasons)

    def _tested(self, worker: WorkerProcess) -> list[str]:
        """What got through at the self-test; nothing, if all is well."""
        limits = Limits(files_mb=self._limits.files_mb)  # the caller's may be too tight for it
        program = Program(canary.SOURCE, canary.FUNCTION, filename="<self-test>", limits=limits)
        aims = canary.facts()
        program.call_with([aims], {})
        try:
            got_through = self._run_on(worker, program)[0]
        finally:
            canary.clean_up(aims)
        return [f"{name} got through" for name in got_through]


_alive: weakref.WeakSet[Pool] = weakref.WeakSet()
_watching = False


def _watch_forks(pool: Pool) -> None:
    global _watching  # noqa: PLW0603 - the interpreter has no way to take a hook back
    _alive.add(pool)
    if not _watching and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
        _watching = True


def _after_fork() -> None:
    """In a fork of the host: the workers are the parent's; ours will be new ones."""
    for pool in list(_alive):
        for worker in pool._all:  # noqa: SLF001 - the same module
            worker.forget()
        pool._all.clear()  # noqa: SLF001
        pool._reset()  # noqa: SLF001


def _end(workers: list[WorkerProcess]) -> None:
    while workers:
        workers.pop().close()


def _tell(level: str, reasons: list[str]) -> None:
    if level == "kernel" and reasons:
        import logging  # noqa: PLC0415 - only where there is something to say

        logging.getLogger("opto.sandbox").warning("level kernel, because %s", "; ".join(reasons))


def _unavailable(wanted: str, reasons: list[str]) -> SandboxUnavailable:
    return SandboxUnavailable(
        f"The sandbox does not hold here (level {wanted}); no code was run.",
        where="\n".join(reasons),
        fix="Use Linux 5.13 or newer with Landlock and seccomp enabled (level kernel), and let "
        "this user make namespaces (level strong): `sysctl kernel.unprivileged_userns_clone=1`, "
        "or start the container with a seccomp profile that allows `unshare`.",
    )
