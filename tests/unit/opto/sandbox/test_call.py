"""`Sandbox.call`: results, errors that explain, tools, stubs, limits."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from opto.errors import InputError
from opto.sandbox import (
    BadResultError,
    CodeSyntaxError,
    DiedError,
    Limits,
    MemoryLimitError,
    NotPlainError,
    OutputLimitError,
    Sandbox,
    SandboxedError,
    Stub,
    TimeLimitError,
)


def test_a_function_gets_its_arguments_and_gives_its_result(sandbox: Sandbox) -> None:
    source = "def f(a, b=0, *, c):\n    return (a, b, c, base)"

    result = sandbox.call(source, "f", [{1: b"x"}], {"c": {2.5}}, names={"base": (1,)})

    assert result == ({1: b"x"}, 0, {2.5}, (1,))


def test_the_source_is_a_module_of_its_own(sandbox: Sandbox) -> None:
    source = """
from dataclasses import dataclass
if __name__ == '__main__':
    raise SystemExit
@dataclass
class Point:
    x: 'int'
def f():
    return Point(3).x, __name__
"""
    assert sandbox.call(source, "f") == (3, "model_code")


def test_nothing_of_a_run_is_there_in_the_next(sandbox: Sandbox) -> None:
    leave = (
        "import sys, os, json\ndef f():\n    sys.left = json.left = 1\n    os.environ['L'] = '1'"
    )
    look = (
        "import sys, os, json\n"
        "def f():\n    return hasattr(sys, 'left'), hasattr(json, 'left'), 'L' in os.environ"
    )
    sandbox.call(leave, "f")

    assert sandbox.call(look, "f") == (False, False, False)


def test_an_exception_tells_its_type_message_lines_and_output(sandbox: Sandbox) -> None:
    source = "def g(x):\n    return 1 / x\n\ndef f():\n    print('before')\n    return g(0)\n"

    with pytest.raises(SandboxedError) as raised:
        sandbox.call(source, "f")

    error = raised.value
    assert (error.type_name, error.message) == ("ZeroDivisionError", "division by zero")
    assert error.lines == [(6, "f", "return g(0)"), (2, "g", "return 1 / x")]
    assert error.stdout == "before\n"
    assert "line 2, in g: return 1 / x" in str(error)


def test_an_error_of_a_library_points_at_the_line_that_called_it(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxedError) as raised:
        sandbox.call("import json\ndef f():\n    return json.loads('{')", "f")

    assert raised.value.lines == [(3, "f", "return json.loads('{')")]


def test_code_that_is_not_python_is_a_syntax_error_with_its_line(sandbox: Sandbox) -> None:
    with pytest.raises(CodeSyntaxError) as raised:
        sandbox.call("x = 1\ndef f(:\n    pass", "f")

    assert raised.value.lines == [(2, "<module>", "def f(:")]


def test_an_exception_that_cannot_be_printed_is_still_told(sandbox: Sandbox) -> None:
    source = (
        "class E(Exception):\n    def __str__(self):\n        raise self\ndef f():\n    raise E"
    )

    with pytest.raises(SandboxedError) as raised:
        sandbox.call(source, "f")

    assert (raised.value.type_name, raised.value.message) == ("E", "")


def test_escape_sequences_do_not_reach_the_message(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxedError) as raised:
        sandbox.call("def f():\n    raise ValueError('\\x1b[2J')", "f")

    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("body", ["f = 3", "pass", "def g(): pass"])
def test_a_missing_function_is_named(sandbox: Sandbox, body: str) -> None:
    with pytest.raises(SandboxedError, match="the code defines no function 'f'"):
        sandbox.call(body, "f")


@pytest.mark.parametrize("ending", ["raise SystemExit(0)", "raise KeyboardInterrupt", "exit()"])
def test_every_way_to_leave_is_an_error(sandbox: Sandbox, ending: str) -> None:
    with pytest.raises(SandboxedError):
        sandbox.call(f"def f():\n    {ending}", "f")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os._exit(0)", "before it gave a result"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.kill(os.getpid(), 6)", "SIGABRT"),
        ("import os; os.closerange(0, 64)\n    while True: pass", "closed its own pipes"),
    ],
)
def test_a_run_that_dies_fails_and_the_next_one_works(
    sandbox: Sandbox, code: str, words: str
) -> None:
    with pytest.raises(DiedError, match=words):
        sandbox.call(f"def f():\n    {code}", "f")

    begun = time.monotonic()
    assert sandbox.call("def f(): return 1", "f") == 1
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    "value",
    ["object()", "lambda: 1", "[{1: {2: print}}]", "2**300", "(i for i in [])", "chr(0xd800)"],
)
def test_a_result_that_is_not_plain_is_refused(sandbox: Sandbox, value: str) -> None:
    with pytest.raises(BadResultError, match="result"):
        sandbox.call(f"def f(): return {value}", "f")


def test_a_result_that_is_too_large_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(BadResultError, match="larger than 1,000 bytes"):
        sandbox.call("def f(): return 'x' * 2000", "f", limits=Limits(result_bytes=1000))


def test_a_failure_is_told_under_the_tightest_limits(sandbox: Sandbox) -> None:
    source = "def f(): raise ValueError('x' * 2000)"

    with pytest.raises(SandboxedError, match="xxxx") as raised:
        sandbox.call(source, "f", limits=Limits(result_bytes=1))

    assert raised.value.type_name == "ValueError"
    with pytest.raises(MemoryLimitError):
        sandbox.call("def f(x): return x * 1000", "f", ["x" * 10**6], limits=Limits(memory_mb=1))
    assert (
        sandbox.call("def f(): return 1", "f", limits=Limits(wall_s=1e300, memory_mb=10**30)) == 1
    )


def test_an_interrupted_host_can_go_on(sandbox: Sandbox) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            sandbox.call("def f():\n    while True: pass", "f")
    finally:
        signal.signal(signal.SIGALRM, before)

    assert sandbox.call("def f(): return 1", "f") == 1


@pytest.mark.parametrize(
    "loop",
    [
        "while True: pass",
        "sum(range(10**12))",
        "import time; time.sleep(10**6)",
        "import re; re.match(r'(a|aa)+$', 'a' * 64 + 'b')",
    ],
)
def test_the_time_limit_holds_and_says_where_the_code_was(sandbox: Sandbox, loop: str) -> None:
    begun = time.monotonic()

    with pytest.raises(TimeLimitError) as raised:
        sandbox.call(f"def f():\n    print('begun')\n    {loop}", "f", limits=Limits(wall_s=0.3))

    assert time.monotonic() - begun < 0.3 + 0.5
    assert raised.value.lines[-1][:2] == (3, "f")
    assert raised.value.stdout == "begun\n"


def test_the_time_limit_holds_when_the_question_is_not_heard(sandbox: Sandbox) -> None:
    source = """
import signal
def f():
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        pass
"""
    begun = time.monotonic()

    with pytest.raises(TimeLimitError) as raised:
        sandbox.call(source, "f", limits=Limits(wall_s=0.2))

    assert time.monotonic() - begun < 0.2 + 0.5
    assert raised.value.lines == []


def test_the_memory_limit_holds(sandbox: Sandbox) -> None:
    source = "def f():\n    x = []\n    while True:\n        x.append(bytearray(10**7))"

    with pytest.raises(MemoryLimitError) as raised:
        sandbox.call(source, "f", limits=Limits(memory_mb=256))

    assert raised.value.lines[-1][:2] == (4, "f")


def test_the_output_limit_holds_and_keeps_the_beginning(sandbox: Sandbox) -> None:
    source = "def f():\n    while True:\n        print('x' * 99)"

    with pytest.raises(OutputLimitError) as raised:
        sandbox.call(source, "f", limits=Limits(output_bytes=1000))

    assert raised.value.stdout == ("x" * 99 + "\n") * 10


def test_native_output_is_kept_too(sandbox: Sandbox) -> None:
    source = "import ctypes\nctypes.CDLL(None).puts(b'from C')\nprint('from Python')"

    assert set(sandbox.run(source).stdout.split("\n")) == {"from C", "from Python", ""}


def test_a_tool_runs_outside_while_the_code_runs(sandbox: Sandbox) -> None:
    heard: list[tuple[Any, ...]] = []

    def ask(*args: Any, **kwargs: Any) -> Any:
        heard.append((args, kwargs))
        return len(heard), {b"k": None}

    source = "def f():\n    return [ask(i, k=(i,)) for i in range(3)]"

    assert sandbox.call(source, "f", tools={"ask": ask}) == [(n, {b"k": None}) for n in (1, 2, 3)]
    assert heard == [((n,), {"k": (n,)}) for n in range(3)]


class OwnError(Exception):
    """A type that the code inside cannot know."""


@pytest.mark.parametrize(
    ("raised", "caught"),
    [(LookupError("no such city"), "LookupError"), (OwnError("no such city"), "RuntimeError")],
)
def test_a_builtin_exception_of_a_tool_keeps_its_type_inside(
    sandbox: Sandbox, raised: Exception, caught: str
) -> None:
    def ask() -> None:
        raise raised

    source = f"def f():\n    try:\n        ask()\n    except {caught} as e:\n        return str(e)"

    assert sandbox.call(source, "f", tools={"ask": ask}) == "no such city"


def test_what_a_tool_gets_and_gives_must_be_plain(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxedError, match=r"ask\(\): args\[0\]\[1\]: object is not plain"):
        sandbox.call("def f(): ask([1, object()])", "f", tools={"ask": print})
    with pytest.raises(NotPlainError, match="result of the tool 'ask'"):
        sandbox.call("def f(): ask()", "f", tools={"ask": object})

    assert sandbox.call("def f(): return 1", "f") == 1


def test_a_tool_may_use_the_sandbox_itself(sandbox: Sandbox) -> None:
    def outer(n: int) -> Any:
        if n == 0:
            return 0
        return sandbox.call("def f(n): return 1 + outer(n - 1)", "f", [n], tools={"outer": outer})

    assert outer(3) == 3


def test_a_run_whose_tool_takes_too_long_ends_with_the_tool(sandbox: Sandbox) -> None:
    def slow() -> None:
        time.sleep(0.4)

    with pytest.raises(TimeLimitError):
        sandbox.call("def f(): slow()", "f", tools={"slow": slow}, limits=Limits(wall_s=0.2))


def test_threads_inside_may_call_tools(sandbox: Sandbox) -> None:
    source = """
from concurrent.futures import ThreadPoolExecutor
def f():
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(double, range(20)))
"""
    assert sandbox.call(source, "f", tools={"double": lambda x: x * 2}) == [*range(0, 40, 2)]


def test_a_stub_shows_attributes_and_calls_tools(sandbox: Sandbox) -> None:
    log: list[Any] = []
    me = Stub({"rate": 0.5}, {"note": log.append})
    source = "def f(self, x):\n    self.note(x)\n    return self.rate * x"

    assert sandbox.call(source, "f", [me, 4]) == 2.0
    assert log == [4]


@pytest.mark.parametrize("change", ["self.rate = 1", "self.new = 1", "del self.rate"])
def test_a_stub_refuses_changes_that_would_be_lost(sandbox: Sandbox, change: str) -> None:
    with pytest.raises(SandboxedError, match="changes to it would be lost") as raised:
        sandbox.call(f"def f(self): {change}", "f", [Stub({"rate": 0.5})])

    assert raised.value.type_name == "AttributeError"


def test_a_bad_argument_is_named_before_anything_runs(sandbox: Sandbox) -> None:
    with pytest.raises(NotPlainError, match=r"args\[1\]\.x: object"):
        sandbox.call("def f(): pass", "f", [1, Stub({"x": object()})])
    with pytest.raises(NotPlainError, match=r"kwargs\['k'\]\[0\]: object"):
        sandbox.call("def f(): pass", "f", [], {"k": [object()]})
    with pytest.raises(InputError, match="'not a name' is not a name"):
        sandbox.call("def f(): pass", "f", names={"not a name": 1})
    with pytest.raises(InputError, match="'class' is not a name"):
        Stub({"class": 1})


def test_what_a_function_prints_is_told_if_anybody_asks(sandbox: Sandbox) -> None:
    told: list[str] = []

    sandbox.call("def f(): print('hello')", "f", printed=told.append)
    sandbox.call("def f(): pass", "f", printed=told.append)

    assert told == ["hello\n"]


def test_a_script_gives_output_result_and_files() -> None:
    source = """
import os, sys
print('hello')
os.makedirs('deep/er')
open('deep/er/file.bin', 'wb').write(b'\\0\\1')
open('$tuple', 'w').close()
result = {'objective': 3}
sys.exit(0)
"""
    with Sandbox() as strong:
        if strong.level != "strong":
            pytest.skip("this machine has no level strong, so there is no folder to write to")
        run = strong.run(source)
        left = strong.run("import os\nresult = os.listdir('.')")

    assert (run.stdout, run.result) == ("hello\n", {"objective": 3})
    assert run.artifacts == {"deep/er/file.bin": b"\0\1", "$tuple": b""}
    assert left.result == []


def test_limits_are_frozen_and_must_limit() -> None:
    limits = Limits(wall_s=3)

    assert limits == Limits(wall_s=3)
    assert repr(limits).startswith("Limits(wall_s=3, memory_mb=2048")
    with pytest.raises(AttributeError, match="frozen"):
        limits.wall_s = 4  # type: ignore[misc]
    for bad in (0, -1, float("inf"), float("nan")):
        with pytest.raises(InputError, match="not a positive number"):
            Limits(wall_s=bad)


def test_the_scratch_folder_cannot_change_its_size_per_run(sandbox: Sandbox) -> None:
    with pytest.raises(InputError, match="files_mb=1 differs"):
        sandbox.call("def f(): pass", "f", limits=Limits(files_mb=1))
