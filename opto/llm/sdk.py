"""What the providers of both vendors have in common: one attempt, from the request to its answer.

Lives here: the base of the SDK-backed providers, and distrust of what comes back.
Never here: SDKs, one vendor's wire format, retries, limits, budgets, recording.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, Protocol

import httpx2

from opto.llm.connection import Connection, Failed, Reply
from opto.llm.errors import BadResponse, ModelCallError, ModelTimeout
from opto.llm.prices import price_usd
from opto.llm.secret import Secret
from opto.llm.sse import Events
from opto.llm.stream import LISTENER, Listener
from opto.llm.types import Capabilities, Completion, Finish, Request, Usage, Waits
from opto.llm.vendor import Endpoint, no_answer, send_giving_way
from opto.llm.wire import clean, decode_object, quote, status_error, without_stop_tokens

_log = logging.getLogger("opto.llm")
_HEALTHY_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a response body says, before it is an answer."""

    text: str
    finish: Finish
    model: object


class Fold(Protocol):
    """Puts the events of a stream together to the body that a whole answer would have had."""

    def add(self, event: Mapping[str, Any]) -> tuple[str, bool]:
        """The text in `event`, and whether the model moved on at all (it may think in silence)."""
        ...

    def body(self) -> dict[str, Any]: ...


class SdkProvider(ABC):
    """One model behind a vendor's protocol. Use it from one event loop."""

    capabilities: Capabilities
    key_variable: ClassVar[str]
    """Environment variable of the vendor's key."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        key: Secret | None,
        timeout_s: float,
        waits: Waits | None = None,
        streamed: bool = False,
    ) -> None:
        self.name = endpoint.name
        self._waits = waits or Waits()
        self._endpoint, self._connection = endpoint, self._connect(endpoint, key, self._waits)
        self._timeout_s, self._streamed = timeout_s, streamed
        self._refused: set[str] = set()
        self._other_model = False

    async def complete(self, request: Request) -> Completion:
        return await send_giving_way(self._send, request, self._refused)

    async def healthy(self) -> bool:
        """Does the server answer? Costs nothing."""
        return await self._connection.answers("../models", within_s=_HEALTHY_WITHIN_S)

    def price(self, usage: Usage) -> Decimal | None:
        """What `usage` costs here, US dollars; None when nobody knows."""
        return price_usd(self._endpoint.model, usage, base_url=self._endpoint.base_url)

    async def aclose(self) -> None:
        await self._connection.close()

    @staticmethod
    @abstractmethod
    def _connect(endpoint: Endpoint, key: Secret | None, waits: Waits) -> Connection:
        """The vendor's way to the server: address, headers, proxies, certificates."""

    @abstractmethod
    def _wire_body(self, request: Request) -> dict[str, Any]:
        """The request as this server spells it."""

    @abstractmethod
    def _stream_options(self) -> dict[str, Any]:
        """What the body needs in addition to ask for a stream."""

    @abstractmethod
    def _fold(self) -> Fold: ...

    @abstractmethod
    def _said(self, data: Mapping[str, Any]) -> Said:
        """What a decoded body says; BadResponse when that is no answer."""

    @abstractmethod
    def _usage(self, counts: object, *, seconds: float) -> Usage: ...

    async def _send(self, request: Request) -> Completion:
        """One attempt.

        An error leaves without the frames below: they hold what the server said and the headers
        that were sent, and a traceback may show the variables of its frames.
        """
        outcome = await self._attempt(request)
        if isinstance(outcome, Completion):
            return outcome
        outcome.__context__ = None
        raise outcome.with_traceback(None)

    async def _attempt(
        self, request: Request
    ) -> Completion | ModelCallError | asyncio.CancelledError:
        started, body = time.monotonic(), self._wire_body(request)
        listener = LISTENER.get()
        try:
            async with asyncio.timeout(self._timeout_s):
                if listener is None and not self._streamed:
                    data, damaged = await self._whole(body)
                else:
                    data, damaged = await self._pieces(body, listener)
            return self._read(data, damaged=damaged, seconds=time.monotonic() - started)
        except Failed as failure:
            return self._status_error(failure.reply)
        except (httpx2.HTTPError, httpx2.StreamError, TimeoutError) as failure:
            return no_answer(failure, self._endpoint, timeout_s=self._timeout_s)
        except ModelCallError as error:
            return error
        except asyncio.CancelledError:
            return asyncio.CancelledError()

    async def _whole(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        reply = await self._connection.post(_as_bytes(body))
        if not reply.good:
            raise Failed(reply)
        return decode_object(reply.body, where=self.name)

    async def _pieces(
        self, body: Mapping[str, Any], listener: Listener | None
    ) -> tuple[dict[str, Any], bool]:
        """The body that the events of a stream add up to."""
        events, fold = Events(where=self.name), self._fold()
        asked = _as_bytes({**body, **self._stream_options()})
        first_s, idle_s = self._waits.first_token_s, self._waits.idle_s
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(first_s) as limit, self._connection.stream(asked) as chunks:
                async for chunk in chunks:
                    for event in events.feed(chunk):
                        text, moved = fold.add(event)
                        if moved:  # a server that only keeps the line open is as good as silent
                            limit.reschedule(None if idle_s is None else now() + idle_s)
                        if text and listener is not None:
                            listener.piece(text)
        except TimeoutError:
            if limit.expired():
                raise ModelTimeout(
                    "The server stopped in the middle of its answer, or never began one.",
                    where=f"{self.name}: first token within {first_s:g} s, each further "
                    f"within {idle_s:g} s"
                    if first_s and idle_s
                    else self.name,
                    fix="Allow longer silence (Waits), or use another server.",
                ) from None
            raise
        for event in events.end():
            fold.add(event)
        if not events.any and events.whole:
            return decode_object(events.whole, where=self.name)
        return fold.body(), events.damaged

    def _status_error(self, reply: Reply) -> ModelCallError:
        text = reply.body.decode("utf-8", errors="replace")
        hint = self._endpoint.key_hint(self.key_variable)
        return status_error(reply.status, text, reply.headers, name=self.name, key_hint=hint)

    def _read(self, data: Mapping[str, Any], *, damaged: bool, seconds: float) -> Completion:
        """The completion in a decoded response body."""
        usage = self._usage(data.get("usage"), seconds=seconds)
        try:
            said = self._said(data)
        except BadResponse as error:
            error.usage = usage if usage.input_tokens or usage.output_tokens else None
            raise
        text = without_stop_tokens(clean(said.text))
        model = clean(said.model) if isinstance(said.model, str) else self._endpoint.model
        self._notice(model)
        return Completion(text=text, finish=said.finish, usage=usage, model=model, damaged=damaged)

    def _notice(self, model: str) -> None:
        """Say, once, that another model answers than was asked for; aliases look like that, too."""
        asked = self._endpoint.model
        if asked in model or model in asked or self._other_model:
            return
        self._other_model = True
        _log.warning("%s: the server says that %r answers.", self.name, quote(model)[:100])


def make_usage(usage: Usage, endpoint: Endpoint, *, cache_write_tokens: int = 0) -> Usage:
    """`usage` with its price at `endpoint`."""
    usd = price_usd(
        endpoint.model,
        usage,
        base_url=endpoint.base_url,
        cache_write_tokens=cache_write_tokens,
    )
    return replace(usage, usd=usd)


def _as_bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
