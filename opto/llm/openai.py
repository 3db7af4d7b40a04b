"""OpenAI's chat completions, at OpenAI or at any server that speaks the same protocol.

Lives here: the only use of the `openai` SDK, and distrust of what comes back.
Never here: retries (the SDK's are off), limits, budgets, recording.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2
import openai

from opto.llm.errors import BadResponse, InvalidRequest, ModelCallError
from opto.llm.prices import price_usd
from opto.llm.schema import COMPATIBLE, OPENAI, in_words, reduce_schema
from opto.llm.secret import Secret
from opto.llm.types import Capabilities, Completion, Finish, OpenOptions, Request, Usage
from opto.llm.vendor import Endpoint, no_answer, send_giving_way
from opto.llm.wire import clean, count, decode_object, read_body, status_error, take

VENDOR_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
_CONNECT_S = 10.0
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
        endpoint, key=endpoint.key(KEY_VARIABLE), timeout_s=options.attempt_timeout_s
    )


class OpenAIProvider:
    """One model behind the chat completions protocol. Use it from one event loop."""

    capabilities = Capabilities(schema=True, seed=True)

    def __init__(self, endpoint: Endpoint, *, key: Secret | None, timeout_s: float) -> None:
        self.name = endpoint.name
        self._endpoint, self._timeout_s = endpoint, timeout_s
        self._refused: set[str] = set()
        self._client = openai.AsyncOpenAI(
            api_key="none" if key is None else key.reveal(),
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=openai.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
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
                body = await self._post(self._wire_body(request))
        except (openai.APIError, httpx2.HTTPError, TimeoutError) as failure:
            error = self._explain(failure)
        else:
            data = decode_object(body, where=self.name)
            return self._read(data, seconds=time.monotonic() - started)
        raise error

    def _wire_body(self, request: Request) -> dict[str, Any]:
        """The request as this server spells it; a server of our own takes more."""
        return _body(request, self._endpoint)

    async def _post(self, body: Mapping[str, Any]) -> bytes:
        create = self._client.chat.completions.with_streaming_response.create
        async with create(**body) as response:  # streaming only to cap the size of the body
            return await read_body(response.iter_bytes(), where=self.name)

    def _explain(self, failure: Exception) -> ModelCallError:
        """`failure` as one of our errors, without keys."""
        if isinstance(failure, openai.APIStatusError):
            return status_error(
                failure.status_code,
                failure.response.text,
                failure.response.headers,
                name=self.name,
                key_hint=self._endpoint.key_hint(KEY_VARIABLE),
            )
        late = isinstance(failure, openai.APITimeoutError)
        return no_answer(failure, self._endpoint, timeout_s=self._timeout_s, late=late)

    def _read(self, data: Mapping[str, Any], *, seconds: float) -> Completion:
        """The completion in a decoded response body."""
        choices = take(data, "choices", list, where=self.name)
        if not choices or not isinstance(choices[0], dict):
            raise BadResponse("The server's answer has no choices.", where=self.name)
        message = take(choices[0], "message", dict, where=self.name)
        finish = _FINISH.get(str(choices[0].get("finish_reason")))
        if finish is None:
            raise BadResponse(
                "The server does not say that the answer is complete.",
                where=f"{self.name}: finish_reason {choices[0].get('finish_reason')!r}",
            )
        text, refusal = _text_of(message.get("content")), message.get("refusal")
        if isinstance(refusal, str) and refusal and not text:
            text, finish = refusal, "filter"
        if text is None:
            if finish == "stop":
                raise BadResponse("The server's answer has no content.", where=self.name)
            text = ""
        echoed = data.get("model")
        model = echoed if isinstance(echoed, str) else self._endpoint.model
        usage = self._usage(data.get("usage"), seconds=seconds)
        return Completion(text=clean(text), finish=finish, usage=usage, model=clean(model))

    def _usage(self, counts: object, *, seconds: float) -> Usage:
        counts = counts if isinstance(counts, dict) else {}
        details = counts.get("prompt_tokens_details")
        usage = Usage(
            input_tokens=count(counts, "prompt_tokens"),
            output_tokens=count(counts, "completion_tokens"),
            cached_tokens=count(details, "cached_tokens") if isinstance(details, dict) else 0,
            seconds=seconds,
        )
        url = self._endpoint.base_url
        return replace(usage, usd=price_usd(self._endpoint.model, usage, base_url=url))


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
