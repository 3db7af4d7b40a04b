"""The JSON schema of the IR is one that strict structured output of model servers accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from solvers_bridge.ir.model import Model, model_schema
from tests.support.parts import transport


def objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from objects(value)
    elif isinstance(part, list):
        for value in part:
            yield from objects(value)


def test_every_object_is_closed_and_every_property_required() -> None:
    found = [part for part in objects(model_schema()) if part.get("type") == "object"]

    assert len(found) == 9
    for part in found:
        assert part["additionalProperties"] is False
        assert set(part["required"]) == set(part["properties"])


def test_no_construct_is_used_that_servers_refuse() -> None:
    refused = {"oneOf", "allOf", "discriminator", "prefixItems", "patternProperties", "if"}

    assert not [part for part in objects(model_schema()) if refused & part.keys()]


def test_definitions_do_not_recur() -> None:
    schema = model_schema()
    uses = {
        name: {ref["$ref"].rsplit("/", 1)[1] for ref in objects(part) if "$ref" in ref}
        for name, part in schema["$defs"].items()
    }

    while leaves := [name for name, used in uses.items() if not used]:
        for leaf in leaves:
            del uses[leaf]
        for used in uses.values():
            used.difference_update(leaves)

    assert uses == {}


def test_a_model_survives_json() -> None:
    assert Model.model_validate_json(transport().model_dump_json()) == transport()


@pytest.mark.parametrize("name", ["", "1x", "a b", "a.b", "é", "x" * 64, "a\n"])
def test_names_are_plain_identifiers(name: str) -> None:
    broken = transport().model_dump()
    broken["sets"][0]["name"] = name

    with pytest.raises(ValidationError):
        Model.model_validate(broken)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError):
        Model.model_validate(transport().model_dump() | {"note": "hi"})
