"""A call with wrong arguments, and an operator that fails, say what and where in the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opto.trace import ExecutionError, bundle, model, node
from opto.trace.errors import ArgumentError, TraceError
from opto.trace.render import render
from opto.trace.utils import sum_feedback


@bundle()
def share(total: float, people: int = 2) -> float:
    return total / people


@model
class Agent:
    @bundle(trainable=True)
    def act(self, task: str) -> str:
        """Acts."""
        return task.upper()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: node(1, trainabel=True), "Did you mean 'trainable'?"),  # type: ignore[call-overload]
        (lambda: node(1, constraint="odd"), "Did you mean 'description'?"),  # type: ignore[call-overload]
        (lambda: bundle(trainabel=True), "Did you mean 'trainable'?"),  # type: ignore[arg-type]
        (lambda: bundle(timeout=1), "Did you mean 'timeout_s'?"),  # type: ignore[arg-type]
    ],
)
def test_an_unknown_option_is_a_type_error_that_names_a_near_miss(
    wrong: Callable[[], object], said: str
) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument") as caught:
        wrong()

    assert isinstance(caught.value, TraceError)
    assert said in str(caught.value)
    assert "test_wrong_calls.py" in str(caught.value)


def test_an_option_that_is_near_to_nothing_lists_what_there_is() -> None:
    with pytest.raises(TypeError) as caught:
        node(1, qqq=1)  # type: ignore[call-overload]

    assert "Did you mean" not in str(caught.value)
    assert "Known: data, name, trainable, description." in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: share(people=1), "share(): missing a required argument: 'total'."),  # type: ignore[call-overload]
        (lambda: share(1, 2, 3), "share(): too many positional arguments."),  # type: ignore[call-overload]
        (lambda: share(1, peple=3), "share(): got an unexpected keyword argument 'peple'."),  # type: ignore[call-overload]
        (lambda: Agent().act(), "Agent.act(): missing a required argument: 'task'."),  # type: ignore[call-overload]
    ],
)
def test_a_wrong_call_names_the_function_and_the_line(
    wrong: Callable[[], object], said: str
) -> None:
    with pytest.raises(TypeError) as caught:
        wrong()

    told = str(caught.value)
    assert told.startswith(said)
    assert "test_wrong_calls.py" in told
    assert f"line {wrong.__code__.co_firstlineno}, in <lambda>" in told
    assert "It is defined as" in told


def test_a_wrong_keyword_of_a_function_names_a_near_miss() -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'people'"):
        share(1, peple=3)  # type: ignore[call-overload]


def test_a_wrong_call_inside_another_function_is_told_as_a_type_error_without_places() -> None:
    @bundle()
    def outer(x: float) -> Any:
        return share(x, 1, 2)  # type: ignore[call-overload]

    with pytest.raises(ExecutionError) as caught:
        outer(1)

    assert caught.value.exception_node.data == "(TypeError) share(): too many positional arguments."


def test_an_operator_that_fails_says_which_line_of_the_program_used_it() -> None:
    left, right = node("a"), node(1)

    with pytest.raises(ExecutionError) as caught:
        left + right

    told = str(caught.value).splitlines()
    assert told[-2].strip() == "left + right"
    assert "test_wrong_calls.py" in told[-3]
    assert told[-1].startswith("(TypeError)")
    assert "value_operators.py" not in str(caught.value)


def test_an_operator_that_fails_inside_a_function_says_its_line_once() -> None:
    @bundle()
    def outer(x: Any) -> Any:
        return node("a") + x

    with pytest.raises(ExecutionError) as caught:
        outer(1)

    assert str(caught.value).count('return node("a") + x') == 1


def test_a_prompt_names_the_class_of_a_model_as_the_program_does() -> None:
    agent = Agent()
    agent.act("go").backward("Too short.")

    seen = render(sum_feedback(agent.parameters()), budget_tokens=1000)

    assert "Agent" in str(seen)
    assert "AgentModel" not in str(seen)
