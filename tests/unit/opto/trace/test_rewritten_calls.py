"""What goes into the sandbox with a call of rewritten code, and what is heard of it outside."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from opto.trace import ExecutionError, bundle, model, node
from opto.trace.errors import UntrustedCode

SCALE = np.array([1.0, 2.0])


@dataclass
class Shape:
    width: int = 1


def shape_of(x: int) -> Shape:
    return Shape(x)


def rewritten(body: str) -> Any:
    """A function of x and y whose rewrite has this body."""

    @bundle(trainable=True)
    def work(x: Any, y: Any = 1) -> Any:
        return x, y, SCALE, shape_of

    assert work.parameter is not None
    work.parameter._data = f"def work(x: Any, y: Any = 1) -> Any:\n    {body}"
    return work


def test_what_rewritten_code_prints_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    work = rewritten("print('inside', y)\n    return x")

    assert work(node(3)).data == 3
    assert capsys.readouterr().out == "inside 1\n"


def test_what_failing_code_printed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExecutionError, match="ZeroDivisionError"):
        rewritten("print('so far')\n    return x / 0")(3)

    assert capsys.readouterr().out == "so far\n"


def test_what_is_printed_is_bounded_and_steers_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rewritten("print('\\x1b[31m' + 'x' * 50_000)")(3)

    printed = capsys.readouterr().out
    assert printed.startswith("\\x1b[31mxxx")
    assert len(printed) < 11_000
    assert "characters left out" in printed


def test_a_stream_that_knows_few_characters_takes_what_is_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(kept, encoding="ascii"))

    rewritten("print('caf\\xe9')")(3)

    sys.stdout.flush()
    assert kept.getvalue() == b"caf\\xe9\n"


def test_arrays_go_in_and_come_out() -> None:
    out = rewritten("return x * SCALE + y")(node(np.arange(2)), np.float64(0.5))

    assert out.data.tolist() == [0.5, 2.5]
    assert type(out.data) is np.ndarray


def test_dates_go_in_and_come_out() -> None:
    assert rewritten("return x + y")(date(2020, 2, 28), timedelta(2)).data == date(2020, 3, 1)


def test_an_object_has_its_arrays() -> None:
    @model
    class Scaled:
        def __init__(self) -> None:
            self.weights = np.array([2.0, 3.0])

        @bundle(trainable=True)
        def act(self, x: int) -> Any:
            return x

    scaled = Scaled()
    scaled.act.parameter._data = "def act(self, x: int) -> Any:\n    return self.weights * x"  # type: ignore[union-attr]

    assert scaled.act(2).data.tolist() == [4.0, 6.0]


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((Shape(),), {}, "argument x of the rewritten work cannot go to the sandbox: Shape is not"),
        (([1, {"k": Shape()}],), {}, r"argument x of .*: \[1\]\['k'\]: Shape is not plain data"),
        ((1,), {"y": np.array([None])}, "argument y of .*: an array of object"),
    ],
)
def test_an_argument_that_cannot_go_is_named_with_its_type_and_the_ways_out(
    args: tuple[Any, ...], kwargs: dict[str, Any], said: str
) -> None:
    with pytest.raises(UntrustedCode, match=said) as caught:
        rewritten("return x")(*args, **kwargs)

    assert "bundle(trust=True)" in str(caught.value)


def test_a_function_of_the_program_that_gives_no_plain_data_is_named_in_one_line() -> None:
    with pytest.raises(ExecutionError) as caught:
        rewritten("return shape_of(x).width")(3)

    told = caught.value.exception_node.data
    assert told.startswith("(TypeError) shape_of() gave what cannot go to the sandbox: Shape is")
    assert "bundle(trust=True)" in told
    assert len(told) < 200
