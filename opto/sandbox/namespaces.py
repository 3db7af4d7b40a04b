"""A world of its own for a worker: no network, no other processes, only the files it needs.

Lives here: new namespaces and a root file system of read-only binds, made by system calls; no
binary such as bubblewrap is needed. Root really changes its user afterwards (`jail.drop_user`): a
user namespace would only rename root, and the kernel's own files would still open for writing.
Never here: Landlock and seccomp (`jail`), the choice of paths (`process`).

There is no /proc inside: nothing needs it, and containers often forbid mounting it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from struct import pack
from typing import NoReturn

from opto.sandbox.jail import DEVICES, call, die_with_parent

SCRATCH = "/scratch"
_OLD = "/old"

_NEW_USER = 0x10000000
_NEW_ALL = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x20000000 | 0x40000000
"""Mounts, cgroups, host name, IPC, processes, network."""
_BIND, _RECURSIVE, _PRIVATE, _REMOUNT = 1 << 12, 1 << 14, 1 << 18, 1 << 5
_READ_ONLY, _NO_SUID, _NO_DEV, _NO_EXEC = 1, 2, 4, 8
_DETACH = 2
_PIVOT = {"x86_64": 155, "aarch64": 41}
_SET_ATTRIBUTES, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_MB = 1 << 20


def enter(paths: Iterable[str], *, files_mb: float, user: int) -> None:
    """Move this process there. Returns in a child that is process 1 of the new world.

    The parent stays behind, holds nothing, and ends when the child does.

    Args:
        paths: Files and folders to see, read-only, under their own names.
        files_mb: Size of the scratch folder.
        user: Owner of the scratch folder.

    Raises:
        KernelRefusedError, OSError: this machine does not allow it.
    """
    above, groups = os.geteuid(), os.getegid()
    call("unshare", _NEW_ALL | (_NEW_USER if above else 0))
    if above:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {above} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{user} {groups} 1", encoding="ascii")
    _build_root(paths, files_mb=files_mb, user=user)
    child = os.fork()
    if child:
        _stay_behind(child)
    die_with_parent()


def _stay_behind(child: int) -> NoReturn:
    os.closerange(0, 1024)  # the host must see the child's end, not ours
    status = os.waitpid(child, 0)[1]
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _build_root(paths: Iterable[str], *, files_mb: float, user: int) -> None:
    _mount("none", "/", "", _RECURSIVE | _PRIVATE)
    base = "/tmp"  # noqa: S108 - covered only in our own mount namespace
    _mount("tmpfs", base, "tmpfs", _NO_SUID | _NO_DEV, "mode=755,size=1m,nr_inodes=4096")
    Path(base + _OLD).mkdir()
    call("syscall", _PIVOT[os.uname().machine], base.encode(), (base + _OLD).encode())
    os.chdir("/")
    for path in sorted(paths, key=len):
        _show(path)
    for device in DEVICES:
        _show(device, attributes=_READ_ONLY | _NO_SUID | _NO_EXEC)
    Path(SCRATCH).mkdir()
    options = f"mode=700,size={int(files_mb * _MB)},nr_inodes=4096"
    _mount("tmpfs", SCRATCH, "tmpfs", _NO_SUID | _NO_DEV | _NO_EXEC, options)
    os.chown(SCRATCH, user, user)
    call("umount2", _OLD.encode(), _DETACH)
    Path(_OLD).rmdir()
    _mount("none", "/", "", _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEV)


def _show(path: str, attributes: int = _READ_ONLY | _NO_SUID | _NO_DEV) -> None:
    """Bind `path` of the old root at the same name, if it is not below something bound before."""
    source = Path(_resolved(path))
    target = Path(path)
    if not source.exists() or target.exists():
        return
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if source.is_dir():
        target.mkdir()
    else:
        target.touch()
    _mount(str(source), path, "", _BIND | _RECURSIVE)
    wanted = pack("=QQQQ", attributes, 0, 0, 0)
    call("syscall", _SET_ATTRIBUTES, _AT_FDCWD, path.encode(), _AT_RECURSIVE, wanted, len(wanted))


def _resolved(path: str) -> str:
    """Where `path` was in the old root, its links followed there and not here."""
    parts, done = [part for part in path.split("/") if part][::-1], _OLD
    for _ in range(256):
        if not parts:
            break
        part = parts.pop()
        here = f"{done}/{part}" if part != ".." else str(Path(done).parent)
        if part == ".." and done == _OLD:
            continue
        if not Path(here).is_symlink():
            done = here
            continue
        link = str(Path(here).readlink())
        if link.startswith("/"):
            done = _OLD
        parts += [step for step in link.split("/") if step not in ("", ".")][::-1]
    return done


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    call("mount", source.encode(), target.encode(), kind.encode() or None, flags, options.encode())
