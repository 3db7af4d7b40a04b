"""Server-sent events: bytes of a stream as JSON objects, none of them trusted.

Lives here: cutting a stream into events, its limits, decoding of each.
Never here: what an event means (providers), sockets, time limits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from opto.llm.errors import BadResponse
from opto.llm.wire import MAX_BODY_BYTES, quote

DONE = "[DONE]"


class Events:
    """Takes the bytes of one stream as they come and gives its events."""

    def __init__(self, *, where: str) -> None:
        self._where = where
        self._rest = bytearray()
        self._lines: list[str] = []
        self._seen = 0
        self._body = bytearray()
        self.damaged = False
        """Bytes that are not UTF-8 were replaced."""
        self.any = False
        """Was there an event? Some servers answer with one whole body instead."""

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """The events that `chunk` completes; comments and `[DONE]` are none.

        Raises:
            BadResponse: An event is no JSON object, or the stream is longer than 16 MB.
        """
        self._seen += len(chunk)
        if self._seen > MAX_BODY_BYTES:
            raise BadResponse(
                f"The server sent more than {MAX_BODY_BYTES >> 20} MB for one answer.",
                where=self._where,
            )
        if not self.any:
            self._body += chunk
        self._rest += chunk
        if b"\n" not in chunk:
            return
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            text = self._text(line).removesuffix("\r")
            if text.startswith("data:"):
                self.any = True
                self._lines.append(text[5:].removeprefix(" "))
            elif not text and self._lines:
                data, self._lines = "\n".join(self._lines), []
                if data.strip() != DONE:
                    yield self._decode(data)

    def end(self) -> Iterator[dict[str, Any]]:
        """The last event, where the server forgot the empty line after it."""
        yield from self.feed(b"\n\n")

    @property
    def whole(self) -> bytes:
        """All that came, where it was no stream of events."""
        return bytes(self._body).strip()

    def _text(self, line: bytes | bytearray) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self.damaged = True
            return line.decode("utf-8", errors="replace")

    def _decode(self, data: str) -> dict[str, Any]:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            raise BadResponse(
                "The stream has an event that is not a JSON object.",
                where=f"{self._where}: {quote(data)}",
            )
        if event.get("error"):
            raise BadResponse(
                "The server reported an error in the middle of its answer.",
                where=f"{self._where}: {quote(json.dumps(event['error']))}",
            )
        return event
