"""A model server on loopback that speaks both vendors' wire formats and misbehaves on request.

Real sockets, real SDKs: nothing is patched. Each request takes the next entry of `plan`, or a
plain good answer when the plan is used up.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["whole", "reset", "short", "silent", "drip"]


@dataclass(frozen=True)
class Answer:
    """What the server does with one request."""

    body: bytes | Callable[[str], bytes]
    """Bytes, or a function of the path (the two vendors' answers differ)."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = "whole"


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def openai_body(text: str | None, *, finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish,
            }
        ],
        "usage": {
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "total_tokens": 18,
            "prompt_tokens_details": {"cached_tokens": 5},
        },
    }


def anthropic_body(text: str | None, *, finish: str | None = "end_turn") -> dict[str, Any]:
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "served-model",
        "content": [] if text is None else [{"type": "text", "text": text}],
        "stop_reason": finish,
        "stop_sequence": None,
        "usage": {"input_tokens": 4, "output_tokens": 7, "cache_read_input_tokens": 5},
    }


_ANTHROPIC_FINISH = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def says(text: str, *, finish: str = "stop") -> Answer:
    """A well-formed answer in the format of whoever asks."""

    def body(path: str) -> bytes:
        if path.endswith("/messages"):
            return as_bytes(anthropic_body(text, finish=_ANTHROPIC_FINISH[finish]))
        return as_bytes(openai_body(text, finish=finish))

    return Answer(body)


def sends(data: object) -> Answer:
    """JSON of any shape with status 200."""
    return Answer(as_bytes(data))


def fails(status: int, message: str = "boom", **headers: str) -> Answer:
    """An error status as vendors send it; header names with _ for -."""
    error = {"error": {"message": message, "type": "some_error"}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(as_bytes(error), status=status, headers=named)


def as_bytes(data: object) -> bytes:
    return json.dumps(data).encode("ascii")


class ModelServer:
    """Runs in a thread of its own; `asked` lists the requests in the order they came."""

    def __init__(self) -> None:
        self.plan: list[Answer] = []
        self.asked: list[Asked] = []
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
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
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
            asked = await _read_request(reader)
            self.asked.append(asked)
            answer = self.plan.pop(0) if self.plan else says("hello")
            await self._answer(answer, asked.path, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client or the test is done with it
        finally:
            writer.close()

    async def _answer(self, answer: Answer, path: str, writer: asyncio.StreamWriter) -> None:
        if answer.mode == "reset":
            writer.transport.abort()
            return
        if answer.mode == "silent":
            await self._stop.wait()
            return
        body = answer.body if isinstance(answer.body, bytes) else answer.body(path)
        length = len(body) + (1000 if answer.mode == "short" else 0)
        head = [f"HTTP/1.1 {answer.status} X", f"Content-Length: {length}", "Connection: close"]
        head += ["Content-Type: application/json"]
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*head, "", ""]).encode("ascii"))
        if answer.mode == "drip":
            for position in range(len(body)):
                writer.write(body[position : position + 1])
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.write(body)
        await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> Asked:
    first = (await reader.readline()).decode("ascii")
    headers: dict[str, str] = {}
    while (line := (await reader.readline()).decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(first.split()[1] if first else "", headers, json.loads(body or b"{}"))
