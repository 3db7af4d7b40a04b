"""The self-test: a program that tries to get out, run through the real path before any other.

Lives here: the attempts, and what counts as having got through.
Never here: choosing a level (`pool`). What is tried is harmless when it succeeds: files are only
opened, the signal is number 0, the child and the socket do nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

SOURCE = """
import os

def _read(facts):
    open(facts['read']).close()

def _write(facts):
    open(facts['write'], 'w').close()

def _kernel(facts):
    open('/proc/sys/kernel/core_pattern', 'r+').close()

def _socket(facts):
    import _socket
    _socket.socket()

def _fork(facts):
    if os.fork() == 0:
        os._exit(0)

def _signal(facts):
    if os.getpid() == facts['host']:
        raise OSError
    os.kill(facts['host'], 0)

def _environment(facts):
    if not set(facts['environment']) & set(os.environ):
        raise OSError

def _namespace(facts):
    import ctypes
    if ctypes.CDLL(None).unshare(0x10000000):
        raise OSError

def _program(facts):
    os.execv('/bin/true', ['true'])

def attempts(facts):
    got_through = []
    for attempt in (_read, _write, _kernel, _socket, _fork, _signal, _environment, _namespace,
                    _program):
        try:
            attempt(facts)
        except OSError:
            continue
        got_through.append(attempt.__name__[1:])
    return got_through
"""
FUNCTION = "attempts"
_OURS = {"PATH", "LANG", "HOME", "TMPDIR", "LC_CTYPE"}


def facts() -> dict[str, Any]:
    """What the attempts aim at."""
    return {
        "read": "/etc/passwd",
        "write": f"/tmp/opto-canary-{os.urandom(8).hex()}",  # noqa: S108 - opened only by an attack
        "host": os.getpid(),
        "environment": [name for name in os.environ if name not in _OURS and name.isidentifier()],
    }


def clean_up(aims: dict[str, Any]) -> None:
    """Remove what an attempt that got through has left."""
    Path(aims["write"]).unlink(missing_ok=True)
