"""What code in the sandbox tries and must not achieve, at every level this machine has.

Each attack is a function `attack(facts)` that returns what it got hold of, or nothing; whatever
the host can see for itself (files, contacts, processes, memory) is checked besides.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sandbox_attacks import BESIDE, Meter, Stage, checkable, corpus, stopped
from opto.sandbox import (
    BadResultError,
    DiedError,
    Limits,
    MemoryLimitError,
    OutputLimitError,
    Sandbox,
    SandboxedError,
    SandboxUnavailable,
    TimeLimitError,
)

SHORT = Limits(wall_s=3)
CORPUS = corpus()


@pytest.fixture(scope="module", params=["strong", "kernel"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(workers=1, level=request.param, preload=("numpy", "highspy")) as ours:
        try:
            assert ours.level == request.param
        except SandboxUnavailable as missing:
            pytest.skip(str(missing))
        yield ours


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    built = Stage()
    yield built
    built.close()


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


@pytest.mark.parametrize(
    "code",
    [
        "x = []\nwhile True: x.append(bytearray(1 << 24))",
        "import numpy\nx = [numpy.ones(1 << 24) for _ in range(100)]",
        "import mmap\nx = [mmap.mmap(-1, 1 << 28).write(b'x' * (1 << 28)) for _ in range(40)]",
    ],
)
def test_memory_is_capped(sandbox: Sandbox, code: str) -> None:
    with Meter(ignore=0) as meter, pytest.raises((SandboxedError, MemoryLimitError)):
        sandbox.run(code, limits=Limits(wall_s=10, memory_mb=512))

    assert meter.memory < 900 << 20


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
        "import signal\nfor s in range(1, 32):\n  try: signal.signal(s, signal.SIG_IGN)\n"
        "  except OSError: pass\nwhile True: pass",
        "import threading, time\nfor _ in range(20): threading.Thread(target=time.sleep, "
        "args=(99,)).start()\nfor t in threading.enumerate()[1:]: t.join()",
        "import atexit\natexit.register(lambda: [None for _ in iter(int, 1)])\nwhile True: pass",
        "class E(Exception):\n  def __str__(self):\n    while True: pass\nraise E",
        "import sys\ndef spin(*a):\n  while True: pass\nsys.settrace(spin)\n(lambda: 1)()",
        "9 ** 9 ** 9",
        "import os\nos.close(1); os.close(2)\nwhile True: pass",
    ],
)
def test_time_is_capped(sandbox: Sandbox, code: str) -> None:
    begun = time.monotonic()

    with pytest.raises(TimeLimitError):
        sandbox.run(code, limits=Limits(wall_s=0.5))

    assert time.monotonic() - begun < 0.5 + 0.5
    assert sandbox.run("result = 1").result == 1


def test_an_exit_hook_cannot_hold_up_a_result(sandbox: Sandbox) -> None:
    code = "import atexit, time\natexit.register(time.sleep, 60)\nresult = 1"
    begun = time.monotonic()

    assert sandbox.run(code).result == 1
    assert time.monotonic() - begun < 1


def test_threads_are_capped(sandbox: Sandbox) -> None:
    code = (
        "import threading, time\nthreading.stack_size(32768)\nn = 0\ntry:\n"
        "  for n in range(5000): threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "except RuntimeError: pass\ntime.sleep(0.2)\nresult = n"
    )
    with contextlib.suppress(DiedError):
        assert sandbox.run(code, limits=SHORT).result < 600


def test_a_thread_does_not_outlive_its_run(sandbox: Sandbox) -> None:
    heard: list[float] = []
    code = """
import threading, time
def f():
    def go():
        while True:
            beat()
            time.sleep(0.01)
    threading.Thread(target=go).start()
    time.sleep(0.1)
"""
    sandbox.call(code, "f", tools={"beat": lambda: heard.append(time.monotonic())})
    ended = time.monotonic()
    time.sleep(0.2)

    assert heard
    assert heard[-1] <= ended


@pytest.mark.parametrize(
    "code",
    [
        "while True: print('x' * 10000)",
        "import os\nwhile True: os.write(1, b'x' * 65536)",
        "import os\nwhile True: os.write(2, b'x' * 65536)",
        "import sys\nsys.stdout.write('x' * (300 << 20))",
        "import os, time\nos.write(1, b'x' * 999_999)\nprint('yy')\nresult = 1",
    ],
)
def test_output_is_capped(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(OutputLimitError) as raised:
        sandbox.run(code, limits=SHORT)

    assert len(raised.value.stdout) <= Limits().output_bytes


@pytest.mark.parametrize(
    "value",
    [
        "'x' * (100 << 20)",
        "[[]] * 400_000",
        "10 ** 1_000_000",
        "{k * (2**61 - 1) for k in range(9000)}",
        "__import__('functools').reduce(lambda x, _: [x], range(5000), 0)",
    ],
)
def test_a_result_cannot_hurt_the_host(sandbox: Sandbox, value: str) -> None:
    with pytest.raises(BadResultError):
        sandbox.call(f"def f(): return {value}", "f", limits=SHORT)


FORGERIES = {
    "a frame on every descriptor": """
import os, json
body = json.dumps({'value': 'forged'}).encode()
for fd in range(3, 64):
    try: os.write(fd, bytes(16) + len(body).to_bytes(4, 'big') + body)
    except OSError: pass
""",
    "noise on every descriptor": """
import os
for fd in range(3, 64):
    try: os.write(fd, os.urandom(5000))
    except OSError: pass
""",
    "the pipe found in memory": """
import gc
for thing in gc.get_objects():
    if type(thing).__name__ == 'Pipe':
        thing._write(4, thing._mark + (10**9).to_bytes(4, 'big') + b'x' * 50000)
""",
    "a document of odd types": """
import gc
for thing in gc.get_objects():
    if type(thing).__name__ == 'Pipe':
        thing.send({'raised': 5, 'lines': {'a': 1}, 'message': [1], 'stub': {}, 'args': 3})
""",
    "a tool that is none": """
import gc
for thing in gc.get_objects():
    if type(thing).__name__ == 'Pipe':
        thing.send({'tool': '__class__', 'stub': -1, 'args': [], 'kwargs': {}})
        assert 'error' in thing.receive()
raise ValueError
""",
    "the encoder replaced": """
import json, opto.sandbox.frames as frames
frames.dumps = lambda document: b'[' * 100000
""",
    "json replaced": """
import json
json.dumps = lambda *a, **k: '{"value": {"$tuple": {"$tuple": 1}}}'
""",
    "a frame that never ends": """
import gc, os
for thing in gc.get_objects():
    if type(thing).__name__ == 'Pipe':
        os.write(4, thing._mark + (3_000_000).to_bytes(4, 'big') + b'[')
os._exit(0)
""",
    "an early success": "import os\nos._exit(0)",
    "a crash": "import ctypes\nctypes.string_at(0)",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_answer_is_an_error_and_the_next_run_is_its_own(
    name: str, sandbox: Sandbox
) -> None:
    with pytest.raises(SandboxedError):
        sandbox.run(FORGERIES[name] + "\nresult = 1", limits=Limits(wall_s=1))

    assert sandbox.run("result = 'mine'").result == "mine"


@pytest.mark.parametrize(
    "trick",
    [
        "sys.settrace(lambda *a: (_ for _ in ()).throw(ValueError))",
        "sys.setprofile(lambda *a: None)",
        "threading.settrace(lambda *a: None)",
        "sys.modules['json'] = None",
        "builtins.len = builtins.isinstance = None",
        "sys.setrecursionlimit(10**9)",
        "gc.set_threshold(1)",
        "sys.excepthook = sys.unraisablehook = lambda *a: time.sleep(60)",
    ],
)
def test_tampering_with_the_interpreter_hurts_only_the_run(sandbox: Sandbox, trick: str) -> None:
    imports = "import sys, gc, builtins, threading, time\n"
    with contextlib.suppress(SandboxedError):
        sandbox.run(f"{imports}{trick}\nresult = 1", limits=Limits(wall_s=1))

    code = "def f(): return sys.gettrace(), sys.getprofile(), gc.get_threshold()[0] > 1, len([0])"
    assert sandbox.call(imports + code, "f") == (None, None, True, 1)


def test_the_scratch_folder_is_sized_and_emptied() -> None:
    fill = """
import os
n = 0
try:
    for n in range(400):
        with open(f'f{n}', 'wb', buffering=0) as f: f.write(b'x' * (1 << 20))
except OSError:
    pass
for f in os.listdir('.'):
    if f != 'f0': os.unlink(f)
os.truncate('f0', 9)
os.makedirs('a/' * 150)
os.chmod('a', 0)
try:
    while True: os.close(os.open(f'g{n}', os.O_CREAT | os.O_WRONLY)); n += 1
except OSError:
    pass
for g in os.listdir('.'):
    if g[0] == 'g' and g != 'g9': os.unlink(g)
result = n
"""
    with Sandbox(workers=1, limits=Limits(files_mb=8)) as sandbox:
        if sandbox.level != "strong":
            pytest.skip("this machine has no level strong, so there is no folder to write to")
        filled = sandbox.run(fill)
        left = sandbox.run("import os\nresult = os.listdir('.')").result

    assert filled.result < 5000
    assert filled.artifacts["f0"] == b"x" * 9
    assert left == []


def test_links_and_pipes_are_no_artifacts(stage: Stage) -> None:
    code = (
        "import os, ctypes\nlibc = ctypes.CDLL(None)\n"
        f"for make in (lambda: os.symlink({stage.names['DATASET']!r}, 'a'), "
        "lambda: os.link(os.__file__, 'b'), lambda: os.mkfifo('c'), "
        "lambda: os.mknod('d', 0o20666, 0x103)):\n"
        "    try: make()\n    except OSError: pass\nopen('fine', 'w').write('x')"
    )
    with Sandbox(workers=1) as sandbox:
        if sandbox.level != "strong":
            pytest.skip("this machine has no level strong, so there is no folder to write to")
        assert sandbox.run(code).artifacts == {"fine": b"x"}


def test_a_run_cannot_see_the_folder_the_host_works_in(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "answers.py").write_text("ANSWER = 42", encoding="utf-8")
    code = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport answers"

    with pytest.raises(SandboxedError, match="answers"):
        sandbox.run(code)


def test_descriptors_of_the_host_are_not_inherited(sandbox: Sandbox, stage: Stage) -> None:
    handle = os.open(stage.names["DATASET"], os.O_RDONLY)
    os.set_inheritable(handle, True)
    with Sandbox(workers=1, level=sandbox.level) as fresh:
        open_inside = fresh.run(
            "import os\nresult = []\nfor fd in range(1024):\n"
            "    try: os.fstat(fd); result.append(fd)\n    except OSError: pass"
        ).result
    os.close(handle)

    assert open_inside == [0, 1, 2, 3, 4]


@pytest.mark.skipif(CORPUS is None, reason=f"no attacks at {BESIDE} or OPTO_SANDBOX_ATTACKS")
@pytest.mark.parametrize("number", range(len(checkable(CORPUS)) if CORPUS else 0))
def test_an_attack_of_the_corpus_is_stopped(number: int, sandbox: Sandbox, stage: Stage) -> None:
    assert CORPUS is not None

    assert stopped(sandbox, stage, CORPUS, checkable(CORPUS)[number]) == ""
