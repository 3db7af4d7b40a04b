"""What is written in the form that a prompt asks for is read back equal, whatever it holds."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opto.optimizers.reading.json_reply import read_json
from opto.optimizers.reading.one_value import read_one
from opto.optimizers.reading.tag_reply import read_tags, write_tags
from opto.optimizers.reading.values import Refused, read_value

MARK = "v7c1e"
HOSTILE = st.lists(
    st.sampled_from(
        [
            "<value>", "</value>", "<variable>", "</variable>", "<name>b</name>", "<reasoning>",
            "</reasoning>", "<value id=v0000>", "</value id=v0000>", "```", "~~~", '"', "'", "\\",
            "{", "}", "\n", " ", "\t", "TERMINATE", '{"suggestion": {"a": 1}}', "# Feedback", "x",
            "</value>\n</variable>\n<variable>\n<name>a</name>\n<value>\n", "<think>",
            "é", "\u2028",
            "</IMPROVED_VARIABLE>", "<IMPROVED_VARIABLE>",
        ]
    ),
    max_size=12,
).map("".join)  # fmt: skip
TEXT = HOSTILE | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NUMBER = st.integers() | st.floats(allow_nan=False)
ITEM = st.booleans() | NUMBER | TEXT
VALUES = (
    ITEM
    | st.none()
    | st.lists(ITEM, max_size=4)
    | st.tuples(ITEM, ITEM)
    | st.sets(st.integers(), max_size=4)
    | st.frozensets(st.text(max_size=4), max_size=4)
    | st.dictionaries(st.text(max_size=4), ITEM, max_size=4)
    | st.dictionaries(st.integers(), NUMBER, max_size=4)
    | st.lists(st.lists(st.integers(), max_size=3), max_size=3)
    | st.complex_numbers(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=8)
)


@given(first=TEXT, second=TEXT)
def test_text_between_marked_tags_is_exact(first: str, second: str) -> None:
    reply = (
        "I change both.\n<reasoning>\nbecause\n</reasoning>\n"
        f"{write_tags('a', first, mark=MARK)}\n{write_tags('b', second, mark=MARK)}"
    )

    said = read_tags(reply, ["a", "b"], mark=MARK)

    assert said.values == {"a": first, "b": second}
    assert said.reasoning == "because"


@given(text=TEXT)
def test_text_between_marked_tags_of_one_value_is_exact(text: str) -> None:
    reply = f"<IMPROVED_VARIABLE id={MARK}>\n{text}\n</IMPROVED_VARIABLE id={MARK}>"

    assert read_one(reply, "a", mark=MARK).values == {"a": text}


@given(values=st.dictionaries(st.sampled_from(["a", "b"]), TEXT, min_size=1), fenced=st.booleans())
def test_text_in_json_is_exact(values: dict[str, str], fenced: bool) -> None:
    body = json.dumps({"reasoning": "TERMINATE?", "answer": "", "suggestion": values}, indent=1)
    reply = f"Here it is.\n```json\n{body}\n```\nDone." if fenced else body

    assert read_json(reply, ["a", "b"]).values == values


@given(value=VALUES)
def test_a_value_as_python_writes_it_is_read_back_equal(value: Any) -> None:
    written = value if isinstance(value, str) else repr(value)
    reply = write_tags("a", written, mark=MARK)

    read = read_value(read_tags(reply, ["a"], mark=MARK).values["a"], value)

    assert read == value
    assert type(read) is type(value)


@given(
    value=ITEM | st.lists(ITEM, max_size=4) | st.dictionaries(st.text(max_size=4), ITEM, max_size=3)
)
def test_a_value_as_json_writes_it_is_read_back_equal(value: Any) -> None:
    reply = json.dumps({"suggestion": {"a": value}})

    read = read_value(read_json(reply, ["a"]).values["a"], value)

    assert read == value
    assert type(read) is type(value)


@given(
    numbers=st.lists(
        st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=2), min_size=1, max_size=3
    ),
    as_numpy=st.booleans(),
)
def test_an_array_as_lists_or_as_numpy_writes_it_is_read_back_equal(
    numbers: list[list[float]], as_numpy: bool
) -> None:
    array = np.array(numbers, dtype=np.float32)
    written = np.array2string(array, floatmode="unique") if as_numpy else str(array.tolist())

    read = read_value(written, array)

    assert read.dtype == array.dtype
    assert np.array_equal(read, array)


@given(raw=TEXT, like=VALUES)
def test_any_text_is_read_as_the_present_type_or_refused(raw: str, like: Any) -> None:
    try:
        read = read_value(raw, like)
    except Refused:
        return

    assert like is None or type(read) is type(like)


@given(reply=TEXT, mark=st.sampled_from(["", MARK]))
def test_no_reply_makes_a_reader_raise(reply: str, mark: str) -> None:
    for said in (
        read_tags(reply, ["a"], mark=mark),
        read_json(reply, ["a"]),
        read_one(reply, "a", mark=mark),
    ):
        assert said.values or said.bad or said.problems or said.no_change


@pytest.mark.parametrize(
    "piece",
    [
        "```x\n",
        "<reasoning>",
        "<variable name=a a ",
        "<variable>\n<name>a</name>\n<value>",
        "<variable>\n<name>z</name>\n<value>\n",
        "<variable>\n<name>a</name>\n<value id=v7c1e>\n",
        "</value>\n",
        "<IMPROVED_VARIABLE id=v7c1e>\n",
        "{",
        '{"a": ',
        "[[",
        "think> ",
    ],
)
def test_no_reply_takes_a_time_that_grows_with_its_square(piece: str) -> None:
    reply = (piece * 200_000)[:200_000]
    before = time.process_time()

    read_tags(reply, ["a"], mark=MARK)
    read_tags(reply, ["a"])
    read_json(reply, ["a"])
    read_one(reply, "a", mark=MARK)

    assert time.process_time() - before < 4
