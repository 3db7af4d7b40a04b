"""Workers: many threads, death, forks of the host, what is left behind, and which level holds."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from opto.errors import InputError, OptoError
from opto.sandbox import Limits, Sandbox, SandboxUnavailable, TimeLimitError, default, level

SQUARE = "def f(x):\n    return x * x"


def _descendants(of: int) -> set[int]:
    """Processes below `of`, itself not counted."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                stat = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2]
                parents[int(entry.name)] = int(stat.split()[1])
    found = {of}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {of}


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def _gone(pids: set[int], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while _alive(pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _alive(pids)


def _dead(pids: set[int], within_s: float) -> bool:
    """Gone, or only waiting for their parent to notice."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        states = set()
        for pid in _alive(pids):
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
                states.add(stat.rpartition(")")[2].split()[0])
        if states <= {"Z", "X"}:
            return True
        time.sleep(0.02)
    return False


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def test_many_threads_share_few_workers() -> None:
    with Sandbox(workers=2) as sandbox, ThreadPoolExecutor(24) as threads:
        results = list(threads.map(lambda n: sandbox.call(SQUARE, "f", [n]), range(120)))

    assert results == [n * n for n in range(120)]


def test_two_sandboxes_live_in_one_process() -> None:
    with Sandbox(workers=1) as one, Sandbox(workers=1, level="kernel") as other:
        assert one.call(SQUARE, "f", [2]) == other.call(SQUARE, "f", [2]) == 4


def test_a_host_that_has_numpy_and_threads_can_start_workers() -> None:
    stop = threading.Event()
    busy = [threading.Thread(target=stop.wait) for _ in range(4)]
    for thread in busy:
        thread.start()
    with Sandbox(workers=1, preload=("numpy", "highspy")) as sandbox:
        source = "import numpy, highspy\ndef f(x): return float(numpy.sum(x))"
        assert sandbox.call(source, "f", [np.arange(4).tolist()]) == 6.0
    stop.set()


def test_numpy_draws_other_numbers_in_every_run() -> None:
    source = "import numpy as np, random\ndef f(): return float(np.random.rand()), random.random()"
    with Sandbox(workers=1, preload=("numpy", "numpy.random")) as sandbox:
        drawn = [sandbox.call(source, "f") for _ in range(3)]

    assert len({pair[0] for pair in drawn}) == len({pair[1] for pair in drawn}) == 3


def test_a_dead_worker_is_replaced_within_a_second() -> None:
    before = _descendants(os.getpid())
    with Sandbox(workers=1) as sandbox:
        assert sandbox.call(SQUARE, "f", [2]) == 4
        time.sleep(0.1)  # until the next child waits, so that none is made while we look
        mine = _descendants(os.getpid()) - before
        for pid in mine:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert _dead(mine, 1)
        begun = time.monotonic()

        assert sandbox.call(SQUARE, "f", [3]) == 9
        assert time.monotonic() - begun < 1


def test_a_worker_is_replaced_after_many_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opto.sandbox.pool._RECYCLE_RUNS", 3)
    source = "import os\ndef f(): return os.getppid()"
    with Sandbox(workers=1, level="kernel") as sandbox:
        workers = [sandbox.call(source, "f") for _ in range(8)]

    assert len(set(workers)) > 2


def test_closing_leaves_no_process_and_no_descriptor() -> None:
    before, open_before = _descendants(os.getpid()), _descriptors()

    sandbox = Sandbox(workers=2)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda n: sandbox.call(SQUARE, "f", [n]), range(10)))
    with pytest.raises(TimeLimitError):
        sandbox.call("while True: pass", "f", limits=Limits(wall_s=0.1))
    assert _descendants(os.getpid()) > before
    sandbox.close()
    sandbox.close()

    assert _gone(_descendants(os.getpid()) - before, 1)
    assert _descriptors() == open_before
    with pytest.raises(OptoError, match="was closed"):
        sandbox.call(SQUARE, "f", [1])


def test_a_sandbox_nobody_holds_ends_its_workers() -> None:
    before = _descendants(os.getpid())
    sandbox = Sandbox(workers=1)
    sandbox.call(SQUARE, "f", [1])
    mine = _descendants(os.getpid()) - before

    del sandbox

    assert mine
    assert _gone(mine, 1)


def test_workers_end_with_a_host_that_is_killed() -> None:
    code = """
import sys, time
from opto.sandbox import Sandbox, Limits
print('go', flush=True)
for level in ('auto', 'kernel'):
    __import__('threading').Thread(
        target=lambda s: s.call('def f():\\n  while True: pass', 'f', limits=Limits(wall_s=60)),
        args=(Sandbox(level=level),)).start()
"""
    host = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code], stdout=subprocess.PIPE
    )
    assert host.stdout is not None
    host.stdout.readline()
    time.sleep(1.5)
    below = _descendants(host.pid)
    host.kill()
    host.wait()
    host.stdout.close()

    assert len(below) >= 4
    assert _gone(below, 2)


def test_a_fork_of_the_host_gets_workers_of_its_own() -> None:
    with Sandbox(workers=1) as sandbox:
        assert sandbox.call(SQUARE, "f", [2]) == 4
        inlet, outlet = os.pipe()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                os.write(outlet, b"%d" % sandbox.call(SQUARE, "f", [5]))
                sandbox.close()
            os._exit(0)
        os.close(outlet)
        os.waitpid(child, 0)

        assert os.read(inlet, 10) == b"25"
        assert sandbox.call(SQUARE, "f", [3]) == 9
        os.close(inlet)


def test_the_default_sandbox_is_one_and_ends_with_the_process() -> None:
    code = (
        "import time, opto.sandbox as s\n"
        "assert s.default() is s.default()\n"
        "print(s.level(), s.default().call('def f(): return 1', 'f'))\n"
    )
    begun = time.monotonic()
    done = _python(code)

    assert done.stdout in ("strong 1\n", "kernel 1\n")
    assert (done.stderr, done.returncode) == ("", 0)
    assert time.monotonic() - begun < 10


def test_here_the_default_sandbox_holds() -> None:
    assert level() == default().level
    assert level() in ("strong", "kernel")


@pytest.mark.parametrize("sandbox", [{"level": "none"}, {"workers": 0}])
def test_what_cannot_be_is_refused(sandbox: dict[str, object]) -> None:
    with pytest.raises(InputError, match="cannot be"):
        Sandbox(**sandbox)  # type: ignore[arg-type]


def test_a_module_that_cannot_be_preloaded_is_named() -> None:
    with (
        Sandbox(preload=("no_such_module",)) as sandbox,
        pytest.raises(SandboxUnavailable, match="no_such_module"),
    ):
        sandbox.call(SQUARE, "f", [1])


def test_unsafe_needs_code_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPTO_ALLOW_UNSAFE", raising=False)
    with pytest.raises(SandboxUnavailable, match="OPTO_ALLOW_UNSAFE=1"):
        Sandbox(level="unsafe")

    monkeypatch.setenv("OPTO_ALLOW_UNSAFE", "1")
    with Sandbox(level="unsafe") as sandbox:
        assert sandbox.level == "unsafe"
        assert sandbox.call(SQUARE, "f", [3]) == 9
        with pytest.raises(TimeLimitError):
            sandbox.call("while True: pass", "f", limits=Limits(wall_s=0.1))
    with Sandbox() as sandbox:
        assert sandbox.level != "unsafe"


_DENY = """
import ctypes, struct, sys
numbers = {"x86_64": {"landlock": [444], "seccomp": [317], "unshare": [272]},
           "aarch64": {"landlock": [444], "seccomp": [277], "unshare": [97]}}[sys.argv[1]]
steps = [(0x20, 0, 0, 0)]
for number in (n for name in sys.argv[2].split(',') for n in numbers[name]):
    steps += [(0x15, 0, 1, number), (0x06, 0, 0, 0x50026)]
steps.append((0x06, 0, 0, 0x7fff0000))
program = b"".join(struct.pack("=HBBI", *step) for step in steps)
buffer = ctypes.create_string_buffer(program, len(program))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, struct.pack("@HP", len(steps), ctypes.addressof(buffer)), 0, 0) == 0
from opto.sandbox import Sandbox, SandboxUnavailable
try:
    print(Sandbox(level=sys.argv[3]).level)
except SandboxUnavailable as missing:
    print('refused:', missing)
"""


@pytest.mark.parametrize(
    ("denied", "wanted", "words"),
    [
        ("unshare", "auto", "kernel\n"),
        ("unshare", "strong", "unshare"),
        ("landlock", "auto", "Landlock is missing"),
        ("seccomp", "auto", "seccomp is missing"),
        ("unshare,landlock", "kernel", "Landlock is missing"),
    ],
)
def test_a_missing_layer_lowers_the_level_or_refuses(denied: str, wanted: str, words: str) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _DENY, os.uname().machine, denied, wanted],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert words in done.stdout
    assert ("refused" in done.stdout) == (words != "kernel\n")
    if words == "kernel\n":
        assert "level kernel, because strong: " in done.stderr


def test_importing_starts_nothing_and_loads_nothing_heavy() -> None:
    code = """
import sys
def hook(event, arguments):
    if event.startswith('socket.') or event in {'subprocess.Popen', 'os.fork', 'os.mkdir'}:
        print(event)
sys.dont_write_bytecode = True
sys.addaudithook(hook)
from opto.sandbox import Sandbox, Limits, Stub
Sandbox(preload=('numpy',))
print(sorted({'numpy', 'highspy', 'asyncio', 'dataclasses', 'pydantic'} & set(sys.modules)))
"""
    assert _python(code).stdout == "[]\n"
