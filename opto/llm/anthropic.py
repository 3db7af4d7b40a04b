"""Anthropic's messages API.

Lives here: the only use of the `anthropic` SDK, and distrust of what comes back.
Never here: retries (the SDK's are off), limits, budgets, recording.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anthropic
import httpx2

from opto.llm.errors import BadResponse, InvalidRequest, ModelCallError
from opto.llm.prices import price_usd
from opto.llm.schema import ANTHROPIC, in_words, reduce_schema
from opto.llm.secret import Secret
from opto.llm.types import Capabilities, Completion, Finish, OpenOptions, Request, Usage
from opto.llm.vendor import Endpoint, no_answer, send_giving_way
from opto.llm.wire import clean, count, decode_object, read_body, status_error, take

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
        endpoint, key=endpoint.key(KEY_VARIABLE), timeout_s=options.attempt_timeout_s
    )


class AnthropicProvider:
    """One model behind the messages API. Use it from one event loop."""

    capabilities = Capabilities(schema=True)

    def __init__(self, endpoint: Endpoint, *, key: Secret | None, timeout_s: float) -> None:
        self.name = endpoint.name
        self._endpoint, self._timeout_s = endpoint, timeout_s
        self._refused: set[str] = set()
        self._client = anthropic.AsyncAnthropic(
            api_key="none" if key is None else key.reveal(),
            base_url=endpoint.base_url.removesuffix("/v1"),
            max_retries=0,
            timeout=anthropic.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
        )

    async def complete(self, request: Request) -> Completion:
        return await send_giving_way(self._send, request, self._refused)

    async def aclose(self) -> None:
        await self._client.close()

    async def _send(self, request: Request) -> Completion:
        """One attempt. SDK exceptions may quote the key, so they are not chained."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):  # the SDK's limit is per read
                body = await self._post(_body(request, self._endpoint))
        except (anthropic.APIError, httpx2.HTTPError, TimeoutError) as failure:
            error = self._explain(failure)
        else:
            data = decode_object(body, where=self.name)
            return self._read(data, seconds=time.monotonic() - started)
        raise error

    async def _post(self, body: Mapping[str, Any]) -> bytes:
        create = self._client.messages.with_streaming_response.create
        async with create(**body) as response:  # streaming only to cap the size of the body
            return await read_body(response.iter_bytes(), where=self.name)

    def _explain(self, failure: Exception) -> ModelCallError:
        """`failure` as one of our errors, without keys."""
        if isinstance(failure, anthropic.APIStatusError):
            return status_error(
                failure.status_code,
                failure.response.text,
                failure.response.headers,
                name=self.name,
                key_hint=self._endpoint.key_hint(KEY_VARIABLE),
            )
        late = isinstance(failure, anthropic.APITimeoutError)
        return no_answer(failure, self._endpoint, timeout_s=self._timeout_s, late=late)

    def _read(self, data: Mapping[str, Any], *, seconds: float) -> Completion:
        """The completion in a decoded response body."""
        blocks = take(data, "content", list, where=self.name)
        finish = _FINISH.get(str(data.get("stop_reason")))
        if finish is None:
            raise BadResponse(
                "The server does not say that the answer is complete.",
                where=f"{self.name}: stop_reason {data.get('stop_reason')!r}",
            )
        texts = [
            block.get("text")
            for block in blocks
            if isinstance(block, dict) and block.get("type") == "text"
        ]
        text = "".join(text for text in texts if isinstance(text, str))
        if finish == "stop" and not texts:
            raise BadResponse("The server's answer has no text.", where=self.name)
        echoed = data.get("model")
        model = echoed if isinstance(echoed, str) else self._endpoint.model
        usage = self._usage(data.get("usage"), seconds=seconds)
        return Completion(text=clean(text), finish=finish, usage=usage, model=clean(model))

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
        usd = price_usd(
            self._endpoint.model,
            usage,
            base_url=self._endpoint.base_url,
            cache_write_tokens=written,
        )
        return replace(usage, usd=usd)


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
    if request.temperature is not None:  # no longer an argument of the SDK; older models take it
        body["extra_body"] = {"temperature": request.temperature}
    return body
