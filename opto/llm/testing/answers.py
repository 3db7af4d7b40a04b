"""What a model server can be told to answer, in the wire formats of both vendors.

Lives here: bodies and streams of events, good and bad, and the request as it arrived.
Never here: sockets, which fault when.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["whole", "reset", "short", "silent", "drip", "stall", "cut", "break", "trickle"]
"""How the bytes are sent.

`whole`: all of them. `reset`: the connection is reset before any. `short`: fewer than announced.
`silent`: none, ever. `drip`: one at a time. The rest send the first half (of a stream: all events
but the last two) and then: `stall` nothing more, `cut` closes, `break` resets, `trickle` sends
white space (of a stream: comments) without end.
"""
Frames = Callable[[str], list[bytes]]


@dataclass(frozen=True)
class Answer:
    """What the server does with one request."""

    body: bytes | Callable[[str], bytes]
    """Bytes, or a function of the path (the two vendors' answers differ)."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = "whole"
    frames: Frames | None = None
    """Events of a streamed answer, by path, for requests that ask for one; None: the body."""
    delay_s: float = 0.0
    """Wait before the first byte, seconds."""

    def bytes_for(self, path: str) -> bytes:
        """The body for a request to `path`."""
        return self.body if isinstance(self.body, bytes) else self.body(path)


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def streamed(self) -> bool:
        """Did it ask for a stream of events?"""
        return self.body.get("stream") is True


def openai_body(text: str | None, *, finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    """A chat completion; 11 tokens in, of which 5 cached, 7 out."""
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish,
            }
        ],
        "usage": {
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "total_tokens": 18,
            "prompt_tokens_details": {"cached_tokens": 5},
        },
    }


def anthropic_body(text: str | None, *, finish: str | None = "end_turn") -> dict[str, Any]:
    """A message; 4 fresh tokens in, 5 cached, 7 out."""
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "served-model",
        "content": [] if text is None else [{"type": "text", "text": text}],
        "stop_reason": finish,
        "stop_sequence": None,
        "usage": {"input_tokens": 4, "output_tokens": 7, "cache_read_input_tokens": 5},
    }


def openai_frames(text: str, *, finish: str = "stop") -> list[bytes]:
    """A chat completion as server-sent events, five letters a piece."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "served-model"}

    def chunk(delta: dict[str, Any], ending: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": ending}]}

    usage = openai_body(text)["usage"]
    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"content": piece}) for piece in pieces(text)]
    events += [chunk({}, finish), {**head, "choices": [], "usage": usage}]
    return [*(frame(event) for event in events), b"data: [DONE]\n\n"]


def anthropic_frames(text: str, *, finish: str = "end_turn") -> list[bytes]:
    """A message as server-sent events, five letters a piece."""
    start = {**anthropic_body(None, finish=None)}
    start["usage"] = {**start["usage"], "output_tokens": 1}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}, block]
    events.append({"type": "ping"})
    for piece in pieces(text):
        delta = {"type": "text_delta", "text": piece}
        events.append({"type": "content_block_delta", "index": 0, "delta": delta})
    events.append({"type": "content_block_stop", "index": 0})
    ending = {"stop_reason": finish, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ending, "usage": {"output_tokens": 7}})
    events.append({"type": "message_stop"})
    return [frame(event, named=True) for event in events]


def pieces(text: str) -> list[str]:
    """`text` in pieces of five letters."""
    return [text[start : start + 5] for start in range(0, len(text), 5)]


def frame(event: Mapping[str, Any], *, named: bool = False) -> bytes:
    """One server-sent event."""
    name = b"event: " + str(event["type"]).encode("ascii") + b"\n" if named else b""
    return name + b"data: " + as_bytes(event) + b"\n\n"


ANTHROPIC_FINISH = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def is_anthropic(path: str) -> bool:
    """Is this the messages API?"""
    return path.endswith("/messages")


def says(text: str, *, finish: str = "stop", delay_s: float = 0.0) -> Answer:
    """A well-formed answer in the format of whoever asks, streamed if that was asked for."""

    def body(path: str) -> bytes:
        if is_anthropic(path):
            return as_bytes(anthropic_body(text, finish=ANTHROPIC_FINISH[finish]))
        return as_bytes(openai_body(text, finish=finish))

    def frames(path: str) -> list[bytes]:
        if is_anthropic(path):
            return anthropic_frames(text, finish=ANTHROPIC_FINISH[finish])
        return openai_frames(text, finish=finish)

    return Answer(body, frames=frames, delay_s=delay_s)


def sends(data: object) -> Answer:
    """JSON of any shape with status 200."""
    return Answer(as_bytes(data))


def either(openai: object, anthropic: object) -> Answer:
    """JSON with status 200, another for each vendor."""
    return Answer(lambda path: as_bytes(anthropic if is_anthropic(path) else openai))


def fails(status: int, message: str = "boom", **headers: str) -> Answer:
    """An error status as vendors send it; header names with _ for -."""
    error = {"error": {"message": message, "type": "some_error"}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(as_bytes(error), status=status, headers=named)


def as_bytes(data: object) -> bytes:
    """`data` as JSON in ASCII."""
    return json.dumps(data).encode("ascii")
