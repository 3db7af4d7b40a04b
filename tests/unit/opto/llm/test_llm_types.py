"""Requests and completions: they survive JSON, and keys tell questions apart."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from opto.llm.types import Completion, Message, Request, Usage

REQUEST = Request(
    messages=(Message("system", "s"), Message("user", "ü")),
    schema={"type": "object"},
    grammar="g",
    temperature=0,
    max_tokens=9,
    seed=1,
    sample=2,
    purpose="formulate",
    prefill="{",
)


def test_a_request_survives_json() -> None:
    assert Request.from_json(json.loads(json.dumps(REQUEST.to_json()))) == REQUEST


def test_a_completion_survives_json_with_its_price_exact() -> None:
    usage = Usage(input_tokens=1, seconds=0.5, usd=Decimal("0.000000123"))
    completion = Completion(text="t", finish="length", usage=usage, model="m", attempts=3)

    assert Completion.from_json(json.loads(json.dumps(completion.to_json()))) == completion


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message("user", "ü"),)},
        {"messages": (Message("user", "s"), Message("user", "ü"))},
        {"schema": None},
        {"grammar": None},
        {"temperature": None},
        {"temperature": 0.1},
        {"max_tokens": 10},
        {"seed": None},
        {"sample": 3},
        {"prefill": None},
    ],
    ids=str,
)
def test_whatever_can_change_the_answer_changes_the_key(change: dict) -> None:
    assert replace(REQUEST, **change).key("m") != REQUEST.key("m")


def test_another_endpoint_is_another_key() -> None:
    assert REQUEST.key("openai:a") != REQUEST.key("openai:a@http://localhost/v1")


def test_the_purpose_and_the_spelling_of_numbers_leave_the_key_alone() -> None:
    assert replace(REQUEST, purpose="repair", temperature=0.0).key("m") == REQUEST.key("m")


def test_the_key_is_stable_across_releases() -> None:
    assert Request.of("hi").key("m") == (
        "89de4854024248eb49346586389f015c2f4cfa0f574a4949d951adf81adbfb79"
    )


def test_what_recordings_rest_on_does_not_change() -> None:
    request = Request(
        messages=(Message("system", "Be brief."), Message("user", "Wie viele Stühle?")),
        schema={"type": "object"},
        temperature=0.5,
        seed=3,
        sample=1,
        purpose="formulate",
    )

    assert (
        request.key("openai:m")
        == "0c93e8c65ea3b2206435453714c87a9178b782c972adb70a18963800b9f222f7"
    )
    assert set(Completion(text="a").to_json()) == {"text", "finish", "usage", "model", "attempts"}
    assert set(Usage().to_json()) == {
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "seconds",
        "usd",
    }


def test_where_an_answer_came_from_survives_its_record() -> None:
    kept = Completion(text="a", saved=Usage(input_tokens=3, usd=Decimal("0.1")), damaged=True)

    assert Completion.from_json(kept.to_json()) == kept
