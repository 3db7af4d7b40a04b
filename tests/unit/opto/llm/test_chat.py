"""A model as a callable that takes chat messages."""

from __future__ import annotations

import pytest

from opto.llm.chat import as_request, chat_client
from opto.llm.client import LM
from opto.llm.errors import InvalidRequest
from opto.llm.scripted import Scripted
from opto.trace.call_operators import call_llm


def test_messages_and_options_become_a_request_and_the_text_comes_back() -> None:
    model = Scripted(["hello"])
    client = chat_client(LM(model))

    text = client(
        messages=[{"role": "system", "content": "be"}, {"role": "user", "content": "say"}],
        max_tokens=9,
        temperature=0.5,
        response_format={"type": "json_object"},
    )

    assert text == "hello"
    assert text.completion.model == "scripted:"
    (asked,) = model.asked
    assert [(m.role, m.content) for m in asked.messages] == [("system", "be"), ("user", "say")]
    assert (asked.max_tokens, asked.temperature) == (9, 0.5)
    assert asked.schema == {"type": "object"}


def test_a_schema_is_passed_on() -> None:
    schema = {"type": "object", "properties": {}}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}

    asked = as_request([{"role": "user", "content": "x"}], response_format=form)

    assert asked.schema == schema


@pytest.mark.parametrize(
    ("messages", "options", "said"),
    [
        ([{"role": "user", "content": "x"}], {"top_p": 1}, "'top_p' is not known"),
        ([{"role": "tool", "content": "x"}], {}, "role 'tool'"),
        ([{"role": "user", "content": ["x"]}], {}, "list as content"),
        ([{"role": "user", "content": "x"}], {"response_format": "json"}, "format 'json'"),
        ([{"role": "user", "content": "x"}], {"response_format": {"type": "xml"}}, "'xml'"),
    ],
)
def test_what_is_not_known_is_refused_by_name(
    messages: list[dict[str, str]], options: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said):
        as_request(messages, **options)


def test_a_traced_program_asks_an_open_model() -> None:
    reply = call_llm(LM(Scripted(["hello"])), "be brief", "say hello")

    assert reply.data == "hello"


def test_the_configured_model_is_opened_at_the_first_call_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPTO_MODEL", "nonsense:model")

    client = chat_client()

    with pytest.raises(Exception, match="No provider for the model 'nonsense:model'"):
        client(messages=[{"role": "user", "content": "x"}])
