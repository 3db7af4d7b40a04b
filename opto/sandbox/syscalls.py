"""Which system calls code in the sandbox may make, as a seccomp program.

Lives here: the allowed calls as `name:x86_64:aarch64`, and the filter made of them. All others are
refused: "not there" for calls newer than Linux 5.0, so that libc falls back, else "not permitted".
Never here: installing the filter (`jail`).

The list is what numpy, scipy, HiGHS, OR-Tools and the standard library need to compute and to use
files below a scratch folder. Not on it: sockets, processes, programs, signals to others, mounts,
namespaces, links, tracing, shared memory, io_uring, bpf, keys, clocks, and anything yet to come.
"""

from __future__ import annotations

import platform
import struct

_CALLS = """
read:0:63 write:1:64 readv:19:65 writev:20:66 pread64:17:67 pwrite64:18:68 preadv:295:69
pwritev:296:70 preadv2:327:286 pwritev2:328:287 openat2:437:437 close:3:57
close_range:436:436 fstat:5:80 newfstatat:262:79 statx:332:291 faccessat:269:48 faccessat2:439:439
readlinkat:267:78 getdents64:217:61 lseek:8:62 mmap:9:222 mprotect:10:226 munmap:11:215
mremap:25:216 madvise:28:233 brk:12:214 msync:26:227 mincore:27:232 munlock:150:229
munlockall:152:231 rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigreturn:15:139
rt_sigpending:127:136 rt_sigtimedwait:128:137 rt_sigsuspend:130:133 sigaltstack:131:132
restart_syscall:219:128 nanosleep:35:101 clock_nanosleep:230:115 clock_gettime:228:113
clock_getres:229:114 gettimeofday:96:169 times:100:153 getitimer:36:102 setitimer:38:103
ppoll:271:73 pselect6:270:72 epoll_create1:291:20 epoll_ctl:233:21 epoll_pwait:281:22
epoll_pwait2:441:441 eventfd2:290:19 pipe2:293:59 dup:32:23 dup3:292:24 futex:202:98
futex_waitv:449:449 set_robust_list:273:99 rseq:334:293 set_tid_address:218:96 gettid:186:178
getpid:39:172 getppid:110:173 getuid:102:174 geteuid:107:175 getgid:104:176 getegid:108:177
getpgid:121:155 getsid:124:156 getgroups:115:158 getresuid:118:148 getresgid:120:150
sched_yield:24:124 sched_getaffinity:204:123 sched_getparam:143:121 sched_getscheduler:145:120
sched_get_priority_max:146:125 sched_get_priority_min:147:126 getpriority:140:141 getcpu:309:168
getrlimit:97:163 getrusage:98:165 sysinfo:99:179 uname:63:160 getrandom:318:278 membarrier:324:283
exit:60:93 exit_group:231:94 wait4:61:260 waitid:247:95 mkdirat:258:34 unlinkat:263:35
renameat2:316:276 truncate:76:45 ftruncate:77:46 fallocate:285:47 fchmod:91:52 fchmodat:268:53
utimensat:280:88 fsync:74:82 fdatasync:75:83 sync_file_range:277:84 copy_file_range:326:285
sendfile:40:71 umask:95:166 chdir:80:49 fchdir:81:50 getcwd:79:17 flock:73:32 statfs:137:43
fstatfs:138:44 fadvise64:221:223 readahead:187:213 renameat:264:38 creat:85:- stat:4:-
lstat:6:- access:21:- readlink:89:- getdents:78:- pause:34:- time:201:- alarm:37:- poll:7:-
select:23:- epoll_create:213:- epoll_wait:232:- eventfd:284:- pipe:22:- dup2:33:- arch_prctl:158:-
getpgrp:111:- mkdir:83:- rmdir:84:- unlink:87:- rename:82:- chmod:90:- utime:132:- utimes:235:-
futimesat:261:-
"""
_SPECIAL = ("clone", "openat", "fcntl", "ioctl", "kill", "tgkill", "prctl", "prlimit64")
_CHANGES = (
    *("chmod", "fchmod", "fchmodat", "utime", "utimes", "utimensat", "futimesat"),
    *("truncate", "openat2"),
)
"""Landlock does not see these, or not before 6.2: refused where nothing may be written."""


class Table:
    """Numbers of one processor."""

    __slots__ = ("allowed", "audit", "capset", "seccomp", "special")

    def __init__(
        self, audit: int, column: int, special: tuple[int, ...], own: tuple[int, int]
    ) -> None:
        calls = [entry.split(":") for entry in _CALLS.split()]
        self.audit = audit
        self.allowed = {call[0]: int(call[column]) for call in calls if call[column] != "-"}
        self.special = dict(zip(_SPECIAL, special, strict=True))
        self.seccomp, self.capset = own


def table() -> Table | None:
    """Numbers of this processor; None where the filter is unknown.

    The aarch64 column holds the kernel's generic numbers; nobody has run it yet.
    """
    if platform.machine() == "x86_64":
        return Table(0xC000003E, 1, (56, 257, 72, 16, 62, 234, 157, 302), (317, 126))
    if platform.machine() == "aarch64":
        return Table(0xC00000B7, 2, (220, 56, 25, 29, 129, 131, 167, 261), (277, 91))
    return None


_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_NEW = 424  # first number of the calls shared by all processors
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_NR, _ARCH, _ARGS = 0, 4, 16
_CLONE_THREAD = 0x10000
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)  # not F_SETOWN, F_SETSIG: these signal
_IOCTL = (
    0x5401,
    0x5413,
    0x541B,
    0x5421,
    0x5450,
    0x5451,
)  # isatty, size, FIONREAD, FIONBIO, CLOEXEC
_PRCTL = (15, 16, 0x53564D41)  # names of threads and of memory

_X86_OPEN = 2
_ACCESS_MODE, _WRITE_ONLY, _READ_WRITE, _TRUNCATE = 3, 1, 2, 0o1000

_Step = tuple[int, int, int, int]


def program(pid: int, *, writing: bool) -> bytes:
    """The filter for the process `pid`, as an array of `struct sock_filter`.

    Args:
        pid: The one process that may be signalled.
        writing: Is there a folder to write to? Else files cannot be changed in any way.

    Raises:
        OSError: the processor is unknown.
    """
    known = table()
    if known is None:
        raise OSError(_ENOSYS, f"no system call table for {platform.machine()}")
    special = known.special
    steps: list[_Step] = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, known.audit),
        _ret(_KILL),
        (_LOAD, 0, 0, _NR),
    ]
    for name, number in known.allowed.items():
        if not writing and name in _CHANGES:
            continue
        steps += [(_EQUAL, 0, 1, number), _ret(_ALLOW)]
    steps += _when(special["clone"], 0, (), bits=_CLONE_THREAD)  # threads, no processes
    steps += _opening(special["openat"], 2)
    if "access" in known.allowed:  # the processor has the old calls too
        steps += _opening(_X86_OPEN, 1)
    steps += _when(special["fcntl"], 1, _FCNTL)
    steps += _when(special["ioctl"], 1, _IOCTL)
    steps += _when(special["prctl"], 0, _PRCTL)
    steps += _when(special["kill"], 0, (pid,))
    steps += _when(special["tgkill"], 0, (pid,))
    steps += _only_reading_limits(special["prlimit64"])
    steps += [(_AT_LEAST, 0, 1, _NEW), _ret(_ERRNO | _ENOSYS), _ret(_ERRNO | _EPERM)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _ret(value: int) -> _Step:
    return (_RETURN, 0, 0, value)


def _when(number: int, argument: int, values: tuple[int, ...], *, bits: int = 0) -> list[_Step]:
    """Allow call `number` if an argument is among `values` or has one of `bits`, else refuse."""
    tests: list[_Step] = []
    for value in values:
        tests += [(_EQUAL, 0, 1, value), _ret(_ALLOW)]
    if bits:
        tests += [(_ANY_BIT, 0, 1, bits), _ret(_ALLOW)]
    body = [(_LOAD, 0, 0, _ARGS + 8 * argument), *tests, _ret(_ERRNO | _EPERM)]
    return [(_EQUAL, 0, len(body), number), *body]


def _opening(number: int, argument: int) -> list[_Step]:
    """Opening files, but not truncating what is opened for reading: Landlock once missed that."""
    body: list[_Step] = [
        (_LOAD, 0, 0, _ARGS + 8 * argument),
        (_ANY_BIT, 1, 0, _TRUNCATE),
        _ret(_ALLOW),
        (_AND, 0, 0, _ACCESS_MODE),
        (_EQUAL, 1, 0, _WRITE_ONLY),
        (_EQUAL, 0, 1, _READ_WRITE),
        _ret(_ALLOW),
        _ret(_ERRNO | _EPERM),
    ]
    return [(_EQUAL, 0, len(body), number), *body]


def _only_reading_limits(number: int) -> list[_Step]:
    """`prlimit64` without new values: both halves of its third argument are zero."""
    body: list[_Step] = [
        (_LOAD, 0, 0, _ARGS + 16),
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, _ARGS + 20),
        (_EQUAL, 0, 1, 0),
        _ret(_ALLOW),
        _ret(_ERRNO | _EPERM),
    ]
    return [(_EQUAL, 0, len(body), number), *body]
