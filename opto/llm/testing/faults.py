"""The faults of model servers that users have met, by name, each with what must come of it.

Lives here: 26 faults of the transport, the garbage models put into tool calls, random mixes.
Never here: sockets, assertions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opto.llm.testing.answers import (
    Answer,
    Asked,
    anthropic_body,
    either,
    fails,
    openai_body,
    says,
    sends,
)

_SAID = "forty-two is the answer"
_GOOD = says(_SAID)


@dataclass(frozen=True)
class Fault:
    """One way of a server to misbehave."""

    name: str
    answer: Answer
    code: str
    """`ModelCallError.code` of the call that meets it; empty when the answer can be used."""
    again: bool
    """Is it worth asking again at once?"""
    streamed: bool = False
    """It needs a request that asks for a stream of events."""


def _plain(replaced: bytes, by: bytes) -> Answer:
    """A good answer with some of its bytes replaced."""
    return Answer(lambda path: says("MARK").bytes_for(path).replace(replaced, by))


def _bad_json(path: str) -> list[bytes]:
    frames = (_GOOD.frames or (lambda _: []))(path)
    return [*frames[:3], b'data: {"id":\n\n', *frames[3:]]


def _refusal() -> Answer:
    filtered = openai_body(None, finish="content_filter", refusal="no")
    return either(filtered, anthropic_body("no", finish="refusal"))


_RATE = "llm.rate_limited"
_BAD = "llm.bad_response"
_LATE = "llm.timeout"
FAULTS: tuple[Fault, ...] = (
    Fault("429_wait_2", fails(429, "slow down", retry_after="2"), _RATE, again=True),
    Fault("429_wait_90", fails(429, "slow down", retry_after="90"), _RATE, again=True),
    Fault("429_plain", fails(429, "slow down"), _RATE, again=True),
    Fault("500", fails(500), "llm.server", again=True),
    Fault(
        "400_too_long",
        fails(400, "This model's maximum context length is 8192 tokens"),
        "llm.context_too_long",
        again=False,
    ),
    Fault("502_html", Answer(b"<html>bad gateway</html>", status=502), "llm.server", again=True),
    Fault("reset", Answer(b"", mode="reset"), "llm.unreachable", again=True),
    Fault("truncated_json", Answer(b'{"id":"x","choices":[{"index":'), _BAD, again=True),
    Fault("short_body", replace(_GOOD, mode="short"), "llm.unreachable", again=True),
    Fault("empty_choices", sends({"choices": [], "content": None}), _BAD, again=True),
    Fault("no_choices", sends({"id": "x"}), _BAD, again=True),
    Fault(
        "null_content", either(openai_body(None), anthropic_body(None)), "llm.empty", again=False
    ),
    Fault("wrong_schema", sends({"choices": "none", "content": 3, "usage": "x"}), _BAD, again=True),
    Fault("error_in_200", sends({"error": {"message": "overloaded"}}), _BAD, again=True),
    Fault("bad_utf8", _plain(b"MARK", b"\xff\xfeMARK"), "", again=True),
    Fault("lone_surrogate", says("a\ud800b"), "", again=False),
    Fault("huge", Answer(b" " * (17 << 20)), _BAD, again=True),
    Fault("length", says("def f(", finish="length"), "llm.truncated", again=False),
    Fault("refusal", _refusal(), "llm.refused", again=False),
    Fault("slow_loris", replace(_GOOD, mode="drip"), _LATE, again=True),
    Fault("silent", Answer(b"", mode="silent"), _LATE, again=True),
    Fault("s_stall", replace(_GOOD, mode="stall"), _LATE, again=True, streamed=True),
    Fault("s_reset", replace(_GOOD, mode="break"), "llm.unreachable", again=True, streamed=True),
    Fault("s_cut", replace(_GOOD, mode="cut"), _BAD, again=True, streamed=True),
    Fault("s_bad_json", replace(_GOOD, frames=_bad_json), _BAD, again=True, streamed=True),
    Fault("s_trickle", replace(_GOOD, mode="trickle"), _LATE, again=True, streamed=True),
)
"""The 26 faults; `huge` sends 17 MB, one more than is read."""


def _calls(*calls: Any, text: str | None = None, finish: str = "tool_calls") -> Answer:
    """An answer with tool calls that nobody offered tools for; OpenAI's shape, and Anthropic's."""
    blocks: list[Any] = [] if text is None else [{"type": "text", "text": text}]
    for call in calls:
        inner = call.get("function") if isinstance(call, dict) else None
        named = inner if isinstance(inner, dict) else {}
        block = {"type": "tool_use", "id": "t1", "name": named.get("name")}
        blocks.append({**block, "input": named.get("arguments")})
    message = {**anthropic_body(None), "content": blocks}
    message["stop_reason"] = "tool_use" if finish == "tool_calls" else "end_turn"
    return either(openai_body(text, finish=finish, tool_calls=list(calls)), message)


def _call(name: str, arguments: str, identity: str = "t1") -> dict[str, Any]:
    return {
        "id": identity,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


_TOOL = "llm.unexpected_tool"
TOOL_GARBAGE: tuple[Fault, ...] = (
    Fault("tool_bad_json", _calls(_call("add", '{"a": 1,')), _TOOL, again=False),
    Fault("tool_unknown", _calls(_call("rm_rf", "{}")), _TOOL, again=False),
    Fault("tool_twice", _calls(_call("add", "{}"), _call("add", "{}")), _TOOL, again=False),
    Fault("tool_no_object", _calls("add(1, 2)", 7), _TOOL, again=False),
    Fault(
        "tool_and_stop", _calls(_call("add", "{}"), text="see", finish="stop"), _TOOL, again=False
    ),
    Fault("tool_without_call", _calls(), _TOOL, again=False),
    Fault("stop_token", says("forty-two<|im_end|>"), "", again=False),
    Fault("stop_token_run_on", says("forty-two<|im_end|>\n<|im_start|>user\nhm"), "", again=False),
    Fault("other_model", _plain(b"served-model", b"another-model"), "", again=False),
)
"""What models put where a tool call would go; no request of ours offers a tool."""


def mix(
    rate: float,
    *,
    seed: int = 0,
    faults: Sequence[Fault] = FAULTS,
    good: Callable[[Asked], Answer] = lambda _: _GOOD,
) -> Callable[[Asked], Answer]:
    """A `choose` for `ModelServer`: one of `faults` with probability `rate`, else `good`.

    Args:
        rate: In [0, 1].
        seed: Of the choice; the order in which requests arrive is up to the client.
        faults: To choose from, evenly.
        good: The answer to a request that meets no fault.
    """
    chance = random.Random(seed)  # noqa: S311  (repeatable, no secret)

    def choose(asked: Asked) -> Answer:
        if chance.random() < rate:
            return chance.choice(faults).answer
        return good(asked)

    return choose
