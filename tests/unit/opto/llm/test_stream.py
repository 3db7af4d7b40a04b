"""Answers read piece by piece: through real servers, and cut where it hurts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from model_server import ModelServer, fails, says

from opto.llm.client import LM
from opto.llm.errors import BadResponse, ModelTimeout, Refused, Truncated, UnreachableServer
from opto.llm.retry import Retrying, RetryPolicy
from opto.llm.scripted import Scripted
from opto.llm.sse import Events
from opto.llm.stack import CallOptions, wrap
from opto.llm.stream import Listener
from opto.llm.testing import FAULTS
from opto.llm.types import Provider, Request, Waits

Open = Callable[..., Provider]
LONG = "forty-two is the answer to it"
HURRY = Waits(first_token_s=0.5, idle_s=0.3)


def fault(name: str):
    return next(fault.answer for fault in FAULTS if fault.name == name)


def test_the_pieces_of_an_answer_are_the_answer(open_at: Open, server: ModelServer) -> None:
    server.plan = [says(LONG)]

    with LM(open_at()) as lm:
        stream = lm.stream("q")
        pieces = list(stream)

    assert len(pieces) > 3
    assert "".join(pieces) == LONG == stream.completion.text
    assert stream.completion.usage.output_tokens == 7
    assert stream.completion.usage.cached_tokens == 5
    assert stream.completion.model == "served-model"
    assert server.asked[0].body["stream"] is True
    assert lm.usage.calls == 1


def test_async_code_reads_along_too(open_at: Open, server: ModelServer) -> None:
    server.plan = [says(LONG)]

    async def read() -> tuple[list[str], str]:
        stream = lm.astream(Request.of("q"))
        pieces = [piece async for piece in stream]
        return pieces, (await stream.completion()).text

    with LM(open_at()) as lm:
        pieces, text = asyncio.run(read())

    assert len(pieces) > 3
    assert "".join(pieces) == text == LONG


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("s_cut", BadResponse),
        ("s_reset", UnreachableServer),
        ("s_stall", ModelTimeout),
        ("s_trickle", ModelTimeout),
        ("s_bad_json", BadResponse),
    ],
)
def test_a_cut_stream_is_an_error_and_not_an_answer(
    open_at: Open, server: ModelServer, name: str, kind: type[Exception]
) -> None:
    server.choose = lambda asked: fault(name)
    retrying = Retrying(open_at(waits=HURRY), RetryPolicy(first_wait_s=0.001))
    pieces: list[str] = []

    with LM(retrying) as lm, pytest.raises(kind):
        pieces.extend(lm.stream("q"))

    asked_again = len(server.asked) > 1
    assert bool(pieces) != asked_again  # what was read cannot be taken back


def test_before_the_first_piece_a_fault_is_asked_again(open_at: Open, server: ModelServer) -> None:
    server.plan = [fails(500), says(LONG)]
    retrying = Retrying(open_at(), RetryPolicy(first_wait_s=0.001))

    with LM(retrying) as lm:
        assert "".join(lm.stream("q")) == LONG


@pytest.mark.parametrize(("finish", "kind"), [("length", Truncated), ("content_filter", Refused)])
def test_an_answer_that_is_not_whole_ends_in_its_error(
    open_at: Open, server: ModelServer, finish: str, kind: type[Exception]
) -> None:
    server.plan = [says("part of", finish=finish)]

    with LM(open_at()) as lm, pytest.raises(kind) as caught:
        list(lm.stream("q"))

    assert caught.value.completion.text == "part of"


def test_a_server_that_does_not_stream_gives_its_answer_in_one_piece(
    open_at: Open, server: ModelServer
) -> None:
    server.plan = [replace(says(LONG), frames=None)]

    with LM(open_at()) as lm:
        assert list(lm.stream("q")) == [LONG]


def test_a_slow_stream_that_moves_on_is_not_late(open_at: Open, server: ModelServer) -> None:
    server.plan = [replace(says("word " * 20), mode="drip")]  # longer than the idle limit in all

    with LM(open_at(waits=Waits(first_token_s=5, idle_s=0.7), streamed=True)) as lm:
        assert lm.ask("q") == "word " * 20


def test_leaving_the_loop_ends_the_call(open_at: Open, server: ModelServer) -> None:
    server.plan = [fault("s_stall")]

    with LM(open_at()) as lm:
        for piece in lm.stream("q"):
            assert piece
            break

        assert lm.ask("still there?") == "hello"


def test_a_provider_that_cannot_stream_and_a_cache_give_one_piece(tmp_path) -> None:
    options = CallOptions(cache=str(tmp_path / "a.db"))

    with LM(wrap([Scripted(["all at once"])], options, remote=True)) as lm:
        assert list(lm.stream("q")) == ["all at once"]
        assert list(lm.stream("q")) == ["all at once"]


def test_half_a_letter_waits_for_its_other_half() -> None:
    told: list[str] = []
    listener = Listener(told.append)

    for piece in ("a\ud83d", "\ude00b", "c\ud800"):
        listener.piece(piece)

    assert told == ["a", "\U0001f600b", "c"]


def test_events_may_come_in_any_pieces() -> None:
    text = b': hi\n\ndata: {"a":\ndata: 1}\r\n\r\ndata:{"b": "\xc3\xa4"}\n\ndata: [DONE]\n\n'
    events = Events(where="here")

    found = [event for byte in text for event in events.feed(bytes([byte]))]

    assert found == [{"a": 1}, {"b": "ä"}]


@pytest.mark.parametrize("bad", [b"data: [1]\n\n", b"data: {\n\n", b'data: {"error": "x"}\n\n'])
def test_an_event_that_is_none_is_a_bad_response(bad: bytes) -> None:
    with pytest.raises(BadResponse):
        list(Events(where="here").feed(bad))


def test_a_stream_without_end_is_cut_off() -> None:
    events = Events(where="here")

    for _ in range(10):
        list(events.feed(b": x" * 2**19))

    with pytest.raises(BadResponse, match="16 MB"):
        list(events.feed(b": x" * 2**19))
