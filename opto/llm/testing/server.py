"""A model server on loopback that speaks both vendors' wire formats and misbehaves on request.

Real sockets, real SDKs: nothing is patched. Each request takes the next entry of `plan`; when the
plan is used up, `choose` decides, and a plain good answer is given when it is None.

Lives here: the HTTP server.
Never here: what the answers look like (`answers`), the list of faults (`faults`).
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable

from opto.llm.testing.answers import Answer, Asked, says

_DRIP_S = 0.05


class ModelServer:
    """Runs in a thread of its own; `asked` lists the requests in the order they came."""

    def __init__(self, choose: Callable[[Asked], Answer] | None = None) -> None:
        """Make a server; it listens inside a `with` block.

        Args:
            choose: The answer to a request that the `plan` does not cover.
        """
        self.plan: list[Answer] = []
        self.choose = choose
        self.asked: list[Asked] = []
        self.health_checks = 0
        """GET requests, which are answered by an empty list of models."""
        self.in_flight = self.most_in_flight = 0
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-server")
        self._stop: asyncio.Event

    def __enter__(self) -> ModelServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._stop.wait()
        server.close()
        handlers = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            more = True
            while more:
                asked = await _read_request(reader)
                more = asked is not None and await self._respond(asked, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client or the test is done with it
        finally:
            writer.close()

    async def _respond(self, asked: tuple[str, Asked], writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection ends with it."""
        method, request = asked
        if method == "GET":
            self.health_checks += 1
            answer = Answer(b'{"object": "list", "data": []}')
            return await _whole(answer, answer.bytes_for(request.path), writer)
        self.asked.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = self._next(request)
            if answer.delay_s:
                await asyncio.sleep(answer.delay_s)
            return await self._answer(answer, request, writer)
        finally:
            self.in_flight -= 1

    def _next(self, request: Asked) -> Answer:
        if self.plan:
            return self.plan.pop(0)
        return says("hello") if self.choose is None else self.choose(request)

    async def _answer(self, answer: Answer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        if answer.mode == "reset":
            _reset(writer)
            return False
        if answer.mode == "silent":
            await self._stop.wait()
            return False
        if asked.streamed and answer.frames is not None:
            return await self._stream(answer, answer.frames(asked.path), writer)
        body = answer.bytes_for(asked.path)
        if answer.mode == "whole":
            return await _whole(answer, body, writer)
        writer.write(_head(answer, len(body) + 1000, close=True))
        if answer.mode == "drip":
            for position in range(len(body)):
                writer.write(body[position : position + 1])
                await writer.drain()
                await asyncio.sleep(_DRIP_S)
            return False
        writer.write(body if answer.mode == "short" else body[: len(body) // 2])
        await writer.drain()
        await self._end(answer, b" ", writer)
        return False

    async def _stream(
        self, answer: Answer, frames: list[bytes], writer: asyncio.StreamWriter
    ) -> bool:
        head = (
            f"HTTP/1.1 {answer.status} X\r\nContent-Type: text/event-stream\r\n"
            "Connection: close\r\n\r\n"
        )
        writer.write(head.encode("ascii"))
        sent = frames if answer.mode in ("whole", "drip") else frames[: max(1, len(frames) - 3)]
        for piece in sent:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(_DRIP_S if answer.mode == "drip" else 0)
        await self._end(answer, b": keep-alive\n\n", writer)
        return False

    async def _end(self, answer: Answer, filler: bytes, writer: asyncio.StreamWriter) -> None:
        """What comes after the part that was sent."""
        if answer.mode == "stall":
            await self._stop.wait()
        elif answer.mode == "break":
            await asyncio.sleep(_DRIP_S)  # so that what was sent arrives before the reset
            _reset(writer)
        while answer.mode == "trickle":
            writer.write(filler)
            await writer.drain()
            await asyncio.sleep(_DRIP_S)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST: without lingering a close would be a polite one."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _whole(answer: Answer, body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(_head(answer, len(body), close=False) + body)
    await writer.drain()
    return True


def _head(answer: Answer, length: int, *, close: bool) -> bytes:
    head = [f"HTTP/1.1 {answer.status} X", f"Content-Length: {length}"]
    head += ["Content-Type: application/json", *(["Connection: close"] if close else [])]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join([*head, "", ""]).encode("ascii")


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, Asked] | None:
    """The next request on a connection, with its method; None at the end."""
    first = (await reader.readline()).decode("ascii").split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while (line := (await reader.readline()).decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return first[0], Asked(first[1], headers, json.loads(body or b"{}"))
