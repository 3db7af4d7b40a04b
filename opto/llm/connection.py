"""The way to one server: address, headers with the key, and the pool of connections.

An SDK decides what to send beside the body (authorization, version, user agent, proxies); the body
goes out as bytes and comes back as bytes. Measured: what the SDKs do to a body on its way in and
out takes as long as the whole HTTP exchange, and none of it is trusted afterwards.

Lives here: sending, time limits while receiving, the size cap.
Never here: SDKs, what the bytes mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
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
_SHARE = 8
"""Calls at once per pool: a pool looks through all its connections for every request."""
_MOST_POOLS = 32


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


class _Part:
    """A pool of connections, and how many calls it has under way."""

    __slots__ = ("busy", "http")

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http, self.busy = http, 0


class Connection:
    """Sends requests to one server. Use it from one event loop."""

    def __init__(
        self,
        make: Callable[[], httpx2.AsyncClient],
        url: str,
        *,
        headers: Mapping[str, object],
        waits: Waits,
    ) -> None:
        """Name the server; nothing is sent yet.

        Args:
            make: Makes a pool of connections, whose proxies and certificates are used and whose
                default headers are not.
            url: Where requests go.
            headers: Of every request, the key among them; values that are no text are left out.
            waits: How long the server may be silent.
        """
        self._make, self._url = make, httpx2.URL(url)
        sent = [
            (name.encode("ascii"), text.encode("ascii"))
            for name, text in headers.items()
            if isinstance(text, str)
        ]

        def raw() -> list[tuple[bytes, bytes]]:
            return sent

        self._headers = raw  # a function, so that nothing prints them
        self._waits = waits
        self._parts: list[_Part] = []
        limits = {"connect": waits.connect_s, "read": None, "write": None, "pool": None}
        self._extensions = {"timeout": limits}

    async def post(self, content: bytes) -> Reply:
        """The reply to `content`, read as a whole.

        Raises:
            BadResponse: The server sends more than 16 MB.
            httpx2.HTTPError, TimeoutError: There is no reply.
        """
        first_s, body = self._waits.first_byte_s, bytearray()
        async with asyncio.timeout(first_s) as limit, self._sent(content) as response:
            async for chunk in response.aiter_bytes():
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
                response = await self._part().http.send(request, stream=True)
                await response.aclose()
        except (httpx2.HTTPError, TimeoutError):
            return False
        return response.status_code < 500  # noqa: PLR2004  (from there on it is the server's fault)

    async def close(self) -> None:
        """Close all connections; calling it twice is harmless."""
        parts, self._parts = self._parts, []
        for part in parts:
            await part.http.aclose()

    def _part(self) -> _Part:
        """A pool with few calls under way."""
        for part in self._parts:
            if part.busy < _SHARE:
                return part
        if len(self._parts) < _MOST_POOLS:
            self._parts.append(_Part(self._make()))
            return self._parts[-1]
        return min(self._parts, key=lambda part: part.busy)

    @asynccontextmanager
    async def _sent(self, content: bytes) -> AsyncIterator[httpx2.Response]:
        request = httpx2.Request(
            "POST",
            self._url,
            headers=self._headers(),
            content=content,
            extensions=self._extensions,
        )
        part = self._part()
        part.busy += 1
        try:
            response = await part.http.send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            part.busy -= 1

    def _too_much(self) -> BadResponse:
        return BadResponse(f"The server sent more than {MAX_BODY_BYTES >> 20} MB for one answer.")
