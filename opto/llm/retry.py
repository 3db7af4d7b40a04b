"""Asking again when that can help, within one deadline for the whole call.

Lives here: the one retry loop (the SDKs' own are off).
Never here: deciding what an error is (providers), limits of parallel calls, budgets.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from opto.llm.errors import ModelCallError, ModelTimeout
from opto.llm.recorded import RETRY
from opto.llm.secret import redact
from opto.llm.types import Capabilities, Completion, Provider, Request
from traces.record import NOTHING, current

_log = logging.getLogger("opto.llm")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long to keep asking. How often is up to the error: `ModelCallError.retries`."""

    deadline_s: float = 600.0
    """For one call with all its attempts and waits, seconds."""
    first_wait_s: float = 0.5
    """Upper end of the first wait; it doubles with every attempt."""
    longest_wait_s: float = 60.0

    def wait_s(self, attempt: int, error: ModelCallError, *, jitter: float) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1).

        Full jitter; what the server asks for (`Retry-After`) is a floor, plus up to 10 % so that
        clients do not come back together.

        Args:
            attempt: Attempts made so far.
            error: What the last one ended with.
            jitter: A random number in [0, 1).
        """
        spread = jitter * min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(attempt - 1, 30))
        asked = error.retry_after_s
        return spread if asked is None else max(spread, asked * (1 + 0.1 * jitter))


class Retrying:
    """A provider that is asked again after faults that may pass."""

    def __init__(
        self,
        inner: Provider,
        policy: RetryPolicy,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Wrap `inner`; time (seconds) and chance (in [0, 1)) are arguments."""
        self.inner, self.policy = inner, policy
        self._sleep, self._clock, self._jitter = sleep, clock, jitter

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def complete(self, request: Request) -> Completion:
        started, attempt = self._clock(), 0
        while True:
            attempt += 1
            left_s = self.policy.deadline_s - (self._clock() - started)
            try:
                completion = await self._attempt(request, left_s=left_s)
            except ModelCallError as error:
                error.attempts = attempt
                spent_s = self._clock() - started
                await self._sleep(self._wait_s(error, attempt, spent_s=spent_s))
                continue
            usage = replace(completion.usage, seconds=self._clock() - started)
            return replace(completion, usage=usage, attempts=attempt)

    async def _attempt(self, request: Request, *, left_s: float) -> Completion:
        try:
            async with asyncio.timeout(left_s):
                return await self.inner.complete(request)
        except TimeoutError:
            raise ModelTimeout(
                f"No answer within the deadline of {self.policy.deadline_s:g} s for one call.",
                where=self.name,
                fix="Raise OPTO_CALL_TIMEOUT_S, or use a faster model.",
            ) from None

    def _wait_s(self, error: ModelCallError, attempt: int, *, spent_s: float) -> float:
        """How long to wait before the next attempt; raises `error` when there is none."""
        if attempt > error.retries:
            raise error
        wait_s = self.policy.wait_s(attempt, error, jitter=self._jitter())
        if spent_s + wait_s >= self.policy.deadline_s:
            raise self._no_time_left(error)
        said = redact(error.what)
        _log.warning("%s: %s Attempt %d in %.1f s.", self.name, said, attempt + 1, wait_s)
        (current() or NOTHING).emit(
            RETRY,
            model=self.name,
            code=error.code,
            message=redact(str(error)),
            attempt=attempt,
            wait_s=wait_s,
        )
        return wait_s

    def _no_time_left(self, error: ModelCallError) -> ModelCallError:
        """`error`, saying that the server asked to wait longer than the deadline allows."""
        if error.retry_after_s is None:
            return error
        late = type(error)(
            error.what,
            where=error.where,
            fix=f"The server asks to wait {error.retry_after_s:g} s, longer than the "
            f"{self.policy.deadline_s:g} s a call may take; raise OPTO_CALL_TIMEOUT_S.",
            retry_after_s=error.retry_after_s,
        )
        late.attempts = error.attempts
        return late

    async def aclose(self) -> None:
        await self.inner.aclose()
