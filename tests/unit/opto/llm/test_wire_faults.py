"""Servers that misbehave: every fault ends in one typed error, at both vendors' formats."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable

import pytest
from model_server import (
    Answer,
    ModelServer,
    anthropic_body,
    as_bytes,
    fails,
    openai_body,
    says,
    sends,
)

from opto.llm import anthropic, openai
from opto.llm.errors import (
    AuthError,
    BadResponse,
    ContextTooLong,
    InvalidRequest,
    ModelCallError,
    ModelTimeout,
    QuotaExhausted,
    RateLimited,
    ServerError,
    UnknownModel,
    UnreachableServer,
)
from opto.llm.types import Completion, OpenOptions, Provider, Request
from opto.llm.wire import MAX_BODY_BYTES

QUESTION = Request.of("how many?", system="be brief")
Open = Callable[..., Provider]


@pytest.fixture(params=["openai", "anthropic"])
def open_at(request: pytest.FixtureRequest, server: ModelServer, tmp_path) -> Open:
    module = openai if request.param == "openai" else anthropic

    def open_(*, url: str = "", timeout_s: float = 20.0) -> Provider:
        options = OpenOptions(model_dir=tmp_path, attempt_timeout_s=timeout_s)
        return module.open_provider(f"some-model@{url or server.url}", options)

    return open_


def ask(provider: Provider, request: Request = QUESTION) -> Completion:
    async def once() -> Completion:
        try:
            return await provider.complete(request)
        finally:
            await provider.aclose()

    return asyncio.run(once())


def test_a_good_answer_comes_with_its_usage(open_at: Open, server: ModelServer) -> None:
    server.plan = [says("forty-two")]

    completion = ask(open_at())

    assert (completion.text, completion.finish) == ("forty-two", "stop")
    assert completion.model == "served-model"
    assert completion.usage.output_tokens == 7
    assert completion.usage.cached_tokens == 5
    assert completion.usage.usd == 0  # this machine


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (fails(401), AuthError),
        (fails(403), AuthError),
        (fails(402), QuotaExhausted),
        (fails(429, "You exceeded your quota: insufficient_quota"), QuotaExhausted),
        (fails(404), UnknownModel),
        (fails(429), RateLimited),
        (fails(408), ModelTimeout),
        (fails(500), ServerError),
        (fails(529, "overloaded"), ServerError),
        (fails(422), InvalidRequest),
        (fails(400, "This model's maximum context length is 8192 tokens"), ContextTooLong),
        (fails(400, "prompt is too long: 210000 tokens > 200000 maximum"), ContextTooLong),
        (fails(413), ContextTooLong),
        (Answer(b"<html>bad gateway</html>", status=502), ServerError),
        (Answer(b"", mode="reset"), UnreachableServer),
        (Answer(b'{"id":', mode="short"), UnreachableServer),
        (Answer(b'{"id": "x", "choices": ['), BadResponse),
        (Answer(b"<html>a login page</html>"), BadResponse),
        (sends([]), BadResponse),
        (sends({"error": {"message": "overloaded"}}), BadResponse),
        (sends({"id": "x"}), BadResponse),
        (sends({"choices": [], "content": None}), BadResponse),
        (sends({"choices": "none", "content": 3}), BadResponse),
        (sends({"choices": [7], "content": [7]}), BadResponse),
        (Answer(b"[" * 200_000), BadResponse),
    ],
)
def test_each_fault_is_one_typed_error(
    open_at: Open, server: ModelServer, answer: Answer, kind: type[ModelCallError]
) -> None:
    server.plan = [answer]

    with pytest.raises(ModelCallError) as caught:
        ask(open_at())

    assert type(caught.value) is kind
    assert "some-model" in caught.value.where
    assert len(server.asked) == 1  # no SDK retried on its own


@pytest.mark.parametrize(
    ("header", "wait_s"), [({"retry_after": "7"}, 7.0), ({"retry_after_ms": "250"}, 0.25)]
)
def test_the_servers_wish_to_wait_is_kept(
    open_at: Open, server: ModelServer, header: dict[str, str], wait_s: float
) -> None:
    server.plan = [fails(429, "slow down", **header)]

    with pytest.raises(RateLimited) as caught:
        ask(open_at())

    assert caught.value.retry_after_s == wait_s


def test_a_body_without_end_is_cut_off(open_at: Open, server: ModelServer) -> None:
    server.plan = [Answer(b" " * (MAX_BODY_BYTES + 2**20))]

    with pytest.raises(BadResponse, match="16 MB"):
        ask(open_at())


@pytest.mark.parametrize("mode", ["silent", "drip"])
def test_a_server_that_never_ends_its_answer_times_out(
    open_at: Open, server: ModelServer, mode
) -> None:
    server.plan = [Answer(as_bytes(openai_body("x" * 10_000)), mode=mode)]

    with pytest.raises(ModelTimeout, match=r"0\.5 s"):
        ask(open_at(timeout_s=0.5))


def test_nobody_listening_is_said_with_the_address(open_at: Open) -> None:
    with pytest.raises(UnreachableServer) as caught:
        ask(open_at(url="http://127.0.0.1:9/v1"))

    assert "http://127.0.0.1:9" in caught.value.fix


def test_an_answer_that_was_cut_off_says_so(open_at: Open, server: ModelServer) -> None:
    server.plan = [says("def f(", finish="length")]

    assert ask(open_at()).finish == "length"


def test_a_refusal_is_not_an_answer(open_at: Open, server: ModelServer) -> None:
    server.plan = [says("I cannot help", finish="content_filter")]

    assert ask(open_at()).finish == "filter"


def test_an_answer_without_a_known_ending_is_not_whole(open_at: Open, server: ModelServer) -> None:
    server.plan = [sends(openai_body("a", finish=None) | anthropic_body("a", finish=None))]

    with pytest.raises(BadResponse, match="complete"):
        ask(open_at())


def test_a_lone_surrogate_becomes_writable(open_at: Open, server: ModelServer) -> None:
    server.plan = [says("a\ud800b")]

    assert ask(open_at()).text == "a�b"


def test_bytes_that_are_not_utf8_are_replaced(open_at: Open, server: ModelServer) -> None:
    good = says("MARK")
    server.plan = [Answer(lambda path: good.body(path).replace(b"MARK", b"\xff\xfehi"))]

    assert ask(open_at()).text == "��hi"


def test_a_surrogate_in_the_question_does_not_crash(open_at: Open, server: ModelServer) -> None:
    ask(open_at(), Request.of("odd \udcff text"))

    assert server.asked[0].body["messages"][0]["content"] == "odd � text"


CANARY = "sk-canary-0123456789abcdefgh"


@pytest.mark.parametrize("answer", [fails(401, f"bad key {CANARY}"), Answer(b"", mode="reset")])
def test_the_key_is_in_the_header_and_nowhere_else(
    open_at: Open,
    server: ModelServer,
    answer: Answer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OPTO_API_KEY", CANARY)
    caplog.set_level(logging.DEBUG)
    server.plan = [answer]

    provider = open_at()
    with pytest.raises(ModelCallError) as caught:
        ask(provider)

    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(vars(provider))
    assert any(CANARY in value for value in server.asked[0].headers.values())
    assert CANARY not in told
    assert caught.value.__context__ is None  # the SDK's exception holds the request


def test_a_vendors_key_is_not_sent_to_another_server(
    open_at: Open, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)

    ask(open_at())

    assert CANARY not in repr(server.asked[0].headers)
