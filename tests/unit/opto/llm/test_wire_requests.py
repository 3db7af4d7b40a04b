"""What is sent, at both vendors' formats, and what happens when a server takes less."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from model_server import ModelServer, anthropic_body, fails, openai_body, says, sends
from pydantic import BaseModel

from opto.llm import anthropic, openai
from opto.llm.errors import AuthError, InvalidRequest, UnknownModel
from opto.llm.secret import Secret
from opto.llm.types import Completion, Message, OpenOptions, Provider, Request
from opto.llm.vendor import Endpoint


class Person(BaseModel):
    name: str
    age: int | None = None


ASKED = Request(
    messages=(Message("system", "be brief"), Message("user", "who?")),
    schema=Person.model_json_schema(),
    temperature=0.5,
    max_tokens=77,
    seed=3,
)


@pytest.fixture
def options(tmp_path) -> OpenOptions:
    return OpenOptions(model_dir=tmp_path, attempt_timeout_s=20.0)


@pytest.fixture(params=[openai, anthropic], ids=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest, server: ModelServer, options: OpenOptions) -> Provider:
    return request.param.open_provider(f"some-model@{server.url}", options)


def ask(provider: Provider, *requests: Request) -> list[Completion]:
    async def all_() -> list[Completion]:
        try:
            return [await provider.complete(request) for request in requests]
        finally:
            await provider.aclose()

    return asyncio.run(all_())


def test_openai_gets_messages_sampling_and_a_strict_schema(
    server: ModelServer, options: OpenOptions
) -> None:
    ask(openai.open_provider(f"some-model@{server.url}", options), ASKED)

    sent = server.asked[0]
    form = sent.body.pop("response_format")["json_schema"]
    assert sent.path == "/v1/chat/completions"
    assert sent.body == {
        "model": "some-model",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "who?"},
        ],
        "temperature": 0.5,
        "max_tokens": 77,
        "seed": 3,
    }
    assert form["strict"] is True
    assert form["schema"]["required"] == ["name", "age"]
    assert form["schema"]["additionalProperties"] is False


def test_anthropic_gets_the_system_text_apart_and_the_schema_in_its_output_config(
    server: ModelServer, options: OpenOptions
) -> None:
    ask(anthropic.open_provider(f"some-model@{server.url}", options), ASKED)

    sent = server.asked[0]
    form = sent.body.pop("output_config")["format"]
    assert sent.path == "/v1/messages"
    assert sent.body == {
        "model": "some-model",
        "max_tokens": 77,
        "system": "be brief",
        "messages": [{"role": "user", "content": "who?"}],
        "temperature": 0.5,
    }
    assert form["type"] == "json_schema"
    assert form["schema"]["additionalProperties"] is False


def test_the_vendors_own_server_gets_the_key_and_the_newer_name_of_the_token_limit(
    server: ModelServer,
) -> None:
    vendor = Endpoint("openai", "gpt-4.1", server.url, custom=False)

    ask(openai.OpenAIProvider(vendor, key=Secret("sk-of-vendor"), timeout_s=20.0), ASKED)

    (sent,) = server.asked
    assert sent.headers["authorization"] == "Bearer sk-of-vendor"
    assert sent.body["max_completion_tokens"] == 77
    assert "max_tokens" not in sent.body


@pytest.mark.parametrize("status", [400, 500])
def test_a_server_without_schemas_gets_the_schema_in_words_from_then_on(
    provider: Provider, server: ModelServer, status: int
) -> None:
    server.plan = [fails(status, "response_format / output_config: not supported"), says("{}")]

    ask(provider, ASKED, ASKED)

    with_schema = [
        "response_format" in asked.body or "output_config" in asked.body for asked in server.asked
    ]
    assert with_schema == [True, False, False]
    assert '"Person"' in server.asked[1].body["messages"][-1]["content"]


def test_a_model_that_takes_no_temperature_is_asked_without(
    provider: Provider, server: ModelServer
) -> None:
    server.plan = [fails(400, "'temperature' does not support 0.5 with this model")]

    ask(provider, ASKED)

    assert ["temperature" in asked.body for asked in server.asked] == [True, False]


def test_a_complaint_about_what_was_not_sent_is_an_error(
    provider: Provider, server: ModelServer
) -> None:
    server.plan = [fails(400, "temperature is odd")]

    with pytest.raises(InvalidRequest):
        ask(provider, Request.of("hi"))

    assert len(server.asked) == 1


def test_a_grammar_is_refused_and_not_ignored(provider: Provider, server: ModelServer) -> None:
    with pytest.raises(InvalidRequest, match="grammar"):
        ask(provider, replace(Request.of("hi"), grammar='root ::= "a"'))

    assert server.asked == []


def test_a_list_of_text_parts_is_one_text(server: ModelServer, options: OpenOptions) -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "image"}, {"type": "text", "text": "two"}]
    body = openai_body(None)
    body["choices"][0]["message"]["content"] = parts
    server.plan = [sends(body)]

    (completion,) = ask(openai.open_provider(f"m@{server.url}", options), Request.of("hi"))

    assert completion.text == "one two"


def test_a_refusal_field_is_a_refusal(server: ModelServer, options: OpenOptions) -> None:
    server.plan = [sends(openai_body(None, refusal="I will not"))]

    (completion,) = ask(openai.open_provider(f"m@{server.url}", options), Request.of("hi"))

    assert (completion.finish, completion.text) == ("filter", "I will not")


def test_thinking_blocks_are_not_part_of_the_text(
    server: ModelServer, options: OpenOptions
) -> None:
    body = anthropic_body("answer")
    body["content"].insert(0, {"type": "thinking", "thinking": "hm", "signature": "s"})
    server.plan = [sends(body)]

    (completion,) = ask(anthropic.open_provider(f"m@{server.url}", options), Request.of("hi"))

    assert completion.text == "answer"
    assert completion.usage.input_tokens == 9  # 4 fresh and 5 cached


def test_usage_that_is_nonsense_counts_nothing(server: ModelServer, options: OpenOptions) -> None:
    server.plan = [sends(openai_body("x") | {"usage": {"prompt_tokens": "many"}})]

    (completion,) = ask(openai.open_provider(f"m@{server.url}", options), Request.of("hi"))

    assert (completion.text, completion.usage.input_tokens) == ("x", 0)


OPENAI: Callable[[str], Endpoint] = lambda rest: Endpoint.parse(  # noqa: E731
    rest, provider="openai", vendor_url="https://api.openai.com/v1"
)


def test_a_model_name_may_have_colons_slashes_and_ats() -> None:
    endpoint = OPENAI("org/llama3:8b@q4@http://localhost:8000/v1/")

    assert (endpoint.model, endpoint.base_url) == (
        "org/llama3:8b@q4",
        "http://localhost:8000/v1",
    )
    assert endpoint.name == "openai:org/llama3:8b@q4@http://localhost:8000/v1"


def test_the_vendors_own_address_is_not_in_the_name() -> None:
    assert OPENAI("gpt-4.1").name == "openai:gpt-4.1"


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "@http://h/v1",
        "m@http://user:secret@h/v1",
        "m@http://h/v1?key=secret",
        "m@http://",
        "m@http://h:port/v1",
        "m@http://[::1/v1",
    ],
)
def test_an_address_that_is_none_or_hides_a_key_is_refused_without_repeating_it(rest: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        OPENAI(rest)

    assert "secret" not in str(caught.value)


def test_a_vendor_needs_a_key_and_an_own_server_does_not() -> None:
    with pytest.raises(AuthError, match="OPENAI_API_KEY"):
        OPENAI("gpt-4.1").key("OPENAI_API_KEY")

    assert OPENAI("m@http://localhost/v1").key("OPENAI_API_KEY") is None


def test_a_key_with_a_line_break_is_named_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one\nsk-two")

    with pytest.raises(AuthError, match="characters no key has") as caught:
        OPENAI("gpt-4.1").key("OPENAI_API_KEY")

    assert "sk-" not in str(caught.value)
