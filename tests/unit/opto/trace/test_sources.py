"""Finding and describing source: signatures, docstrings, closures, functions without text."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from opto.trace import bundle, node
from opto.trace.errors import SourceError


def constraint(function: Any) -> str:
    return str(function.parameter.description).partition("\n")[2]


def test_a_signature_of_several_lines_without_a_docstring_is_the_constraint() -> None:
    # fmt: off
    @bundle(trainable=True)
    def long(
        first: int,
        second: int = 2,
    ) -> int:
        return first + second
    # fmt: on

    assert constraint(long) == ("def long(\n    first: int,\n    second: int = 2,\n) -> int:")
    assert long(1) == 3


def test_only_the_docstring_belongs_to_the_constraint() -> None:
    @bundle(trainable=True)
    def told(x: int) -> str:
        """First."""
        return f"{x}" + """second"""

    assert constraint(told) == 'def told(x: int) -> str:\n    """First."""'


def test_a_docstring_in_single_quotes_is_one() -> None:
    # fmt: off
    @bundle(trainable=True)
    def told(x: int) -> int:
        '''Once
        twice.'''
        return x
    # fmt: on

    assert constraint(told) == "def told(x: int) -> int:\n    '''Once\n    twice.'''"


def test_a_function_on_one_line_has_its_signature_as_constraint() -> None:
    # fmt: off
    @bundle(trainable=True)
    def short(x: int, y: str = "a:b") -> int: return x
    # fmt: on

    assert constraint(short) == 'def short(x: int, y: str = "a:b") -> int:'


def test_a_docstring_of_the_signature_line_with_comments_and_defaults() -> None:
    # fmt: off
    @bundle(trainable=True)
    def odd(
        x: str = "):",  # a comment: with a colon
    ):  # the end: here
        # before the body
        return x
    # fmt: on

    head = constraint(odd)
    assert head.startswith("def odd(\n")
    assert "return" not in head
    assert "):" in head


def test_closure_variables_bound_after_the_decorator_are_found() -> None:
    @bundle(trainable=True, trust=True)
    def scaled(x: int) -> int:
        return x * factor + 0

    factor = 3
    scaled.parameter._data = scaled.parameter.data.replace("+ 0", "+ later")  # type: ignore[union-attr]
    later = 100  # noqa: F841  (the rewrite names it)

    assert scaled(2) == 106


@pytest.mark.parametrize("function", [len, sorted, max, int, str.upper], ids=lambda f: f.__name__)
def test_builtins_can_be_bundled_but_not_trained(function: Any) -> None:
    given = "34" if function in {int, str.upper} else [3, 4]

    assert bundle()(function)(node(given)).data == function(given)
    with pytest.raises(SourceError, match="cannot be trainable"):
        bundle(trainable=True)(function)


def test_functions_without_text_work_untrainable_and_say_why_they_cannot_be_trained() -> None:
    made: dict[str, Any] = {}
    exec("def plus(x, by=1):\n    return x + by", made)  # noqa: S102

    out = bundle()(made["plus"])(node(2))

    assert out == 3
    assert list(out.inputs) == ["x", "by"]
    assert out.info["source"] is None
    with pytest.raises(SourceError, match="no file holds its text") as caught:
        bundle(trainable=True)(made["plus"])
    assert caught.value.fix


def test_lambdas_cannot_be_trained() -> None:
    with pytest.raises(SourceError, match="lambda"):
        bundle(trainable=True)(lambda x: x)


def test_bundle_works_in_python_c() -> None:
    program = (
        "from opto.trace import bundle, node\n"
        "@bundle()\n"
        "def f(x):\n    return x + 1\n"
        "print(f(node(1)).data)\n"
        "try: f.fun('a')\n"
        "except TypeError: pass\n"
        "try: f('a')\n"
        "except Exception as fault: print(type(fault).__name__)\n"
        "try: bundle(trainable=True)(f)\n"
        "except OSError as fault: print(type(fault).__name__)\n"
    )

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    assert done.stdout.split() == ["2", "ExecutionError", "SourceError"]


def test_unchanged_code_is_the_function_that_python_compiled() -> None:
    seen: list[Any] = []

    @bundle(trainable=True)
    def look() -> None:
        seen.append(sys._getframe().f_code)

    look()

    assert seen == [look.fun.__code__]


def test_changes_to_arguments_do_not_leave_the_sandbox() -> None:
    @bundle(trainable=True)
    def grow(xs: list[int]) -> list[int]:
        xs.append(2)
        return xs

    xs = [1]
    grow(xs)
    assert xs == [1, 2]
    grow.parameter._data = grow.parameter.data.replace("append(2)", "append(3)")  # type: ignore[union-attr]

    out = grow(xs)

    assert out.data == [1, 2, 3]
    assert xs == [1, 2]
