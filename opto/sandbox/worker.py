"""A worker process: imports heavy modules once, then forks one confined child per run.

Lives here: confining itself as far as it can, keeping one child ready, killing and reaping it,
emptying the scratch folder. Started by `process`; talks to the host over one socket.
Never here: running the code (`guest`), the time limit (`talk`), any use by the host.

Host to worker: one JSON object to begin with, then `k N` (kill run N) and `t N` (ask it where it
is). Worker to host: `{"ready": N}` with the three pipe ends of a waiting child, then
`{"ended": N, "status": ..}`; or `{"failed": ..}` once. The end of either side ends the other.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any, NoReturn

from opto.sandbox import guest, jail, namespaces
from opto.sandbox.frames import Pipe

_REQUESTS, _ANSWERS = 3, 4  # descriptors of the child


def main(descriptor: int) -> None:
    """Serve the host at the other end of the socket `descriptor` until it is gone."""
    control = socket.socket(fileno=descriptor)
    config = json.loads(control.recv(1 << 18))
    try:
        host = os.pidfd_open(os.getppid())
        scratch = _confine(config)
    except (OSError, jail.KernelRefusedError) as refused:
        _give_up(control, "layer", f"{type(refused).__name__}: {refused}")
    try:
        _import(config["preload"])
    except BaseException as broken:  # noqa: BLE001 - somebody else's module
        _give_up(control, "preload", f"{type(broken).__name__}: {broken}")
    gc.collect()
    gc.freeze()
    Worker(control, host, scratch=scratch, confined=config["level"] != "unsafe").serve()


def _give_up(control: socket.socket, what: str, why: str) -> NoReturn:
    control.send(json.dumps({"failed": what, "why": why[:2000]}).encode())
    os._exit(1)


def _confine(config: dict[str, Any]) -> str | None:
    """All layers that the children inherit; gives the scratch folder, if there is one."""
    level, paths = config["level"], config["paths"]
    scratch = None
    root = os.geteuid() == 0
    user = jail.unused_user() if root else os.geteuid()
    if level == "strong":
        namespaces.enter(paths, files_mb=config["files_mb"], user=user)
        scratch = namespaces.SCRATCH
        jail.drop_user(user)
        jail.die_with_parent()  # a change of user cancels it
        jail.limit_threads()
    elif level == "kernel" and root and all(map(jail.readable_by_others, paths)):
        jail.drop_user(user)
        jail.limit_threads()
    os.chdir(scratch or "/")
    for name in ("HOME", "TMPDIR"):
        os.environ.pop(name, None)
        if scratch:
            os.environ[name] = scratch
    if level != "unsafe":
        if not jail.has_seccomp():
            raise jail.KernelRefusedError("seccomp is missing")
        jail.confine_files(paths, [scratch] if scratch else [])
        jail.drop_capabilities()
    jail.hide_memory()
    sys.path[:] = [path for path in sys.path if path != config["root"]]
    sys.path += [path for path in config["sites"] if path not in sys.path]
    return scratch


def _import(names: Iterable[str]) -> None:
    for name in names:
        import_module(name)
    if "highspy" in names:  # its first object takes 20 ms
        highs = sys.modules["highspy"].Highs()
        highs.setOptionValue("output_flag", False)  # noqa: FBT003 - not our signature


class Worker:
    """One child at a time: waiting, or running a program, or being buried."""

    def __init__(
        self, control: socket.socket, host: int, *, scratch: str | None, confined: bool
    ) -> None:
        self.control, self.host = control, host
        self.scratch, self.confined = scratch, confined
        self.number = 0

    def serve(self) -> NoReturn:
        """Keep a child ready, tell the host about it, bury it; until the host is gone."""
        while True:
            self.number += 1
            child = self._spawn()
            self._watch(child)
            status, used = os.wait4(child, 0)[1:]
            report = {"ended": self.number, "status": status, "rss_kb": used.ru_maxrss}
            clean = self._empty_scratch()
            self.control.send(json.dumps(report).encode())
            if not clean:
                os._exit(1)  # the folder ends with this process

    def _watch(self, child: int) -> None:
        """Do what the host says until the child has ended."""
        ended = os.pidfd_open(child)
        poll = select.poll()
        for descriptor in (self.control.fileno(), self.host, ended):
            poll.register(descriptor, select.POLLIN)
        try:
            while True:
                ready = {descriptor for descriptor, _ in poll.poll()}
                if ended in ready:
                    return
                word = b"" if self.host in ready else self.control.recv(64)
                if not word:
                    os.kill(child, signal.SIGKILL)
                    os._exit(0)
                order, number = word.split()
                if int(number) == self.number:
                    signals = {b"k": signal.SIGKILL, b"t": signal.SIGUSR1}
                    os.kill(child, signals[order])
        finally:
            os.close(ended)

    def _spawn(self) -> int:
        pipes = [os.pipe() for _ in range(3)]
        requests, answers, output = pipes
        child = os.fork()
        if child == 0:
            try:
                self._child(requests[0], answers[1], output[1])
            finally:
                os._exit(70)
        for descriptor in (requests[0], answers[1], output[1]):
            os.close(descriptor)
        ours = [requests[1], answers[0], output[0]]
        with contextlib.suppress(BrokenPipeError, ConnectionError):  # seen by the next poll
            socket.send_fds(
                self.control, [b'{"ready": %d, "pid": %d}' % (self.number, child)], ours
            )
        for descriptor in ours:
            os.close(descriptor)
        return child

    def _child(self, requests: int, answers: int, output: int) -> None:
        jail.die_with_parent()
        os.setsid()
        null = os.open("/dev/null", os.O_RDONLY)
        # above the fixed numbers first, so that none is overwritten before it is moved
        high = [os.dup2(old, 60 + i) for i, old in enumerate((null, output, requests, answers))]
        for old, new in zip((0, 1, 1, 2, 3), (0, 1, 2, _REQUESTS, _ANSWERS), strict=True):
            os.dup2(high[old], new)
        os.closerange(_ANSWERS + 1, 1024)
        sys.stdin = os.fdopen(0, encoding="utf-8")
        sys.stdout = _text_out(1)
        sys.stderr = _text_out(2)
        random = sys.modules.get("numpy.random")
        if random is not None:  # `random` does so itself
            random.seed()
        if self.confined:
            jail.confine_signals()
        guest.serve(Pipe(_REQUESTS, _ANSWERS), _ANSWERS, self._confine_run)
        os._exit(0)

    def _confine_run(self, limits: dict[str, Any]) -> None:
        jail.limit_resources(limits)
        if self.confined:
            jail.filter_calls(writing=self.scratch is not None)

    def _empty_scratch(self) -> bool:
        """Is the scratch folder empty again?"""
        if self.scratch is None:
            return True
        with os.scandir(self.scratch) as entries:
            left = list(entries)
        for entry in left:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)  # noqa: PTH108 - pathlib would cost more than the run
        return not left or not os.listdir(self.scratch)  # noqa: PTH208


def _text_out(descriptor: int) -> Any:
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
