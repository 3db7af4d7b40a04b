"""Schemas as servers take them: never stricter than ours, closed, and in words where needed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from opto.llm.schema import ANTHROPIC, COMPATIBLE, OPENAI, in_words, reduce_schema
from opto.llm.types import Message, Request
from solvers_bridge.ir.model import Model


class Inner(BaseModel):
    """What is inside."""

    size: Annotated[float, Field(ge=0, multiple_of=0.5)]
    code: Annotated[str, Field(pattern="^a+$", max_length=3)] = "a"


class Outer(BaseModel):
    kind: Literal["x"]
    inner: Inner = Field(description="a part")
    pair: tuple[int, str]
    many: Annotated[list[Inner], Field(min_length=1)]


class Tree(BaseModel):
    children: list[Tree]


class Loose(BaseModel):
    table: dict[str, float]


def keywords_of(node: Any) -> set[str]:
    """Every keyword used in a schema, names of properties and definitions apart."""
    if isinstance(node, list):
        return set().union(*map(keywords_of, node))
    if not isinstance(node, dict):
        return set()
    found = set(node)
    for name, part in node.items():
        parts = part.values() if name in {"properties", "$defs"} else [part]
        if name not in {"enum", "const", "required"}:
            found = found.union(*map(keywords_of, parts))
    return found


@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI, COMPATIBLE])
@pytest.mark.parametrize("kind", [Outer, Tree, Loose, Model])
def test_only_keywords_of_the_dialect_are_left(
    kind: type[BaseModel], dialect: frozenset[str]
) -> None:
    structure = {"properties", "required", "additionalProperties", "items", "$defs"}

    reduced = reduce_schema(kind.model_json_schema(), keywords=dialect)

    assert keywords_of(reduced.schema) <= dialect | structure
    assert reduced.has_object_root


def test_every_object_is_closed_and_every_property_required() -> None:
    reduced = reduce_schema(Outer.model_json_schema(), keywords=OPENAI)

    inner = reduced.schema["$defs"]["Inner"]
    assert reduced.strict
    assert (inner["required"], inner["additionalProperties"]) == (["size", "code"], False)
    assert reduced.schema["properties"]["inner"] == {"$ref": "#/$defs/Inner"}


def test_the_same_keyword_is_kept_where_it_is_understood() -> None:
    def code(dialect: frozenset[str]) -> set[str]:
        schema = reduce_schema(Inner.model_json_schema(), keywords=dialect).schema
        return set(schema["properties"]["code"]) - {"type"}

    assert code(ANTHROPIC) == set()
    assert code(OPENAI) == {"pattern"}
    assert code(COMPATIBLE) == {"pattern", "maxLength"}


def test_a_map_with_free_keys_is_not_strict_and_keeps_its_values_type() -> None:
    reduced = reduce_schema(Loose.model_json_schema(), keywords=COMPATIBLE)

    assert not reduced.strict
    assert reduced.schema["properties"]["table"]["additionalProperties"] == {"type": "number"}


def test_a_recursive_type_has_an_object_at_its_root() -> None:
    reduced = reduce_schema(Tree.model_json_schema(), keywords=OPENAI)

    assert reduced.schema["type"] == "object"
    assert reduced.schema["$defs"]["Tree"]["properties"]["children"]["items"] == {
        "$ref": "#/$defs/Tree"
    }


def test_the_model_of_an_optimization_problem_can_be_asked_for_strictly_but_for_its_data() -> None:
    schema = Model.model_json_schema()
    schema["properties"].pop("data", None)

    assert reduce_schema(schema, keywords=OPENAI).has_object_root


def test_a_schema_in_words_is_at_the_end_of_the_question() -> None:
    request = Request(messages=(Message("user", "who?"),), schema={"type": "object"})

    said = in_words(request)

    assert said.schema is None
    assert said.messages[-1].content.startswith("who?")
    assert said.messages[-1].content.endswith('{"type":"object"}')
