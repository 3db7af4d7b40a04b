"""The sandbox as others use it: run code a model wrote, get plain data or an error that explains.

Lives here: `Sandbox`, what it gives, and the one sandbox of the process.
Never here: workers (`pool`), what is said to them (`talk`), running text in this process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence

from opto.errors import InputError
from opto.sandbox.errors import SandboxUnavailable
from opto.sandbox.limits import Limits
from opto.sandbox.plain import Plain
from opto.sandbox.pool import LEVELS, Pool
from opto.sandbox.program import Program, Stub, Tool

ALLOW_UNSAFE = "OPTO_ALLOW_UNSAFE"
_DEFAULT_LIMITS = Limits()
_runs: dict[str, int] = {}


class Run:
    """What a script gave."""

    __slots__ = ("artifacts", "result", "stdout")

    def __init__(self, stdout: str, result: Plain, artifacts: Mapping[str, bytes]) -> None:
        self.stdout = stdout
        """What it printed; untrusted text, not cleaned for a terminal."""
        self.result = result
        """The value of its variable `result`; None when it has none."""
        self.artifacts = dict(artifacts)
        """Name below the scratch folder to content; empty at level `kernel`: nothing to write."""

    def __repr__(self) -> str:
        return f"Run(result={self.result!r}, artifacts={sorted(self.artifacts)})"


class Sandbox:
    """A pool of workers that run untrusted code; thread-safe, and a context manager.

    A worker is a process that has imported the modules of `preload` and confined itself; each run
    gets a fork of it that is confined further and killed when the run ends. Workers start when
    they are first needed. A call waits while all are busy; runs that wait for one of their tools
    do not count as busy, so a tool may itself use the sandbox.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        limits: Limits = _DEFAULT_LIMITS,
        preload: Sequence[str] = (),
        level: str = "auto",
    ) -> None:
        """Prepare; no process is started before the first run.

        Args:
            workers: Runs at a time.
            limits: Of each run, unless it brings its own.
            preload: Modules to import once per worker, such as `("numpy", "highspy")`.
            level: `auto` takes the best of `strong` and `kernel` that passes the self-test;
                either by name insists on it. `unsafe` confines nothing but time and memory, and
                needs OPTO_ALLOW_UNSAFE=1 in the environment besides.

        Raises:
            SandboxUnavailable: `unsafe` without the variable.
            InputError: an unknown level or no workers.
        """
        if workers < 1 or level not in LEVELS:
            raise InputError(
                f"Sandbox(workers={workers!r}, level={level!r}) cannot be.",
                fix="Give at least one worker, and a level of auto, strong, kernel, unsafe.",
            )
        if level == "unsafe" and os.environ.get(ALLOW_UNSAFE) != "1":
            raise SandboxUnavailable(
                "Running code without protection was asked for in code but not by the user.",
                fix=f"Set {ALLOW_UNSAFE}=1 if everything the code may do here is acceptable.",
            )
        self.limits = limits
        self._pool = Pool(workers, level, limits=limits, preload=preload)

    @property
    def level(self) -> str:
        """`strong`, `kernel` or `unsafe`; the first look starts a worker and tests it.

        Raises:
            SandboxUnavailable: no level holds here.
        """
        return self._pool.level

    def call(  # noqa: PLR0913 - what a call has, and no more
        self,
        source: str,
        function: str,
        args: Sequence[Plain | Stub] = (),
        kwargs: Mapping[str, Plain | Stub] | None = None,
        *,
        names: Mapping[str, Plain | Stub] | None = None,
        tools: Mapping[str, Tool] | None = None,
        filename: str = "<model code>",
        limits: Limits | None = None,
        printed: Callable[[str], object] | None = None,
    ) -> Plain:
        """Run `source` as a module of its own, call `function` of it, give its result.

        Args:
            source: Python, written by whomever.
            function: Name of a function it defines.
            args: Plain data, or a `Stub` for an object of the host.
            kwargs: The same, by name.
            names: Values in the namespace before the source runs.
            tools: Trusted functions of the host. The code calls them by name; arguments and
                results travel as plain data; a builtin exception keeps its type inside, others
                arrive as RuntimeError. They run in this thread while the clock of the run goes
                on, and are not interrupted.
            filename: Name of the source in tracebacks.
            limits: In place of the sandbox's own.
            printed: Told what went to stdout and stderr, if anything did: untrusted text, not
                cleaned for a terminal. Of a run that fails the error has it.

        Raises:
            SandboxedError: the code failed; see its subclasses for limits and crashes.
            NotPlainError: an argument, or what a tool returned, is not plain data.
            SandboxUnavailable: no level holds here; nothing was run.
        """
        program = self._program(source, function, filename=filename, limits=limits)
        program.call_with(args, kwargs or {})
        program.surround_with(names or {}, tools or {})
        value, _, stdout = self._run(program)
        if printed is not None and stdout:
            printed(stdout)
        return value

    def run(
        self,
        source: str,
        *,
        names: Mapping[str, Plain | Stub] | None = None,
        tools: Mapping[str, Tool] | None = None,
        filename: str = "<model code>",
        limits: Limits | None = None,
    ) -> Run:
        """Run `source` as a script: what it printed, its variable `result`, the files it wrote.

        Takes and raises what `call` does. `sys.exit(0)` is a normal end. Files are regular files
        below the working directory at the end; links and devices cannot be made there.
        """
        program = self._program(source, None, filename=filename, limits=limits)
        program.surround_with(names or {}, tools or {})
        value, files, stdout = self._run(program)
        return Run(stdout, value, files)

    def close(self) -> None:
        """End all workers; runs that are going on fail. Later calls are refused."""
        self._pool.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, program: Program) -> tuple[Plain, dict[str, bytes], str]:
        level = self._pool.level
        _runs[level] = _runs.get(level, 0) + 1
        return self._pool.run(program)

    def _program(
        self, source: str, function: str | None, *, filename: str, limits: Limits | None
    ) -> Program:
        limits = limits or self.limits
        if limits.files_mb != self.limits.files_mb:
            raise InputError(
                f"files_mb={limits.files_mb} differs from the sandbox's {self.limits.files_mb}.",
                fix="The scratch folder is made with the worker: `Sandbox(limits=...)` sets it.",
            )
        return Program(source, function, filename=filename, limits=limits)


_default: Sandbox | None = None
_default_lock = threading.Lock()


def default() -> Sandbox:
    """The sandbox of this process, made at first use and closed at exit.

    numpy and highspy are preloaded.
    """
    global _default  # noqa: PLW0603 - one per process
    with _default_lock:
        if _default is None:
            _default = Sandbox(preload=("numpy", "highspy"))
            os.register_at_fork(after_in_child=_new_lock)
        return _default


def level() -> str:
    """Level of the default sandbox, for stamping results. Raises SandboxUnavailable."""
    return default().level


def runs_by_level() -> dict[str, int]:
    """How often this process has run code so far, by level: for stamping results."""
    return dict(_runs)


def _new_lock() -> None:
    """In a fork of the host: a thread that held the lock does not exist here."""
    global _default_lock  # noqa: PLW0603
    _default_lock = threading.Lock()
