"""Values cross the border with their exact type, and nothing else crosses."""

from __future__ import annotations

import json
import math
import time
from decimal import Decimal
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opto.sandbox import NotPlainError
from opto.sandbox.plain import CONTAINERS, DEPTH, clean, dumps, loads, pack, unpack

KEYS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**255), 2**255)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
VALUES = st.recursive(
    KEYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(KEYS, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "$a", "$tuple", ""]), inner, max_size=2)
    ),
    max_leaves=20,
)


def _shape(value: object) -> object:
    """The value with the type of every part spelled out; 1, 1.0 and True differ."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return kind, [(_shape(key), _shape(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return kind, [_shape(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return kind, sorted(repr(_shape(item)) for item in value)
    return kind, repr(value)


@given(VALUES)
def test_every_plain_value_comes_back_as_itself(value: object) -> None:
    assert _shape(unpack(loads(dumps(pack(value))))) == _shape(value)


def test_not_a_number_and_infinities_come_back() -> None:
    there = [math.inf, -math.inf, math.nan]

    back = unpack(loads(dumps(pack(there))))

    assert back[:2] == there[:2]
    assert math.isnan(back[2])


class Color(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "path", "kind"),
    [
        ({"x": [1, 2, 3, {Decimal}]}, "args[0]['x'][3][0]", "type"),
        ([Color.RED], "args[0][0]", "Color"),
        ({(1, 2): print}, "args[0][<tuple>]", "builtin_function_or_method"),
        ([2**256], "args[0][0]", "256 bits"),
        ("\ud800", "args[0]", "surrogate"),
        (bytearray(b"x"), "args[0]", "bytearray"),
    ],
)
def test_what_is_not_plain_is_refused_by_its_path(value: object, path: str, kind: str) -> None:
    with pytest.raises(NotPlainError) as refused:
        pack(value, "args[0]")

    assert refused.value.path == path
    assert kind in refused.value.problem


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)

    with pytest.raises(NotPlainError, match=f"more than {DEPTH} containers"):
        pack(loop)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"NaN",
        b"Infinity",
        b"\xff",
        b'"\\ud800"',
        b'{"$tuple":1}',
        b'{"$nothing":[]}',
        b'{"$tuple":[],"more":1}',
        b'{"$float":"1e5"}',
        b'{"$bytes":"%%%"}',
        b'{"$dict":[[1]]}',
        b'{"$dict":[[[],1]]}',
        b'{"$set":[[1]]}',
        b"[" * 60 + b"]" * 60,
        b"[" * 4_000_000,
        b"[0," * 1_000_000,
        b'{"a":' * 500_000,
        b"1" * 4_000_000,
        b'"' + b'\\"' * 2_000_000,
        b'"\\' * 1_000_000 + b"[" * 1000,
        b"[" + b"[]," * (CONTAINERS + 1) + b"0]",
        json.dumps({"$set": [k * (2**61 - 1) for k in range(20_000)]}).encode(),
    ],
    ids=lambda data: repr(data[:30]),
)
def test_hostile_bytes_are_refused_in_linear_time(data: bytes) -> None:
    begun = time.monotonic()

    with pytest.raises(NotPlainError):
        unpack(loads(data))

    assert time.monotonic() - begun < 2


def test_text_full_of_brackets_is_no_container() -> None:
    text = "[{" * 400_000

    assert unpack(loads(dumps(pack([text, [text]])))) == [text, [text]]


def test_words_from_inside_cannot_steer_a_terminal() -> None:
    assert clean("a\x1b[31mb\u202ec\n", most=50) == "a\ufffd[31mb\ufffdc\n"
    assert clean("x" * 100, most=10) == "x" * 9 + "\u2026"
