"""OpenAI's chat completions, at OpenAI or at any server that speaks the same protocol.

Lives here: the only use of the `openai` SDK, and how the protocol spells requests and answers.
Never here: sending (`opto.llm.sdk`), retries (the SDK's are off), limits, budgets, recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx2
import openai

from opto.llm.connection import LIMITS, Connection
from opto.llm.errors import BadResponse, EmptyAnswer, InvalidRequest
from opto.llm.schema import COMPATIBLE, OPENAI, in_words, reduce_schema
from opto.llm.sdk import Fold, Said, SdkProvider, make_usage
from opto.llm.secret import Secret
from opto.llm.types import Capabilities, Finish, OpenOptions, Request, Usage, Waits
from opto.llm.vendor import Endpoint
from opto.llm.wire import clean, count, quote, take

VENDOR_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "content_filter": "filter",
    "tool_calls": "tool",
    "function_call": "tool",
}


def open_provider(rest: str, options: OpenOptions) -> OpenAIProvider:
    """The provider for `openai:REST`, where REST is `NAME` or `NAME@http://host:port/v1`."""
    endpoint = Endpoint.parse(rest, provider="openai", vendor_url=VENDOR_URL)
    return OpenAIProvider(
        endpoint,
        key=endpoint.key(KEY_VARIABLE),
        timeout_s=options.attempt_timeout_s,
        waits=options.waits,
        streamed=options.streamed,
    )


class OpenAIProvider(SdkProvider):
    """One model behind the chat completions protocol. Use it from one event loop."""

    capabilities = Capabilities(schema=True, seed=True)
    key_variable: ClassVar[str] = KEY_VARIABLE

    @staticmethod
    def _connect(endpoint: Endpoint, key: Secret | None, waits: Waits) -> Connection:
        return _connect(endpoint, key, waits)

    def _wire_body(self, request: Request) -> dict[str, Any]:
        return _body(request, self._endpoint)

    def _stream_options(self) -> dict[str, Any]:
        return {"stream": True, "stream_options": {"include_usage": True}}

    def _fold(self) -> Fold:
        return _Chunks()

    def _said(self, data: Mapping[str, Any]) -> Said:
        choices = take(data, "choices", list, where=self.name)
        if not choices or not isinstance(choices[0], dict):
            raise BadResponse("The server's answer has no choices.", where=self.name)
        message = take(choices[0], "message", dict, where=self.name)
        finish = _FINISH.get(str(choices[0].get("finish_reason")))
        if finish is None:
            raise BadResponse(
                "The server does not say that the answer is complete.",
                where=f"{self.name}: finish_reason {quote(str(choices[0].get('finish_reason')))!r}",
            )
        text, refusal = _text_of(message.get("content")), message.get("refusal")
        if isinstance(refusal, str) and refusal and not text:
            text, finish = refusal, "filter"
        if finish == "stop" and (message.get("tool_calls") or message.get("function_call")):
            finish = "tool"
        if text is None and finish == "stop":
            raise EmptyAnswer("The server's answer has no content.", where=self.name)
        return Said(text or "", finish, data.get("model"))

    def _usage(self, counts: object, *, seconds: float) -> Usage:
        counts = counts if isinstance(counts, dict) else {}
        details = counts.get("prompt_tokens_details")
        usage = Usage(
            input_tokens=count(counts, "prompt_tokens"),
            output_tokens=count(counts, "completion_tokens"),
            cached_tokens=count(details, "cached_tokens") if isinstance(details, dict) else 0,
            seconds=seconds,
        )
        return make_usage(usage, self._endpoint)


class _Chunks:
    """The chunks of a stream, put together."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {"content": [], "refusal": []}
        self._finish: object = None
        self._tools: list[object] = []
        self._rest: dict[str, Any] = {}

    def add(self, event: Mapping[str, Any]) -> tuple[str, bool]:
        self._rest |= {name: event[name] for name in ("model", "usage") if event.get(name)}
        choices = event.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(first, dict):
            return "", False
        delta = first.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        for name, texts in self._texts.items():
            if isinstance(said := delta.get(name), str):
                texts.append(said)
        if delta.get("tool_calls"):
            self._tools.append(delta["tool_calls"])
        self._finish = first.get("finish_reason") or self._finish
        text = delta.get("content")
        moved = any(delta.get(name) for name in delta if name != "role") or self._finish is not None
        return text if isinstance(text, str) else "", moved

    def body(self) -> dict[str, Any]:
        if self._finish is None:
            raise BadResponse("The stream ended before the answer did.", fix="Ask again.")
        message: dict[str, Any] = {"tool_calls": self._tools}
        for name, texts in self._texts.items():
            message[name] = "".join(texts) if texts else None
        return {**self._rest, "choices": [{"message": message, "finish_reason": self._finish}]}


def _connect(endpoint: Endpoint, key: Secret | None, waits: Waits) -> Connection:
    """The SDK's own client, with its proxies, certificates and headers."""
    certificates = httpx2.create_ssl_context()
    client = openai.AsyncOpenAI(
        api_key="none" if key is None else key.reveal(),
        base_url=endpoint.base_url,
        max_retries=0,
        http_client=httpx2.AsyncClient(verify=certificates),  # it sends nothing itself
    )

    def make() -> httpx2.AsyncClient:
        return openai.DefaultAsyncHttpxClient(limits=LIMITS, verify=certificates)

    headers = {**client.default_headers, **client.auth_headers}
    url = f"{endpoint.base_url}/chat/completions"
    return Connection(make, url, headers=headers, waits=waits)


def _body(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """The request as the protocol spells it."""
    if request.grammar is not None or request.prefill is not None:
        raise InvalidRequest(
            f"{endpoint.name} takes no grammar and no given start of an answer.",
            fix="Use a schema, or a llamacpp: model.",
        )
    body: dict[str, Any] = {"model": endpoint.model}
    if request.schema is not None:
        reduced = reduce_schema(request.schema, keywords=COMPATIBLE if endpoint.custom else OPENAI)
        if reduced.has_object_root:
            form = {"name": "answer", "schema": reduced.schema, "strict": reduced.strict}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        else:
            request = in_words(request)
    body["messages"] = [
        {"role": message.role, "content": clean(message.content)} for message in request.messages
    ]
    # OpenAI's newer models refuse max_tokens; other servers may not know the newer name
    body["max_tokens" if endpoint.custom else "max_completion_tokens"] = request.max_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.seed is not None:
        body["seed"] = request.seed
    return body


def _text_of(content: object) -> str | None:
    """Text of a message; some servers send a list of parts. None when there is none."""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(text for text in texts if isinstance(text, str)) or None
    return content if isinstance(content, str) else None
