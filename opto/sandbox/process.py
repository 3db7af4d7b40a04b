"""A worker as the host sees it: a child process, a socket to it, the run it keeps ready.

Lives here: starting a worker from a clean program start (never a fork of the host), what it may
see of the file system, its orders, its end.
Never here: what is said during a run (`talk`), which worker serves whom (`pool`).
"""

from __future__ import annotations

import contextlib
import json
import os
import site
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opto.sandbox.errors import SandboxUnavailable

_START_S = 30.0
"""Time for a worker to import its modules, on a machine that is busy."""
_END_S = 2.0
"""Time for a killed child to be gone; a process that frees gigabytes takes a while."""
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from opto.sandbox.worker import main; main(int(sys.argv[2]))"
)
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONUTF8": "1",
    "PYTHONHASHSEED": "0",  # the same code gives the same order of a set in every worker
    "OPENBLAS_NUM_THREADS": "1",  # a child of a process with threads could hang
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives"),
)


class LayerMissingError(Exception):
    """A worker of the wanted level cannot be had here; the text says why."""


class WorkerLostError(Exception):
    """The worker process is gone or does not answer."""


class Line:
    """Pipes to a child that waits for a program: requests to it, answers and output from it."""

    __slots__ = ("answers", "number", "output", "pid", "requests")

    def __init__(self, number: int, pid: int, descriptors: Sequence[int]) -> None:
        self.number, self.pid = number, pid
        self.requests, self.answers, self.output = descriptors
        for descriptor in descriptors:
            os.set_blocking(descriptor, False)

    def threads(self) -> int:
        """How many threads the child has; 0 when it is gone."""
        try:
            text = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return 0
        return int(text.rpartition(")")[2].split()[17])

    def close(self) -> None:
        """Close all three ends; a child that still waits ends by it."""
        for descriptor in (self.requests, self.answers, self.output):
            if descriptor >= 0:
                os.close(descriptor)
        self.requests = self.answers = self.output = -1


class WorkerProcess:
    """One worker; not thread-safe: the pool lends it to one thread at a time."""

    def __init__(self, *, level: str, files_mb: float, preload: Sequence[str]) -> None:
        """Start it; its modules are imported while the caller goes on.

        Raises:
            SandboxUnavailable: no Python program can be started here.
        """
        self.runs, self.level = 0, level
        self.closed = False
        self._line: Line | None = None
        self._lent: Line | None = None
        if sys.platform != "linux" or not sys.executable:
            raise SandboxUnavailable(
                f"Workers cannot be started here ({sys.platform}).",
                fix="Run on Linux 5.13 or newer, for example in WSL or a container.",
            )
        root = str(Path(__file__).parents[2])
        sites = _sites()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._process = _start(root, theirs.fileno())
            config = {"level": level, "files_mb": files_mb, "preload": list(preload)}
            config |= {"root": root, "sites": sites, "paths": _readable(sites)}
            self._control.send(json.dumps(config).encode())
        except BaseException:
            self._control.close()
            raise

    @property
    def pid(self) -> int:
        """Process id of the outermost process of this worker."""
        return self._process.pid

    def ready(self) -> Line:
        """The pipes of a child that waits for a program.

        Raises:
            LayerMissingError: this level cannot be had here.
            SandboxUnavailable: a module to preload cannot be imported.
            WorkerLostError: it died, or does not answer.
        """
        while self._line is None or self._process.poll() is not None:
            if self._process.poll() is not None and self.runs:
                raise WorkerLostError("the worker has died")
            message, descriptors = self._hear(_START_S if self.runs == 0 else _END_S)
            if message.get("failed") == "layer":
                raise LayerMissingError(message["why"])
            if "failed" in message:
                raise SandboxUnavailable(
                    f"The sandbox cannot import a module it shall preload: {message['why']}.",
                    fix="Install it where all users can read it, or leave it out of `preload`.",
                )
            if "ready" in message:
                self._line = self._new_line(message, descriptors)
        line, self._line = self._line, None
        self._lent = line
        self.runs += 1
        return line

    def order(self, word: str, line: Line) -> None:
        """`k`: kill the child of `line`. `t`: ask it where it is. Nothing if it is gone."""
        with contextlib.suppress(OSError):
            self._control.send(f"{word} {line.number}".encode())

    def status(self, line: Line, *, within_s: float = _END_S) -> int:
        """How the child of `line` ended, as `os.wait` says it.

        Raises:
            WorkerLostError: it did not end in time, or the worker is gone.
        """
        while True:
            message, descriptors = self._hear(within_s)
            if descriptors:
                self._line = self._new_line(message, descriptors)
            if message.get("ended") == line.number:
                return int(message["status"])

    def close(self, *, patience_s: float = 0.0) -> None:
        """End it: at once, or when it has not ended by itself after `patience_s`."""
        self.closed = True
        self._release()
        try:
            self._process.wait(patience_s or 0.05)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """In a fork of the host: give up our copies; the worker belongs to the parent."""
        self._release()
        if self._lent is not None:
            self._lent.close()
        self._process.returncode = 0  # not our child: never wait for it, never warn

    def _new_line(self, message: dict[str, Any], descriptors: Sequence[int]) -> Line:
        # in a world of its own its number means nothing here, and the kernel counts its threads
        pid = message["pid"] if self.level != "strong" else 0
        return Line(message["ready"], pid, descriptors)

    def _release(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        self._control.close()  # the worker kills its child and ends

    def _hear(self, seconds: float) -> tuple[dict[str, Any], list[int]]:
        try:
            self._control.settimeout(seconds)
            message, descriptors, _, _ = socket.recv_fds(self._control, 1 << 16, 3)
        except OSError as lost:
            raise WorkerLostError(f"the worker does not answer: {lost}") from None
        if not message:
            raise WorkerLostError("the worker is gone")
        return json.loads(message), descriptors


def _start(root: str, descriptor: int) -> subprocess.Popen[bytes]:
    """A fresh interpreter: no site, no user settings, none of our environment or descriptors."""
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-S", "-s", "-P", "-B", "-c", _BOOT, root, str(descriptor)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        pass_fds=(descriptor,),
        start_new_session=True,  # Ctrl-C is the host's to handle
    )


def _sites() -> list[str]:
    """Folders of installed packages; not the folder of the program, nor PYTHONPATH."""
    folders = list(site.getsitepackages())
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return [folder for folder in folders if Path(folder).is_dir()]


def _readable(sites: Sequence[str]) -> list[str]:
    """All that code inside may see: Python, installed packages, system libraries."""
    python = [str(Path(os.__file__).parent), f"{sys.base_prefix}/lib", f"{sys.base_prefix}/lib64"]
    wanted = dict.fromkeys([*sites, *python, *_SYSTEM])
    return [path for path in wanted if Path(path).exists()]
