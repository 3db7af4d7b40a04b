"""Who writes a run, and whether that process still lives.

Lives here: the identity of a process across reboots, containers and reused process numbers.
Never here: SQL.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

COLUMNS = "token, host, pid, started, boot, pid_space"
"""Of the table `lease`, in the order of the fields of `Owner`."""

_retired: set[str] = set()


def retire(token: str) -> None:
    """Remember, in this process, that a lease is over although its row could not be deleted."""
    _retired.add(token)


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that writes a run."""

    token: str
    """Random, one per lease."""
    host: str
    pid: int
    started: str
    """Start time of the process in clock ticks since boot; empty where the system has none."""
    boot: str
    """Which boot of the machine; empty where the system does not say."""
    pid_space: str
    """In which container process numbers are counted; empty where the system does not say."""

    def alive(self) -> bool:
        """False only if the process is surely gone; what cannot be seen counts as alive.

        SQLite's WAL is shared memory, so writers share one kernel: another boot means gone.
        """
        here = this_process("")
        if self.boot != here.boot or self.token in _retired:
            return False
        if (self.host, self.pid_space) != (here.host, here.pid_space):
            return True
        return _runs(self.pid) and self.started == _started(self.pid)

    def __str__(self) -> str:
        return f"process {self.pid} on host {self.host}"


def this_process(token: str | None = None) -> Owner:
    """The identity of this process, under a fresh token unless one is given."""
    pid = os.getpid()
    return Owner(
        secrets.token_hex(8) if token is None else token,
        socket.gethostname(),
        pid,
        _started(pid),
        _read("/proc/sys/kernel/random/boot_id"),
        _pid_space(),
    )


def _runs(pid: int) -> bool:
    if sys.platform == "win32":  # signal 0 would be Ctrl-C there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to another user, so it is there
        return True
    return _stat(pid)[:1] != ["Z"]  # killed, and only waiting for its parent to notice


def _started(pid: int) -> str:
    return "".join(_stat(pid)[19:20])


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; the name before them may hold spaces."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _pid_space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
