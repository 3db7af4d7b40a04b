"""What code in the sandbox tries and must not achieve, at every level this machine has.

Each attack is a function `attack(facts)` that returns what it got hold of, or nothing; whatever
the host can see for itself (files, contacts, processes, memory) is checked besides.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sandbox_attacks import BESIDE, Stage, checkable, corpus, stopped
from opto.sandbox import (
    Limits,
    Sandbox,
    SandboxedError,
)

SHORT = Limits(wall_s=3)
CORPUS = corpus()


@pytest.fixture
def facts(stage: Stage) -> dict[str, Any]:
    stage.contacts.clear()
    host = {"HOST": os.getpid(), "PARENT": os.getppid(), "CANARY_PID": stage.canary.pid}
    ports = {"PORT": int(stage.names["PORT"]), "UPORT": int(stage.names["UPORT"])}
    return {**stage.names, **host, **ports, "SECRET_FILE": stage.names["HOME"] + "/.canary_secret"}


ATTACKS = {
    "read a secret": "return open(facts['SECRET_FILE']).read()",
    "read a secret by way of the root": "return open('../' * 40 + facts['SECRET_FILE']).read()",
    "read natively": "import numpy\nreturn numpy.fromfile(facts['SECRET_FILE'], 'S1').size",
    "open a path handle": "return os.open(facts['HOME'], os.O_PATH) and os.listdir(facts['HOME'])",
    "list the home folder": "return os.listdir(facts['HOME'])",
    "read the password file": "return open('/etc/passwd').read()",
    "write outside": "open(facts['MARK'] + '/x', 'w').write('x')",
    "write with a solver": (
        "import highspy\nh = highspy.Highs(); h.addVar(0, 1)\nh.writeModel(facts['MARK'] + '/m.lp')"
    ),
    "write among the packages": "open(facts['SITE'] + '/' + facts['TAG'] + '.pth', 'w')",
    "write among installed packages": (
        "import numpy\nopen(os.path.dirname(numpy.__file__) + '/' + facts['TAG'] + '.py', 'w')\n"
        "return 'written'"
    ),
    "change a mode": "os.chmod(facts['SECRET_FILE'], 0o777)\nreturn 'changed'",
    "change the mode of Python": "os.chmod(os.__file__, 0o777)\nreturn 'changed'",
    "change the mode by descriptor": (
        "os.fchmod(os.open(os.__file__, os.O_RDONLY), 0o777)\nreturn 'changed'"
    ),
    "change times": "os.utime(os.__file__)\nreturn 'changed'",
    "change the owner": "os.chown(os.__file__, 65534, 65534)\nreturn 'changed'",
    "set an attribute": "os.setxattr(os.__file__, 'user.x', b'1')\nreturn 'changed'",
    "truncate": "os.truncate(facts['SECRET_FILE'], 0)\nreturn 'changed'",
    "truncate while reading": (
        "os.open(facts['SECRET_FILE'], os.O_RDONLY | os.O_TRUNC)\nreturn 'changed'"
    ),
    "remove": "os.unlink(facts['SECRET_FILE'])\nreturn 'removed'",
    "rename": "os.rename(facts['SECRET_FILE'], facts['SECRET_FILE'] + '2')\nreturn 'renamed'",
    "link": "os.symlink(facts['SECRET_FILE'], 'l')\nreturn open('l').read()",
    "hard link": "os.link(facts['SECRET_FILE'], 'l')\nreturn open('l').read()",
    "environment of the host": "return os.environ.get('CANARY_SECRET')",
    "environment in memory": (
        "import ctypes\nreturn ctypes.CDLL(None).getenv(b'CANARY_SECRET') or None"
    ),
    "environment by /proc": (
        "for pid in (facts['HOST'], os.getppid(), 1):\n"
        "    with suppress(OSError):\n        found.append(open(f'/proc/{pid}/environ').read())"
    ),
    "memory by /proc": "open(f\"/proc/{facts['HOST']}/mem\", 'rb')\nreturn 'opened'",
    "folder of the host by /proc": "return os.readlink(f\"/proc/{facts['HOST']}/cwd\")",
    "files of the host by /proc": "return os.listdir(f\"/proc/{facts['HOST']}/fd\")",
    "list processes": "return os.listdir('/proc')",
    "kernel settings": "open('/proc/sys/kernel/core_pattern', 'r+')\nreturn 'opened'",
    "system requests": "open('/proc/sysrq-trigger', 'w')\nreturn 'opened'",
    "raw disk": (
        "for name in ('vda', 'sda', 'nvme0n1', 'mem', 'kmsg', 'shm/x', 'ptmx', 'tty'):\n"
        "    with suppress(OSError):\n        found.append(open('/dev/' + name, 'rb'))"
    ),
    "TCP": "socket.create_connection(('127.0.0.1', facts['PORT']), 1)\nreturn 'connected'",
    "TCP over IPv6": "socket.create_connection(('::1', facts['PORT']), 1)\nreturn 'connected'",
    "UDP": "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', facts['UPORT']))\nreturn 'sent'",
    "listen": "socket.socket().bind(('127.0.0.1', 0))\nreturn 'bound'",
    "unix socket": "socket.socket(1).connect(facts['USOCK'])\nreturn 'connected'",
    "abstract socket": "socket.socket(1).connect('\\0' + facts['ASOCK'])\nreturn 'connected'",
    "pair of sockets": "socket.socketpair()\nreturn 'made'",
    "netlink": "socket.socket(16, 3, 0)\nreturn 'made'",
    "raw packets": "socket.socket(17, 3)\nreturn 'made'",
    "look up a name": "return socket.getaddrinfo('localhost', 80)[0] and socket.socket()",
    "signal the host": "os.kill(facts['HOST'], 0)\nreturn 'allowed'",
    "signal everybody": "os.kill(-1, 0)\nreturn 'allowed'",
    "signal the worker": "os.kill(os.getppid(), 0)\nreturn 'allowed'",
    "signal the group": "os.killpg(0, 0)\nreturn 'allowed'",
    "signal by descriptor": (
        "import fcntl, struct\nr, w = os.pipe()\n"
        "fcntl.fcntl(r, fcntl.F_SETOWN, facts['CANARY_PID'])\nreturn 'allowed'"
    ),
    "signal by process handle": "return os.pidfd_open(facts['HOST'])",
    "queue a signal": "return native(129, facts['CANARY_PID'], 0, bytes(128)) == 0",
    "trace": "return native(101, 16, facts['CANARY_PID'], 0, 0) == 0",
    "read memory of others": "return native(310, facts['CANARY_PID'], 0, 0, 0, 0, 0) == 0",
    "compare processes": "return native(312, facts['CANARY_PID'], facts['PARENT'], 0, 0, 0) == 0",
    "raise limits": (
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nreturn 'raised'"
    ),
    "lower limits of the host": (
        "import resource\nreturn resource.prlimit(facts['HOST'], resource.RLIMIT_CPU, (1, 1))"
    ),
    "look at the limits of the canary": (
        "import resource\nreturn resource.prlimit(facts['CANARY_PID'], resource.RLIMIT_CPU, (9, 9))"
    ),
    "become root": "os.setuid(0)\nreturn 'root'",
    "fork": "return os.fork() and 'forked'",
    "vfork": "return native(58) > 0",
    "clone": "return native(56, 17, 0, 0, 0, 0) > 0",
    "clone with a namespace": "return native(56, 0x10000011, 0, 0, 0, 0) > 0",
    "new clone": "return native(435, bytes(88), 88) > 0",
    "spawn": "import subprocess\nreturn subprocess.run([sys.executable, '-c', '1'])",
    "spawn natively": "import ctypes\nreturn ctypes.CDLL(None).system(b'true') == 0",
    "replace the program": "os.execv('/bin/true', ['true'])",
    "multiprocessing": (
        "import multiprocessing as m\np = m.get_context('fork').Process(target=print)\np.start()\n"
        "return 'started'"
    ),
    "user namespace": "return native(272, 0x10000000) == 0",
    "mount": "return native(165, b'none', b'/tmp', b'tmpfs', 0, 0) == 0",
    "change the root": "os.chroot('/')\nreturn 'changed'",
    "io_uring": "return native(425, 1, bytes(120)) >= 0",
    "bpf": "return native(321, 0, bytes(64), 64) >= 0",
    "performance counters": "return native(298, bytes(112), 0, -1, -1, 0) >= 0",
    "userfaultfd": "return native(323, 0) >= 0",
    "keys": "return native(250, 0, -3, 1) >= 0",
    "memory file": "return os.memfd_create('x')",
    "shared memory": "return native(29, 0, 4096, 0o1600) >= 0",
    "message queue": "return native(68, 0, 0o1600) >= 0",
    "host name": "socket.sethostname('x')\nreturn 'set'",
    "clock": "time.clock_settime(0, time.time())\nreturn 'set'",
    "outlive the worker": "return native(157, 1, 0, 0, 0, 0) == 0",
    "dump core": "return native(157, 4, 1, 0, 0, 0) == 0",
    "another filter": "return native(317, 1, 0, bytes(16)) == 0",
    "personality": "return native(135, 0x0040000) >= 0",
    "type into the terminal": "import fcntl\nreturn fcntl.ioctl(0, 0x5412, b'x')",
    "32-bit system calls": "return native(0x40000000 + 39) > 0",
    "descriptors of the worker": (
        "for fd in range(5, 1024):\n    with suppress(OSError):\n        found.append(os.fstat(fd))"
    ),
}
_HEAD = """
import os, socket, sys, time
from contextlib import suppress

def native(number, *arguments):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(number, *arguments)

def attack(facts):
    found = []
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system call numbers of x86_64")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_hold_of_nothing(
    name: str, sandbox: Sandbox, stage: Stage, facts: dict[str, Any]
) -> None:
    body = "".join(f"    {line}\n" for line in ATTACKS[name].splitlines())
    got: Any = None

    with contextlib.suppress(SandboxedError):
        got = sandbox.call(f"{_HEAD}{body}    return found", "attack", [facts], limits=SHORT)

    assert not got
    assert not stage.contacts
    assert not stage.marks()
    assert stage.canary_is_well()
    secret = Path(facts["SECRET_FILE"])
    assert secret.read_text(encoding="utf-8") == stage.secret
    assert secret.stat().st_mode & 0o777 == 0o644
    assert "CANARY_SECRET" in os.environ


@pytest.mark.skipif(CORPUS is None, reason=f"no attacks at {BESIDE} or OPTO_SANDBOX_ATTACKS")
@pytest.mark.parametrize("number", range(len(checkable(CORPUS)) if CORPUS else 0))
def test_an_attack_of_the_corpus_is_stopped(number: int, sandbox: Sandbox, stage: Stage) -> None:
    assert CORPUS is not None

    assert stopped(sandbox, stage, CORPUS, checkable(CORPUS)[number]) == ""
