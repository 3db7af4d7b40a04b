"""Anthropic's messages API.

Lives here: the only use of the `anthropic` SDK, and how the API spells requests and answers.
Never here: sending (`opto.llm.sdk`), retries (the SDK's are off), limits, budgets, recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import anthropic
import httpx2

from opto.llm.connection import LIMITS, Connection
from opto.llm.errors import BadResponse, EmptyAnswer, InvalidRequest
from opto.llm.schema import ANTHROPIC, in_words, reduce_schema
from opto.llm.sdk import Fold, Said, SdkProvider, make_usage
from opto.llm.secret import Secret
from opto.llm.types import Capabilities, Finish, OpenOptions, Request, Usage, Waits
from opto.llm.vendor import Endpoint
from opto.llm.wire import clean, count, quote, take

VENDOR_URL = "https://api.anthropic.com"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
_CONNECT_S = 10.0
_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "filter",
    "tool_use": "tool",
}


def open_provider(rest: str, options: OpenOptions) -> AnthropicProvider:
    """The provider for `anthropic:REST`, where REST is `NAME` or `NAME@http://host:port`."""
    endpoint = Endpoint.parse(rest, provider="anthropic", vendor_url=VENDOR_URL)
    return AnthropicProvider(
        endpoint,
        key=endpoint.key(KEY_VARIABLE),
        timeout_s=options.attempt_timeout_s,
        waits=options.waits,
        streamed=options.streamed,
    )


class AnthropicProvider(SdkProvider):
    """One model behind the messages API. Use it from one event loop."""

    capabilities = Capabilities(schema=True)
    key_variable: ClassVar[str] = KEY_VARIABLE

    @staticmethod
    def _connect(endpoint: Endpoint, key: Secret | None, waits: Waits) -> Connection:
        return _connect(endpoint, key, waits)

    def _wire_body(self, request: Request) -> dict[str, Any]:
        return _body(request, self._endpoint)

    def _stream_options(self) -> dict[str, Any]:
        return {"stream": True}

    def _fold(self) -> Fold:
        return _Events()

    def _said(self, data: Mapping[str, Any]) -> Said:
        blocks = take(data, "content", list, where=self.name)
        finish = _FINISH.get(str(data.get("stop_reason")))
        if finish is None:
            raise BadResponse(
                "The server does not say that the answer is complete.",
                where=f"{self.name}: stop_reason {quote(str(data.get('stop_reason')))!r}",
            )
        kinds = [block.get("type") for block in blocks if isinstance(block, dict)]
        texts = [
            block.get("text")
            for block in blocks
            if isinstance(block, dict) and block.get("type") == "text"
        ]
        text = "".join(text for text in texts if isinstance(text, str))
        if finish == "stop" and "tool_use" in kinds:
            finish = "tool"
        if finish == "stop" and not kinds and blocks:
            raise BadResponse("The server's answer has no blocks of text.", where=self.name)
        if finish == "stop" and not texts:
            raise EmptyAnswer("The server's answer has no text.", where=self.name)
        return Said(text, finish, data.get("model"))

    def _usage(self, counts: object, *, seconds: float) -> Usage:
        """Usage; this vendor counts cached and cache-writing tokens beside `input_tokens`."""
        counts = counts if isinstance(counts, dict) else {}
        cached = count(counts, "cache_read_input_tokens")
        written = count(counts, "cache_creation_input_tokens")
        usage = Usage(
            input_tokens=count(counts, "input_tokens") + cached + written,
            output_tokens=count(counts, "output_tokens"),
            cached_tokens=cached,
            seconds=seconds,
        )
        return make_usage(usage, self._endpoint, cache_write_tokens=written)


class _Events:
    """The events of a stream, put together."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._texts: list[str] = []
        self._blocks: list[dict[str, Any]] = []
        self._stop: object = None

    def add(self, event: Mapping[str, Any]) -> tuple[str, bool]:
        kind, delta = event.get("type"), event.get("delta")
        for holder in (event.get("message"), event):
            if isinstance(holder, dict) and isinstance(holder.get("usage"), dict):
                self._usage |= holder["usage"]
        if kind == "message_start" and isinstance(event.get("message"), dict):
            self._message = dict(event["message"])
        if kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            self._blocks.append(event["content_block"])
        if not isinstance(delta, dict):
            return "", False
        self._stop = delta.get("stop_reason") or self._stop
        if kind != "content_block_delta":
            return "", self._stop is not None
        text = delta.get("text")
        if not isinstance(text, str):  # it thinks, or fills in a tool call
            return "", any(delta.get(name) for name in ("thinking", "partial_json", "signature"))
        self._texts.append(text)
        return text, bool(text)

    def body(self) -> dict[str, Any]:
        if self._stop is None:
            raise BadResponse("The stream ended before the answer did.", fix="Ask again.")
        others = [block for block in self._blocks if block.get("type") != "text"]
        spoken = {"type": "text", "text": "".join(self._texts)}
        blocks = [*others, spoken] if len(others) < len(self._blocks) or self._texts else others
        ending = {"stop_reason": self._stop, "usage": self._usage}
        return {**self._message, "content": blocks, **ending}


def _connect(endpoint: Endpoint, key: Secret | None, waits: Waits) -> Connection:
    """The SDK's own client, with its proxies, certificates and headers."""
    certificates = httpx2.create_ssl_context()
    base_url = endpoint.base_url.removesuffix("/v1")
    client = anthropic.AsyncAnthropic(
        api_key="none" if key is None else key.reveal(),
        base_url=base_url,
        max_retries=0,
        http_client=httpx2.AsyncClient(verify=certificates),  # it sends nothing itself
    )

    def make() -> httpx2.AsyncClient:
        return anthropic.DefaultAsyncHttpxClient(limits=LIMITS, verify=certificates)

    headers = {**client.default_headers, **client.auth_headers}
    url = f"{base_url}/v1/messages"
    return Connection(make, url, headers=headers, waits=waits)


def _body(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """The request as the API spells it: the system text apart, the answer's form in a config."""
    if request.grammar is not None or request.prefill is not None:
        raise InvalidRequest(
            f"{endpoint.name} takes no grammar and no given start of an answer.",
            fix="Use a schema, or a llamacpp: model.",
        )
    body: dict[str, Any] = {"model": endpoint.model, "max_tokens": request.max_tokens}
    if request.schema is not None:
        reduced = reduce_schema(request.schema, keywords=ANTHROPIC)
        if reduced.has_object_root and reduced.strict:  # free-form maps are not accepted
            form = {"type": "json_schema", "schema": reduced.schema}
            body["output_config"] = {"format": form}
        else:
            request = in_words(request)
    system = [message.content for message in request.messages if message.role == "system"]
    if system:
        body["system"] = clean("\n\n".join(system))
    body["messages"] = [
        {"role": message.role, "content": clean(message.content)}
        for message in request.messages
        if message.role != "system"
    ]
    if request.temperature is not None:
        body["temperature"] = request.temperature
    return body
