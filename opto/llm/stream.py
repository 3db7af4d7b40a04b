"""Reading along: the text of an answer piece by piece, while it is written.

A listener in a context variable asks the provider for a stream, so the wrappers around a provider
know nothing of it: whole answers and streamed ones take the same path.

Lives here: the listener, and what users iterate over.
Never here: wire formats (`opto.llm.sse`), starting the call (`opto.llm.client`).
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any

from opto.llm.loop import BACKGROUND
from opto.llm.types import Completion
from opto.llm.wire import clean

Work = Callable[["Listener"], Coroutine[Any, Any, Completion]]
"""A call that reports to a listener."""


class Listener:
    """Takes the pieces of one answer and passes them on."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._half = tell, ""
        self.told = False
        """Has somebody seen text? Then the answer cannot start over."""

    def piece(self, text: str) -> None:
        """The next piece; half of a letter waits for the other half."""
        text = self._half + text
        self._half = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        text = text[: len(text) - len(self._half)]
        if text:
            self.told = True
            self._tell(clean(text))

    def finish(self, completion: Completion) -> None:
        """The answer is whole; it is told at once where the provider had no pieces."""
        self.piece("")
        if not self.told and completion.text:
            self._tell(completion.text)


LISTENER: ContextVar[Listener | None] = ContextVar("opto_llm_listener", default=None)


class Stream:
    """The pieces of an answer, for `for`; an answer that is not whole ends in its error."""

    def __init__(self, work: Work) -> None:
        self._pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._call: Future[Completion] = BACKGROUND.submit(work(Listener(self._pieces.put)))
        self._call.add_done_callback(lambda _: self._pieces.put(None))

    def __iter__(self) -> Iterator[str]:
        try:
            while (piece := self._pieces.get()) is not None:
                yield piece
            self._call.result()
        finally:
            self._call.cancel()  # of a call that has ended this does nothing

    @property
    def completion(self) -> Completion:
        """The whole answer; waits for it.

        Raises:
            ModelCallError: There is no complete answer.
        """
        return self._call.result()


class AsyncStream:
    """The pieces of an answer, for `async for`; an answer that is not whole ends in its error."""

    def __init__(self, work: Work) -> None:
        loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()

        def tell(piece: str | None) -> None:
            if not loop.is_closed():  # the reader may be gone
                loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

        self._call: Future[Completion] = BACKGROUND.submit(work(Listener(tell)))
        self._call.add_done_callback(lambda _: tell(None))

    async def __aiter__(self) -> AsyncIterator[str]:
        try:
            while (piece := await self._pieces.get()) is not None:
                yield piece
            await asyncio.wrap_future(self._call)
        finally:
            self._call.cancel()

    async def completion(self) -> Completion:
        """The whole answer; waits for it.

        Raises:
            ModelCallError: There is no complete answer.
        """
        return await asyncio.wrap_future(self._call)
