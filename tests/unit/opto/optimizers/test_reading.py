"""Replies as models really write them, and values of rarer types."""

from __future__ import annotations

from collections import namedtuple
from enum import Enum
from typing import Any

import numpy as np
import pytest

from opto.optimizers.reading.json_reply import read_json
from opto.optimizers.reading.one_value import read_one
from opto.optimizers.reading.tag_reply import read_tags
from opto.optimizers.reading.values import Refused, read_value
from opto.optimizers.utils import extract_xml_like_data


class Mode(Enum):
    FAST = "quick"
    SLOW = "careful"


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    "reply",
    [
        '{"suggestion": {"a": 1}}',
        'Here:\n{"suggestion": {"a": 1}}\nGood luck!',
        '```json\n{"suggestion": {"a": 1}}\n```',
        '~~~~\n{"suggestion": {"a": 1}}\n~~~~',
        '```json\n{"suggestion": {"a": 1}}',
        '<think>{"suggestion": {"a": 9}}</think>{"suggestion": {"a": 1}}',
        '{"suggestion": {"a": 9}} no, better: {"suggestion": {"a": 1}}',
        '{"suggestion": {"a": 1}} and by the way {"x": 3}',
        '{"suggestion": [{"name": "a", "value": 1}]}',
        '{"suggestion": [{"a": 1}]}',
        '{"suggestion": "{\\"a\\": 1}"}',
        '{"reasoning": "two\nlines", "suggestion": {"a": 1}}',
        "{'suggestion': {'a': 1}}",
        '{"suggestion": {"a": 1,},}',
        "{suggestion: {a: 1}}  // done",
        '{"a": 1}',
        '{"reasoning": "broken " here", "suggestion": {"a": 1}}',
    ],
)
def test_json_is_found_wherever_it_stands(reply: str) -> None:
    assert read_json(reply, ["a"]).values == {"a": 1}


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("I would raise it.", "no JSON object"),
        ('{"suggestion": {"a": ', "not valid"),
        ('{"colour": "red"}', "no key 'suggestion'"),
        ('{"suggestion": 5}', "must be an object"),
        ("{" * 5_000, "not valid|too deeply"),
        ("x" * 400_001, "longer than"),
    ],
)
def test_json_that_is_not_there_is_explained(reply: str, why: str) -> None:
    said = read_json(reply, ["a"])

    assert said.values == {}
    assert not said.no_change
    with pytest.raises(ValueError, match=why):
        raise ValueError(said.problems[0])


@pytest.mark.parametrize(
    "reply",
    [
        "<variable><name>a</name><value>1</value></variable>",
        "<variable>\n<name> a </name>\n<value>\n1\n</value>\n</variable>",
        '<variable name="a" type="int">\n<value>\n1\n</value>\n</variable>',
        "```xml\n<variable>\n<name>a</name>\n<value>1</value>\n</variable>\n```",
        "<reasoning>like <variable><name>a</name><value>9</value></variable></reasoning>"
        "<variable><name>a</name><value>1</value></variable>",
        "<variable><name>a</name><value id=v77>1</value></variable>",
        "<variable><name>a</name><value id='k9'>\n1\n</value></variable>",
        "<variable><name>a</name><value>9</value></variable> no:\n"
        "<variable><name>a</name><value>1</value></variable>",
    ],
)
def test_tags_are_read_as_models_write_them(reply: str) -> None:
    assert read_tags(reply, ["a"], mark="k9").values == {"a": "1"}


def test_a_head_of_an_unknown_name_inside_an_open_block_is_text() -> None:
    text = "<variable>\n<name>z</name>\n<value>"
    reply = f"<variable><name>a</name><value>see {text}</value></variable>"

    assert read_tags(reply, ["a"]).values == {"a": f"see {text}"}


def test_tags_without_a_value_are_explained() -> None:
    assert "No <variable> block" in read_tags("<variable>a = 1</variable>", ["a"]).problems[0]
    assert "There is no <variable>" in read_tags("a = 1", ["a"]).problems[0]


def test_tags_can_be_read_without_an_optimizer() -> None:
    found = extract_xml_like_data(
        "<why>w</why><var><id>a</id><data>1</data></var>", "why", "var", "id", "data"
    )

    assert found == {"reasoning": "w", "variables": {"a": "1"}}


def test_one_value_may_hold_its_own_tags() -> None:
    text = "say <IMPROVED_VARIABLE> and </IMPROVED_VARIABLE> now"
    reply = f"Sure!\n<IMPROVED_VARIABLE>{text}</IMPROVED_VARIABLE>\nDone."

    assert read_one(reply, "a").values == {"a": text}
    assert read_one("It is fine.\nTERMINATE", "a").no_change
    assert "cut off" in read_one("<IMPROVED_VARIABLE>half", "a").bad["a"]


@pytest.mark.parametrize(
    ("raw", "like", "wanted"),
    [
        ("FAST", Mode.SLOW, Mode.FAST),
        ("Mode.FAST", Mode.SLOW, Mode.FAST),
        ("quick", Mode.SLOW, Mode.FAST),
        ("None", None, None),
        ("null", None, None),
        ("[1, 2]", None, [1, 2]),
        ("plain words", None, "plain words"),
        ("3.5", np.float32(1), np.float32(3.5)),
        ("4", np.int64(1), np.int64(4)),
        ("1_000", 1, 1000),
        ("7.0", 1, 7),
        (7.0, 1, 7),
        ("'5'", 1, 5),
        ([3, 4], {1}, {3, 4}),
        ("set()", {1}, set()),
        ("{'1': 2}", {1: 1}, {1: 2}),
        ('{"1": 2}', {1: 1}, {1: 2}),
        ("[1, 2.5]", [0.5], [1.0, 2.5]),
        ("[np.float64(1.5)]", [0.5], [1.5]),
        ("(1, (2, 3))", (1, (2, 3)), (1, (2, 3))),
        (5, "text", "5"),
        ("2", 1j, 2 + 0j),
        ("b'x'", b"y", b"x"),
    ],
)
def test_values_are_read_as_the_present_type(raw: Any, like: Any, wanted: Any) -> None:
    read = read_value(raw, like)

    assert read == wanted
    assert type(read) is type(wanted)


@pytest.mark.parametrize(
    ("raw", "like"),
    [
        ("MEDIUM", Mode.SLOW),
        ("(1, 2)", Pair(1, 2)),
        ("9" * 5_000, 1),
        ("1e400x", 1.0),
        ([[1]], {1}),
        ('{"a": "x"}', {"a": 1}),
        ("[true]", [1]),
        ("[[1], ['a']]", [[1], [2]]),
        ("[1, 2, 3]", np.zeros(2)),
        ("[[1], [2, 3]]", np.zeros((2, 2))),
        ("[1.5, 2]", np.zeros(2, dtype=int)),
        ("[nan, 1]", np.zeros(2)),
        ("['a', 'b']", np.zeros(2)),
        ("[1]", np.array([None])),
        ("__import__('os').getpid()", [1]),
        ("object()", object()),
        (None, 1),
        (None, "text"),
    ],
)
def test_values_of_other_types_are_refused(raw: Any, like: Any) -> None:
    with pytest.raises(Refused):
        read_value(raw, like)
