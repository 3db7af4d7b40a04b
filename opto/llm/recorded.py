"""Every call of a model, as events of the run in force.

Lives here: the outermost wrapper of a provider, and the kinds of events it writes.
Never here: storage, counting, retries; without an active recorder nothing is written.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from opto.llm.errors import ModelCallError
from opto.llm.recall import recalled
from opto.llm.secret import redact
from opto.llm.types import JSON, Capabilities, Completion, Provider, Request
from traces.errors import TraceError
from traces.record import current

CALL = "llm.call"
"""Data: `model`, `key`, `request`, `completion`; what `replay:FILE` answers from."""
ERROR = "llm.error"
"""Data: `model`, `key`, `request`, `code`, `message`, `attempts`."""
CANCELLED = "llm.cancelled"
"""The `code` of a call that was given up; the server may have billed it."""
RECALLED = "llm.recalled"
"""Data: `key`, `completion` (its usage alone): an interrupted run had paid for this answer."""
RETRY = "llm.retry"
"""Data: `model`, `code`, `message`, `attempt`, `wait_s`."""


class Recorded:
    """A provider whose calls, also failed ones, are events."""

    def __init__(self, inner: Provider) -> None:
        self.inner = inner

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def complete(self, request: Request) -> Completion:
        recorder = current()
        if recorder is None:
            return await self.inner.complete(request)
        about: JSON = {"model": self.name, "key": request.key(self.name)}
        earlier = recalled(str(about["key"]))
        if earlier is not None:
            recorder.emit(RECALLED, key=about["key"], completion={"usage": earlier["usage"]})
            return Completion.from_json(earlier)
        about["request"] = request.to_json()
        try:
            completion = await self.inner.complete(request)
        except ModelCallError as error:
            message = redact(str(error))
            recorder.emit(ERROR, **about, code=error.code, message=message, attempts=error.attempts)
            raise
        except asyncio.CancelledError:
            with suppress(TraceError):  # the run may be closed already; it was told to end
                recorder.emit(ERROR, **about, code=CANCELLED, message="cancelled", attempts=1)
            raise
        recorder.emit(CALL, **about, completion=completion.to_json())
        return completion

    async def aclose(self) -> None:
        await self.inner.aclose()
