"""Time, memory, output, results and files are capped, and forged answers are errors."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest

from benchmarks.sandbox_attacks import Meter, Stage
from opto.sandbox import (
    BadResultError,
    DiedError,
    Limits,
    MemoryLimitError,
    OutputLimitError,
    Sandbox,
    SandboxedError,
    TimeLimitError,
)

SHORT = Limits(wall_s=3)


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
