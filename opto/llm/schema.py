"""A JSON Schema as a model server takes it, or in words where it takes none.

Lives here: reducing a schema to the keywords of a server's dialect, and putting it into the
request text.
Never here: pydantic, validation (the full schema is checked on our side after the answer came).

Takes: JSON Schema as pydantic writes it (`$defs`, `$ref`, `anyOf`, `oneOf`, one-item `allOf`).
Gives: objects closed, all properties required, unknown keywords dropped; never a stricter type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from opto.llm.types import Message, Request

_BASE = frozenset({"type", "enum", "const", "anyOf", "$ref", "description"})
_COUNTS = frozenset({"pattern", "minItems", "maxItems"})
ANTHROPIC = _BASE
"""No ranges, lengths or patterns."""
OPENAI = _BASE | _COUNTS | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
"""Strict mode of OpenAI's own servers: no lengths of strings, no uniqueItems."""
COMPATIBLE = _BASE | _COUNTS | {"minLength", "maxLength"}
"""Servers that speak OpenAI's protocol; llama.cpp ignores ranges of numbers and uniqueItems."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """A schema in a server's dialect."""

    schema: dict[str, Any]
    strict: bool
    """Every object is closed; False where the schema has free-form maps or `Any`."""

    @property
    def has_object_root(self) -> bool:
        return self.schema.get("type") == "object"


def reduce_schema(schema: Mapping[str, Any], *, keywords: frozenset[str]) -> Reduced:
    """`schema` with only what a server understands; it may accept more than `schema` does.

    Args:
        schema: As `pydantic.BaseModel.model_json_schema()` writes it.
        keywords: One of the dialects of this module.
    """
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    root = schema
    if "$ref" in schema:  # a recursive model; servers want an object at the root
        root = definitions.get(str(schema["$ref"]).rpartition("/")[2], schema)
    reduced, strict = _reduce(root, keywords)
    kept: dict[str, Any] = {}
    for name, definition in definitions.items():
        kept[name], closed = _reduce(definition, keywords)
        strict = strict and closed
    if kept:
        reduced["$defs"] = kept
    return Reduced(reduced, strict)


def _reduce(node: Mapping[str, Any], keywords: frozenset[str]) -> tuple[dict[str, Any], bool]:
    """One schema node in the dialect, and whether all objects in it are closed."""
    alternatives = node.get("anyOf") or node.get("oneOf")
    whole = node.get("allOf")
    if isinstance(whole, list) and len(whole) == 1:
        return _reduce({**node, **whole[0], "allOf": None}, keywords)
    if "$ref" in node:
        return {"$ref": node["$ref"]}, True  # servers refuse keywords next to a reference
    out = {name: value for name, value in node.items() if name in keywords}
    strict = bool(out.keys() & {"type", "enum", "const"}) or bool(alternatives)
    if alternatives:
        parts = [_reduce(part, keywords) for part in alternatives]
        out["anyOf"] = [part for part, _ in parts]
        strict = all(closed for _, closed in parts)
    elif node.get("type") == "object":
        strict = _reduce_object(node, out, keywords)
    elif node.get("type") == "array":
        strict = _reduce_array(node, out, keywords)
    return out, strict


def _reduce_object(node: Mapping[str, Any], out: dict[str, Any], keywords: frozenset[str]) -> bool:
    properties = {
        name: _reduce(part, keywords) for name, part in node.get("properties", {}).items()
    }
    values = node.get("additionalProperties")
    if not properties and values is not False:  # a map with keys of the model's choice
        if isinstance(values, Mapping):
            out["additionalProperties"] = _reduce(values, keywords)[0]
        return False
    out["properties"] = {name: part for name, (part, _) in properties.items()}
    out["required"] = list(properties)
    out["additionalProperties"] = False
    return all(closed for _, closed in properties.values())


def _reduce_array(node: Mapping[str, Any], out: dict[str, Any], keywords: frozenset[str]) -> bool:
    items = node.get("items")
    if "prefixItems" in node:  # a tuple: servers know lists of one type only
        items = {"anyOf": node["prefixItems"]}
    if not isinstance(items, Mapping):
        return False
    out["items"], strict = _reduce(items, keywords)
    return strict


def in_words(request: Request) -> Request:
    """`request` with its schema moved into the last message, for a server without schema mode."""
    if request.schema is None:
        return request
    schema = json.dumps(request.schema, separators=(",", ":"), ensure_ascii=False)
    *before, last = request.messages
    form = f"Answer with JSON that follows this JSON Schema and with nothing else:\n{schema}"
    asked = f"{last.content}\n\n{form}"
    return replace(request, messages=(*before, Message(last.role, asked)), schema=None)
