"""A process confines itself, for good: rlimits, Landlock, capabilities, seccomp.

Lives here: the calls to the kernel, by ctypes; works without root, packages or binaries.
Never here: namespaces (`namespaces`), deciding what is allowed for whom (`worker`).

All of it runs in the worker, never in the host: none of these steps can be taken back.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import stat
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from opto.sandbox import syscalls

_RULESET, _RULE, _RESTRICT = 444, 445, 446  # Landlock, the same on all processors
_READ = 1 << 2 | 1 << 3  # file, folder
_WRITE = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | 1 << 14
"""Write, remove, make folders and regular files, rename, truncate; no links, sockets, devices."""
_ON_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_RIGHTS_OF_ABI = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
_TCP_ABI, _SCOPE_ABI = 4, 6
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")

_SET_PDEATHSIG, _SET_DUMPABLE, _BOUNDING_DROP, _NO_NEW_PRIVS, _AMBIENT = 1, 4, 24, 38, 47
_AMBIENT_CLEAR = 4
_KILLED = 9
_CAPS = 64
_MB = 1 << 20
_MOST = 1 << 60
_THREADS = 512
_NOBODY = 65534
_UIDS_FROM = 2_000_000_000


class KernelRefusedError(Exception):
    """The kernel does not let this process confine itself; the text names the layer."""


_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


def call(name: str, *arguments: Any) -> int:
    """One libc function; raises KernelRefusedError with the kernel's reason."""
    done = int(getattr(_libc, name)(*arguments))
    if done < 0:
        number = ctypes.get_errno()
        raise KernelRefusedError(f"{name}: {os.strerror(number)}")
    return done


def limit_resources(limits: Mapping[str, Any]) -> None:
    """Set the rlimits of one run; `limits` is `Limits.as_dict()`."""
    import resource  # noqa: PLC0415 - not on Windows, where this module must still import

    memory = int(min(limits["memory_mb"] * _MB, _MOST))
    processors = os.cpu_count() or 1
    seconds = (
        math.ceil(min(limits["wall_s"], _MOST / 2**20)) + 1
    ) * processors  # a backstop: the host keeps time
    ceilings = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_DATA: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: int(min(limits["files_mb"] * _MB, _MOST)),
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for which, most in ceilings.items():
        hard = resource.getrlimit(which)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        more = 1 if which == resource.RLIMIT_CPU and soft != hard else 0  # SIGXCPU before SIGKILL
        resource.setrlimit(which, (soft, soft + more))


def limit_threads() -> None:
    """At most this many threads for the user; only where the user is the worker's own."""
    import resource  # noqa: PLC0415 - not on Windows

    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    most = _THREADS if hard == resource.RLIM_INFINITY else min(_THREADS, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def confine_files(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Landlock: read below `readable`, read and write below `writable`, nothing else; no TCP."""
    version = _landlock_version()
    rights = sum(bits for since, bits in _RIGHTS_OF_ABI if version >= since)
    net = 3 if version >= _TCP_ABI else 0
    ruleset = _new_ruleset(version, rights, net)
    try:
        for path in readable:
            _allow(ruleset, path, _READ & rights)
        for path in (*writable, *DEVICES):
            _allow(ruleset, path, (_READ | _WRITE) & rights)
        _enforce(ruleset)
    finally:
        os.close(ruleset)


def confine_signals() -> None:
    """Landlock, once more: no signal to and no tracing of processes outside, the worker included.

    Kernels before 6.12 lack it; seccomp forbids the same there.
    """
    version = _landlock_version()
    if version < _SCOPE_ABI:
        return
    ruleset = _new_ruleset(version, 0, 0)
    try:
        _enforce(ruleset)
    finally:
        os.close(ruleset)


def drop_capabilities() -> None:
    """Give up every capability, also for programs started later."""
    libc = _libc
    if libc is None:
        raise KernelRefusedError("capabilities: not a POSIX system")
    for capability in range(_CAPS):
        libc.prctl(_BOUNDING_DROP, capability, 0, 0, 0)  # fails without CAP_SETPCAP: fine
    libc.prctl(_AMBIENT, _AMBIENT_CLEAR, 0, 0, 0)
    known = syscalls.table()
    if known is None:
        raise KernelRefusedError(f"seccomp: processor {os.uname().machine} is not known")
    header = struct.pack("=Ii", 0x20080522, 0)
    call("syscall", known.capset, header, bytes(24))


def drop_user(user: int) -> None:
    """Become `user` for good; only root can, others stay who they are."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def unused_user() -> int:
    """A user id that nobody has, so that runs of two workers are strangers; else `nobody`."""
    wanted = _UIDS_FROM + os.getpid()
    for name in ("uid_map", "gid_map"):
        text = Path(f"/proc/self/{name}").read_text(encoding="ascii")
        rows = [[int(number) for number in row.split()] for row in text.splitlines()]
        if not any(first <= wanted < first + count for first, _, count in rows):
            return _NOBODY
    return wanted


def readable_by_others(path: str) -> bool:
    """Could a stranger read `path`: every folder above lets through, and it is open itself?"""
    real = Path(path).resolve()
    above = all(parent.stat().st_mode & stat.S_IXOTH for parent in real.parents)
    return above and bool(real.stat().st_mode & stat.S_IROTH)


def hide_memory() -> None:
    """No core dump, and no peeking by processes of the same user."""
    call("prctl", _SET_DUMPABLE, 0, 0, 0, 0)


def die_with_parent() -> None:
    """Be killed when the thread that forked this process ends; lost on a change of user."""
    call("prctl", _SET_PDEATHSIG, _KILLED, 0, 0, 0)


def forbid_new_privileges() -> None:
    """Setuid programs give nothing from here on; seccomp and Landlock ask for it."""
    call("prctl", _NO_NEW_PRIVS, 1, 0, 0, 0)


def filter_calls(*, writing: bool) -> None:
    """seccomp: from here on only the calls of `syscalls`, for all threads."""
    known = syscalls.table()
    if known is None:
        raise KernelRefusedError(f"seccomp: processor {os.uname().machine} is not known")
    steps = syscalls.program(os.getpid(), writing=writing)
    buffer = ctypes.create_string_buffer(steps, len(steps))
    filled = struct.pack("@HP", len(steps) // 8, ctypes.addressof(buffer))
    forbid_new_privileges()
    call("syscall", known.seccomp, 1, 1, filled)  # SET_MODE_FILTER, all threads


def has_seccomp() -> bool:
    """Does the kernel take filters from this process? Installs nothing."""
    known = syscalls.table()
    if known is None or _libc is None:
        return False
    # a null program is refused with EFAULT exactly where a real one would be looked at
    done = _libc.syscall(known.seccomp, 1, 0, None)
    return done < 0 and ctypes.get_errno() == errno.EFAULT


def _landlock_version() -> int:
    try:
        return call("syscall", _RULESET, None, 0, 1)
    except KernelRefusedError as refused:
        raise KernelRefusedError(f"Landlock is missing ({refused})") from None


def _new_ruleset(version: int, rights: int, net: int) -> int:
    scoped = 3 if version >= _SCOPE_ABI else 0  # abstract sockets, signals
    size = 24 if version >= _SCOPE_ABI else 16 if version >= _TCP_ABI else 8
    return call("syscall", _RULESET, struct.pack("=QQQ", rights, net, scoped), size, 0)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there, so nothing to allow
    try:
        if not Path(path).is_dir():
            rights &= _ON_FILES
        call("syscall", _RULE, ruleset, 1, struct.pack("=Qi", rights, handle), 0)
    finally:
        os.close(handle)


def _enforce(ruleset: int) -> None:
    forbid_new_privileges()
    call("syscall", _RESTRICT, ruleset, 0)
