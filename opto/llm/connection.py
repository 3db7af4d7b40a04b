"""The way to one server: address, headers with the key, and the pool of connections.

An SDK decides what to send beside the body (authorization, version, user agent, proxies); the body
goes out as bytes and comes back as bytes. Measured: what the SDKs do to a body on its way in and
out takes as long as the whole HTTP exchange, and none of it is trusted afterwards.

Lives here: sending, time limits while receiving, the size cap.
Never here: SDKs, what the bytes mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from opto.llm.errors import BadResponse
from opto.llm.types import Waits
from opto.llm.wire import MAX_BODY_BYTES

MAX_ERROR_BYTES = 2**16
"""Of what a server says with an error, this much is read."""
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=1000)
"""Beyond any sensible number of parallel calls; those are limited in `opto.llm.limits`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        """Does it have a success status?"""
        return self.status < 300  # noqa: PLR2004  (where HTTP's success ends)


class Failed(Exception):  # noqa: N818  (an answer, not a fault of ours)
    """The server answered a request for a stream with an error status."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Connection:
    """Sends requests to one server. Use it from one event loop."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        url: str,
        *,
        headers: Callable[[], Mapping[str, str]],
        waits: Waits,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        """Take over a client.

        Args:
            http: Its proxies and certificates are used, its default headers are not.
            url: Where requests go.
            headers: Gives those of a request, the key among them; not kept, so not printed.
            waits: How long the server may be silent.
            close: Lets go of `http`.
        """
        self._http, self._url, self._headers = http, httpx2.URL(url), headers
        self._waits, self._close = waits, close
        limits = {"connect": waits.connect_s, "read": None, "write": None, "pool": None}
        self._extensions = {"timeout": limits}

    async def post(self, content: bytes) -> Reply:
        """The reply to `content`, read as a whole.

        Raises:
            BadResponse: The server sends more than 16 MB.
            httpx2.HTTPError, TimeoutError: There is no reply.
        """
        first_s = self._waits.first_byte_s
        async with asyncio.timeout(first_s) as limit, self._sent(content) as response:
            chunks = response.aiter_bytes()
            body = bytearray()
            async for chunk in chunks:
                limit.reschedule(None)
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise self._too_much()
            return Reply(response.status_code, response.headers, bytes(body))

    @asynccontextmanager
    async def stream(self, content: bytes) -> AsyncIterator[AsyncIterator[bytes]]:
        """The reply to `content` in chunks.

        Raises:
            Failed: The server answered with an error status.
            httpx2.HTTPError: There is no reply.
        """
        async with self._sent(content) as response:
            if response.status_code >= 300:  # noqa: PLR2004
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ERROR_BYTES:
                        break
                raise Failed(Reply(response.status_code, response.headers, bytes(body)))
            yield response.aiter_bytes()

    async def answers(self, path: str, *, within_s: float) -> bool:
        """Does the server answer a GET at all, be it with "not found"?"""
        url = self._url.join(path)
        request = httpx2.Request("GET", url, headers=self._headers(), extensions=self._extensions)
        try:
            async with asyncio.timeout(within_s):
                response = await self._http.send(request, stream=True)
                await response.aclose()
        except (httpx2.HTTPError, TimeoutError):
            return False
        return response.status_code < 500  # noqa: PLR2004  (from there on it is the server's fault)

    async def close(self) -> None:
        """Close all connections; calling it twice is harmless."""
        await self._close()

    @asynccontextmanager
    async def _sent(self, content: bytes) -> AsyncIterator[httpx2.Response]:
        request = httpx2.Request(
            "POST",
            self._url,
            headers=self._headers(),
            content=content,
            extensions=self._extensions,
        )
        response = await self._http.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    def _too_much(self) -> BadResponse:
        return BadResponse(f"The server sent more than {MAX_BODY_BYTES >> 20} MB for one answer.")
