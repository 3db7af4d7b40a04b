"""What may be recorded, and what is refused with the path of the fault."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import pytest

from traces.errors import EventError
from traces.events import MAX_DEPTH, clean, clean_name, clean_text, dumps


class Color(StrEnum):
    RED = "red"


def test_tuples_and_text_enums_become_plain_json() -> None:
    cleaned = clean({"a": (1, 2.5, None, True), "b": Color.RED})

    assert cleaned == {"a": [1, 2.5, None, True], "b": "red"}
    assert type(cleaned["b"]) is str
    assert dumps(cleaned) == '{"a":[1,2.5,null,true],"b":"red"}'


def test_what_is_recorded_is_a_copy() -> None:
    rows = [1]
    cleaned = clean({"rows": rows})
    rows.append(2)

    assert cleaned == {"rows": [1]}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_lacks_are_refused_by_path(number: float) -> None:
    with pytest.raises(EventError) as refused:
        clean({"scores": [1.0, number]}, where="step")

    assert refused.value.where == "step.scores[1]"
    assert refused.value.fix


@pytest.mark.parametrize("thing", [b"bytes", {1, 2}, object(), Decimal(1), Fraction(1, 2), 1j])
def test_other_types_are_refused_by_name(thing: object) -> None:
    with pytest.raises(EventError, match=type(thing).__name__):
        clean({"x": thing})


def test_keys_must_be_text() -> None:
    with pytest.raises(EventError, match="key 1"):
        clean({1: "one"})


def test_two_keys_that_become_one_are_refused() -> None:
    with pytest.raises(EventError, match="twice"):
        clean(dict.fromkeys(["\ud800", "\udc00"]))


def test_a_loop_and_a_deep_nest_are_refused_without_recursion_errors() -> None:
    loop: list[object] = []
    loop.append(loop)
    nest: object = 1
    for _ in range(MAX_DEPTH + 1):
        nest = [nest]

    for value in (loop, nest):
        with pytest.raises(EventError, match="deeper"):
            clean(value)


def test_an_integer_too_long_to_print_is_refused() -> None:
    assert clean(2**9_999) == 2**9_999
    with pytest.raises(EventError, match="too long"):
        clean(10**5_000)


def test_lone_surrogates_are_replaced_and_pairs_joined() -> None:
    assert clean_text("a\ud800b\udc00") == "a\ufffdb\ufffd"
    assert clean_text("\ud83d\ude00 ü") == "😀 ü"


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[31m", "x" * 201, "\ud800", None])
def test_names_are_short_and_printable(name: str) -> None:
    with pytest.raises(EventError) as refused:
        clean_name(name, what="run")
    assert refused.value.where == "run"
