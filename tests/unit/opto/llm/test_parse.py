"""The parse ladder: what models write around and inside their JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from opto.llm.parse import MAX_CHARS, Problem, Reader


class Part(BaseModel):
    name: str
    count: int = 1


class Order(BaseModel):
    parts: list[Part]
    rush: bool = False


PART: Reader[Part] = Reader(Part)
ORDER: Reader[Order] = Reader(Order)
BOLT = Part(name="bolt", count=3)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "bolt", "count": 3}',
        '\n {"name": "bolt", "count": "3"} \n',
        'Sure!\n```json\n{"name": "bolt", "count": 3}\n```\nAnything else?',
        '```\n{"name": "bolt", "count": 3}\n```',
        'First try:\n```\n{"name": "nut"}\n```\nBetter:\n```\n{"name": "bolt", "count": 3}\n```',
        '<answer>{"name": "bolt", "count": 3}</answer>',
        'For {x} in [1, 2] the part is {"name": "bolt", "count": 3}, not {y}.',
        "{'name': 'bolt', 'count': 3,}",
        'The part: {name: "bolt", count: 3} // done',
        '<think>{"name": "nut"} or a bolt?</think>\n{"name": "bolt", "count": 3}',
    ],
)
def test_the_value_is_found(text: str) -> None:
    assert PART.read(text) == BOLT


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("I would say a bolt.", "no JSON"),
        ('{"name": "bolt", "count": ', "not valid JSON: Expecting value (line 1, column 27)"),
        ('{"name": "bolt", "count": "three"}', "count: Input should be a valid integer"),
        ('{"name": "bolt", "count": NaN}', "count: Input should be a valid integer"),
        ('{"count": 3}', "name: Field required"),
        ("[" * 100_000, "nested too deeply"),
        ("3", "answer: Input should be"),
        ("x" * (MAX_CHARS + 1), "longer than"),
    ],
    ids=["empty", "prose", "cut", "word", "nan", "missing", "deep", "number", "long"],
)
def test_what_is_wrong_is_said_exactly(text: str, why: str) -> None:
    problem = PART.read(text)

    assert isinstance(problem, Problem)
    assert why in problem.why


def test_mistakes_have_paths() -> None:
    problem = ORDER.read('{"parts": [{"name": "a"}, {"count": "b"}], "rush": "maybe"}')

    assert isinstance(problem, Problem)
    assert [line.partition(":")[0] for line in problem.why.splitlines()] == [
        "parts[1].name",
        "parts[1].count",
        "rush",
    ]


def test_many_mistakes_are_cut_short() -> None:
    problem = ORDER.read('{"parts": [' + ", ".join(["{}"] * 20) + "]}")

    assert isinstance(problem, Problem)
    assert problem.why.endswith("and 12 more")


def test_words_that_mean_false_are_false() -> None:
    order = ORDER.read('{"parts": [], "rush": "False"}')

    assert order == Order(parts=[], rush=False)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_a_value_or_a_problem_and_never_an_exception(text: str) -> None:
    assert isinstance(PART.read(text), Part | Problem)


@given(st.builds(Part, name=st.text(max_size=40), count=st.integers(-(10**9), 10**9)))
def test_what_was_written_is_read_back_from_between_words(part: Part) -> None:
    assert PART.read(f"Here you are: {part.model_dump_json()} I hope it helps.") == part
