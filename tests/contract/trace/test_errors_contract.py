"""Exceptions in bundled functions are nodes that feedback can reach."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from opto.trace import ExecutionError, bundle, node
from opto.trace.nodes import ExceptionNode
from opto.trace.utils import contain


class OwnError(Exception):
    """An exception of the user's."""


def failing(fault: BaseException | type[BaseException], **options: Any) -> Any:
    @bundle(**options)
    def fail(x: Any, y: Any) -> Any:
        """Fails."""
        raise fault

    return fail


def caught(function: Any, *arguments: Any) -> ExecutionError:
    with pytest.raises(ExecutionError) as found:
        function(*arguments)
    return found.value


def test_an_exception_becomes_a_node_whose_parents_are_the_inputs() -> None:
    x, y = node(1), node(2)

    made = caught(failing(ValueError("no good")), x, y).exception_node

    assert isinstance(made, ExceptionNode)
    assert made.data == "(ValueError) no good"
    assert made.name.startswith("exception_fail:") or "fail" in made.name
    assert contain(made.parents, x)
    assert contain(made.parents, y)


def test_exceptions_of_the_program_are_told_with_their_module() -> None:
    made = caught(failing(OwnError("mine")), 1, 2).exception_node

    assert made.data == f"({__name__}.OwnError) mine"


def test_the_text_of_the_error_is_the_traceback_of_the_users_frames() -> None:
    told = str(caught(failing(ValueError("no good")), 1, 2))

    assert told.startswith("\n\nTraceback (most recent call last):")
    assert "raise fault" in told
    assert told.endswith("(ValueError) no good")
    assert "calling.py" not in told


def test_simple_feedback_is_the_message_and_full_feedback_marks_the_line() -> None:
    def divided(x: int) -> float:
        return x / 0

    @bundle()
    def outer(x: int) -> float:
        half = x
        return divided(half)

    made = caught(outer, 3).exception_node

    assert made.create_feedback() == made.create_feedback("simple") == made.data
    marked = [line for line in made.create_feedback("full").splitlines() if "<---" in line]
    assert [line.split("<---")[0].strip() for line in marked] == [
        "return divided(half)", "return x / 0",
    ]  # fmt: skip
    assert all("(ZeroDivisionError) division by zero" in line for line in marked)


def test_feedback_on_an_exception_reaches_the_parameters() -> None:
    p = node(0, trainable=True)

    with pytest.raises(ExecutionError) as found:
        1 / p
    found.value.exception_node.backward("do not divide by zero")

    assert [said.user_feedback for [said] in p.feedback.values()] == ["do not divide by zero"]


def test_exceptions_may_be_let_through() -> None:
    with pytest.raises(OwnError):
        failing(OwnError("mine"), catch_execution_error=False)(1, 2)


def test_exceptions_of_asynchronous_functions_are_caught_too() -> None:
    @bundle()
    async def later(x: int) -> int:
        await asyncio.sleep(0)
        raise OwnError("late")

    x = node(1)
    with pytest.raises(ExecutionError) as found:
        asyncio.run(later(x))  # type: ignore[arg-type]

    assert contain(found.value.exception_node.parents, x)
    assert found.value.exception_node.data.endswith("OwnError) late")


def test_a_mistake_of_the_interrupt_kind_is_not_caught() -> None:
    with pytest.raises(KeyboardInterrupt):
        failing(KeyboardInterrupt)(1, 2)


def test_an_exception_of_a_function_called_inside_keeps_its_message() -> None:
    inner = failing(ValueError("deep"))
    p = node(1, trainable=True)
    outer = bundle()(lambda x: inner(x, 1))

    made = caught(outer, p).exception_node

    assert made.data == "(ValueError) deep"
    assert contain(made.parents, p)


def test_broken_code_of_a_parameter_is_an_exception_of_that_parameter() -> None:
    @bundle(trainable=True)
    def plus(x: int) -> int:
        return x + 1

    plus.parameter._data = "def plus(x):\n    return x +\n"  # type: ignore[union-attr]
    made = caught(plus, 1).exception_node

    assert "SyntaxError" in made.data
    assert list(made.inputs) == ["code"]
    assert made.inputs["code"] is plus.parameter
    assert made.name.startswith("exception___code")


def test_an_exception_in_trainable_code_has_the_code_among_its_parents() -> None:
    @bundle(trainable=True)
    def quotient(x: int) -> float:
        return x / 0

    made = caught(quotient, 1).exception_node

    assert made.inputs["__code"] is quotient.parameter
    assert list(made.inputs) == ["x", "__code"]
