"""Functions whose source is a parameter (`bundle(trainable=True)`)."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from typing import Any

import pytest

from opto.trace import GRAPH, ExecutionError, ParameterNode, bundle, node
from opto.trace.bundle import FunModule
from opto.trace.containers import trainable_method
from opto.trace.errors import CodeRejected, NodeError, UntrustedCode
from opto.trace.projections import DocstringProjection
from opto.trace.utils import contain

FACTOR = 10


def helper(x: int) -> int:
    return x * FACTOR


def scale() -> FunModule[..., Any]:
    @bundle(trainable=True, trust=True)
    def scaled(x: int, by: int = 2) -> int:
        """Scales x."""
        return x * by

    return scaled


def rewrite(function: Any, old: str, new: str) -> None:
    function.parameter._data = function.parameter.data.replace(old, new)


def test_the_source_from_def_on_is_a_parameter_with_its_head_as_constraint() -> None:
    GRAPH.clear()
    function = scale()

    code = function.parameter

    assert isinstance(code, ParameterNode)
    assert code.name == "__code:0"
    assert code.data.startswith("def scaled(x: int, by: int = 2) -> int:")
    assert code.data.endswith("return x * by")
    assert code.description == (
        'The code should start with:\ndef scaled(x: int, by: int = 2) -> int:\n    """Scales x."""'
    )


def test_a_call_is_named_eval_and_has_the_code_as_input() -> None:
    function = scale()

    out = function(3)

    assert out == 6
    assert out.name.startswith("eval:")
    assert list(out.inputs) == ["x", "by", "__code"]
    assert contain(out.parents, function.parameter)


def test_new_text_is_what_runs() -> None:
    function = scale()

    rewrite(function, "x * by", "x + by")

    assert function(3) == 5


def test_a_rewrite_uses_the_names_around_the_function() -> None:
    nearby = 100
    function = scale()

    rewrite(function, "x * by", "helper(x) + FACTOR")

    assert function(1) == 20
    assert nearby == 100


def test_recursion_uses_the_new_text() -> None:
    @bundle(trainable=True, trust=True, overwrite_python_recursion=True)
    def total(n: int) -> int:
        return 0 if n == 0 else n + total(n - 1)

    rewrite(total, "0 if n", "1000 if n")

    assert total(3) == 1006


def test_feedback_reaches_the_code() -> None:
    function = scale()

    function(3).backward("too small")

    [[said]] = function.parameter.feedback.values()
    assert said.user_feedback == "too small"


def test_parameters_copying_and_detaching() -> None:
    function = scale()
    code = function.parameter

    assert [found is code for found in function.parameters()] == [True]
    assert function.copy().parameter is code
    assert next(iter(function.parameters_dict().values())) is code
    twin = function.detach()
    rewrite(twin, "x * by", "0")
    assert (function(3), twin(3)) == (6, 0)
    assert copy.deepcopy(function).parameter is not code


def test_saving_and_loading_the_text(tmp_path: Path) -> None:
    function, other = scale(), scale()
    rewrite(function, "x * by", "x - by")

    function.save(tmp_path / "code.json")
    other.load(tmp_path / "code.json")

    assert other(3) == 1


def test_each_instance_trains_its_own_text() -> None:
    class Tool:
        @bundle(trainable=True, trust=True)
        def use(self, x: int) -> int:
            return x + 1

    one, two = Tool(), Tool()
    rewrite(one.use, "x + 1", "x + 100")

    assert (one.use(1), two.use(1), Tool().use(1)) == (101, 2, 2)
    assert one.use.parameter is one.use.parameter
    assert one.use.parameter is not two.use.parameter
    assert "_copy:" in one.use.parameter.name
    assert trainable_method(one.use)
    assert not trainable_method(helper)
    assert list(one.use(1).inputs) == ["self", "x", "__code"]


def test_changing_lists_outside_works_in_trainable_functions() -> None:
    log: list[int] = []

    @bundle(trainable=True)
    def note(x: int) -> None:
        log.append(x)

    note(1)

    assert log == [1]


@pytest.mark.parametrize(
    "text",
    [
        "def other(x, by=2): return 1",
        "def scaled(x): return 1",
        "async def scaled(x: int, by: int = 2) -> int: return 1",
        "import os\ndef scaled(x: int, by: int = 2) -> int: return 1",
        "print(1)\ndef scaled(x: int, by: int = 2) -> int: return 1",
        "no python at all",
    ],
)
def test_a_text_that_is_not_the_function_is_not_run(text: str) -> None:
    function = scale()
    function.parameter._data = text

    with pytest.raises(ExecutionError) as caught:
        function(1)

    assert contain(caught.value.exception_node.parents, function.parameter)
    with pytest.raises((CodeRejected, SyntaxError)):
        function.parameter.check(text)


def test_fences_and_our_decorator_are_taken_off() -> None:
    text = "@bundle(trainable=True)\ndef scaled(x: int, by: int = 2) -> int:\n    return 7"
    function = scale()
    function.parameter._data = f"```python\n{text}\n```"

    assert function(1) == 7


def test_without_trust_a_rewrite_runs_in_the_sandbox() -> None:
    @bundle(trainable=True)
    def where(x: int) -> list[int]:
        return [x]

    assert where(1) == [1]
    rewrite(where, "[x]", "[x, 2]")

    assert where(node(1)).data == [1, 2]


def test_projections_belong_to_the_parameter() -> None:
    keep = DocstringProjection("Adds one.")

    @bundle(trainable=True, projections=[keep])
    def plus(x: int) -> int:
        return x + 1

    assert plus.parameter is not None
    assert plus.parameter.projections == [keep]
    assert '"""Adds one."""' in keep.project(plus.parameter.data)


def test_what_no_rewrite_could_mend_is_told_to_the_program_not_to_the_optimizer() -> None:
    @bundle(trainable=True)
    def area(shape: object) -> str:
        return str(shape)

    rewrite(area, "str(shape)", "repr(shape)")

    with pytest.raises(UntrustedCode, match="trust=True"):
        area(object())


def test_a_bundle_without_parentheses_says_so() -> None:
    with pytest.raises(NodeError, match=r"Write @bundle\(\)"):

        @bundle  # type: ignore[arg-type]
        def plain(x: int) -> int:
            return x


def test_a_rewrite_that_does_not_end_is_stopped_in_the_time_said() -> None:
    @bundle(trainable=True, timeout_s=0.5)
    def wait(x: int) -> int:
        return x

    wait.parameter._data = "def wait(x: int) -> int:\n    while True:\n        pass"

    with pytest.raises(ExecutionError, match=r"(?i)time"):
        wait(1)


def test_an_asynchronous_rewrite_may_define_a_helper_first() -> None:
    @bundle(trainable=True)
    async def double(x: int) -> int:
        return x

    double.parameter._data = (
        "def twice(x):\n    return 2 * x\n\nasync def double(x: int) -> int:\n    return twice(x)"
    )

    assert asyncio.run(double(21)).data == 42
