"""Every exception of a bundled function is told well, and nothing stays installed."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from opto.trace import ExecutionError, bundle, node


def test_an_exception_without_arguments_is_an_execution_error_with_its_cause() -> None:
    @bundle()
    def fail(x: int) -> int:
        raise ValueError

    with pytest.raises(ExecutionError) as caught:
        fail(node(1))

    assert caught.value.exception_node.data == "(ValueError)"
    assert type(caught.value.__cause__) is ValueError


def test_a_bare_assertion_is_an_execution_error() -> None:
    @bundle()
    def fail(x: int) -> int:
        assert x > 3
        return x

    with pytest.raises(ExecutionError) as caught:
        fail(node(1))

    assert caught.value.exception_node.data.startswith("(AssertionError)")
    assert type(caught.value.__cause__) is AssertionError
    assert "<---" in caught.value.exception_node.create_feedback("full")


def test_an_exception_whose_text_raises_is_still_told() -> None:
    class Odd(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError

    @bundle()
    def fail() -> int:
        raise Odd

    with pytest.raises(ExecutionError) as caught:
        fail()

    assert "Odd" in caught.value.exception_node.data


def test_letting_exceptions_through_leaves_nothing_installed() -> None:
    trace, thread_trace = sys.gettrace(), threading.gettrace()

    @bundle(overwrite_python_recursion=True, catch_execution_error=False)
    def fall(n: int) -> int:
        return 1 // n if n == 0 else fall(n - 1)

    with pytest.raises(ZeroDivisionError):
        fall(3)

    assert sys.gettrace() is trace
    assert threading.gettrace() is thread_trace
    kinds: list[Any] = []
    again = bundle(overwrite_python_recursion=True)(kinds.append)
    again(1)
    again(2)
    assert kinds == [1, 2]
    with pytest.raises(ZeroDivisionError):
        fall(1)


def test_operators_keep_the_cause_too() -> None:
    with pytest.raises(ExecutionError) as caught:
        node(1) + "a"

    assert type(caught.value.__cause__) is TypeError


def test_the_line_that_called_the_failing_operation_is_marked_too() -> None:
    zero = node(0)

    @bundle()
    def inner(x: int) -> Any:
        return x / zero

    @bundle()
    def outer(x: int) -> Any:
        return inner(x + 1)

    with pytest.raises(ExecutionError) as caught:
        outer(1)

    told = caught.value.exception_node.create_feedback("full")
    marked = [line.partition("<---")[0].strip() for line in told.splitlines() if "<---" in line]
    assert marked == ["return inner(x + 1)", "return x / zero"]
    assert str(caught.value).count("ZeroDivisionError") == 1
