"""The life of the child process that runs a GGUF, seen from the parent.

Lives here: starting it, waiting until it listens, sharing it, and what it said when it died.
Never here: requests and answers; the child's own code is `opto.llm.llamacpp_server`.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from queue import Empty, Queue

from opto.llm.errors import ModelCallError
from opto.llm.llamacpp_server import ServerConfig
from opto.llm.secret import KEY_VARIABLES, Secret
from opto.llm.wire import quote

Tell = Callable[[str], None]
_START_S = 900.0
"""Longest wait for a model to load; a big one on a busy disk takes minutes."""
_TICK_S = 1.0
_LOG_LINES = 8


class LocalModelError(ModelCallError):
    """The process that runs a local model could not start, or it died."""

    code = "llm.local_model"


class LlamaProcess:
    """One child process with one model. Thread-safe."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.address = ""
        """`http://127.0.0.1:PORT` once it has started."""
        self.key = Secret(secrets.token_urlsafe(32))
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object

    @property
    def pid(self) -> int | None:
        """Process id of the child, None before the start."""
        return None if self._child is None else self._child.pid

    def died(self) -> bool:
        """It was started and is not running any more."""
        return self._child is not None and self._child.poll() is not None

    def gone(self, *, within_s: float) -> bool:
        """It has ended, or ends within this time: a connection breaks before its process ends."""
        with suppress(subprocess.TimeoutExpired):
            if self._child is not None:
                self._child.wait(timeout=within_s)
        return self.died()

    def start(self, tell: Tell | None = None) -> None:
        """Load the model and wait until it answers; at once when it already does.

        Args:
            tell: Told about once a second how the loading goes.

        Raises:
            LocalModelError: The extra is missing, or the child died or hangs while loading.
        """
        with self._lock:
            if self.address:
                return
            if find_spec("xllamacpp") is None:
                raise LocalModelError(
                    "Running a model on this machine needs the package xllamacpp.",
                    fix="pip install 'optolab[local]'",
                )
            address = self._spawn_and_wait(tell or (lambda _: None))
            self._check_health(address)
            self.address = address

    def crash(self) -> LocalModelError:
        """The error for a child that died: how, and what it said last."""
        status = None if self._child is None else self._child.poll()
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", errors="replace").strip().splitlines()
        return LocalModelError(
            f"The process that runs the model {self.config.alias} {_ending(status)}.",
            where="\n".join(quote(line) for line in lines[-_LOG_LINES:]),
            fix="If the memory ran out: use a smaller model, or add ?slots=1&context=2048 to it.",
        )

    def close(self) -> None:
        """End the child; harmless when it has ended, or belongs to the process we forked from."""
        child = self._child
        if child is None or self._owner != os.getpid():
            return
        with suppress(OSError):
            if child.stdin is not None:
                child.stdin.close()  # the child ends by itself when this closes
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
        self._log.close()

    def _spawn_and_wait(self, tell: Tell) -> str:
        """Start the child; returns its address when the model is loaded."""
        begun = time.monotonic()
        environment = {k: v for k, v in os.environ.items() if k not in KEY_VARIABLES}
        child = subprocess.Popen(
            [sys.executable, "-m", "opto.llm.llamacpp_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the parent, which then ends the child
        )
        self._child, self._owner = child, os.getpid()
        said: Queue[bytes] = Queue()
        assert child.stdin is not None  # noqa: S101 - PIPE was asked for
        assert child.stdout is not None  # noqa: S101
        stdout = child.stdout
        threading.Thread(target=lambda: said.put(stdout.readline()), daemon=True).start()
        with suppress(BrokenPipeError):  # it died at once; the wait below says so
            child.stdin.write(self.config.to_line(self.key.reveal()).encode())
            child.stdin.flush()
        while True:
            try:
                line = said.get(timeout=_TICK_S)
            except Empty:
                waited = time.monotonic() - begun
                tell(f"loading {self.config.alias}: {waited:.0f} s")
                if waited > _START_S:
                    child.kill()
                    child.wait()
                    raise self.crash() from None
                continue
            if not line:
                child.wait()
                raise self.crash()
            return str(json.loads(line)["address"])

    def _check_health(self, address: str) -> None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=30) as answer:  # noqa: S310
                answer.read()
        except (urllib.error.URLError, OSError) as fault:
            if self._child is not None:
                self._child.kill()
                self._child.wait()
            raise self.crash() from fault


def _ending(status: int | None) -> str:
    """How a process with this exit status ended, in words."""
    if status is None:
        return "does not answer"
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


class Pool:
    """Children by configuration: two users of one model share one process and its memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[ServerConfig, LlamaProcess] = {}
        self._users: dict[LlamaProcess, int] = {}

    def acquire(self, config: ServerConfig, tell: Tell | None = None) -> LlamaProcess:
        """A started process for `config`; give it back with `release`.

        Raises:
            LocalModelError: It cannot start.
        """
        with self._lock:
            process = self._running.get(config)
            if process is None or process.died():
                if not self._users:
                    atexit.register(self.close)
                process = self._running[config] = LlamaProcess(config)
                self._users[process] = 0
            self._users[process] += 1
        try:
            process.start(tell)
        except BaseException:
            self.release(process)
            raise
        return process

    def release(self, process: LlamaProcess) -> None:
        """One user less; the last one ends the process."""
        with self._lock:
            self._users[process] -= 1
            if self._users[process] > 0:
                return
            del self._users[process]
            if self._running.get(process.config) is process:
                del self._running[process.config]
        process.close()

    def close(self) -> None:
        """End all processes, at exit."""
        with self._lock:
            processes = list(self._users)
            self._users.clear()
            self._running.clear()
        for process in processes:
            process.close()


POOL = Pool()
