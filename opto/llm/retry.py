"""Asking again when that can help, within one deadline for the whole call.

Lives here: the one retry loop (the SDKs' own are off), and the budget of retries.
Never here: deciding what an error is (providers), limits of parallel calls, budgets of money.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from opto.llm.errors import BudgetExceeded, CircuitOpen, ModelCallError, ModelTimeout, RateLimited
from opto.llm.limits import PERMIT
from opto.llm.recorded import RETRY
from opto.llm.reserve import HOLD
from opto.llm.secret import redact
from opto.llm.stream import LISTENER
from opto.llm.types import Capabilities, Completion, Provider, Request, Usage
from traces.record import NOTHING, current

_log = logging.getLogger("opto.llm")
_LONG_S = 30.0
"""A wait that is longer than this is told, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long to keep asking. How often is up to the error: `ModelCallError.retries`."""

    deadline_s: float = 600.0
    """For one call with all its attempts and waits, seconds."""
    first_wait_s: float = 0.5
    """Upper end of the first wait; it doubles with every attempt."""
    longest_wait_s: float = 60.0
    share: float = 0.2
    """Retries a client may make per call it makes, so that an outage cannot multiply the cost."""
    spare: int = 50
    """Retries it may make beyond that share; they come back at one a second."""

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


class RetryBudget:
    """Retries that all calls of one client share: a bucket that calls and time fill."""

    def __init__(self, policy: RetryPolicy, clock: Callable[[], float]) -> None:
        self._share, self._most = policy.share, float(max(1, policy.spare))
        self._left, self._clock, self._at = float(policy.spare), clock, clock()

    def called(self) -> None:
        """A call was made."""
        self._left = min(self._most, self._left + self._share)

    def wait_s(self) -> float:
        """Take one retry; seconds until it may be made."""
        now = self._clock()
        self._left = min(self._most, self._left + now - self._at) - 1
        self._at = now
        return max(0.0, -self._left)


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
        self._budget = RetryBudget(policy, clock)

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def complete(self, request: Request) -> Completion:
        started, attempt = self._clock(), 0
        lost: Usage | None = None
        self._budget.called()
        while True:
            attempt += 1
            try:
                completion = await self._attempt(request, started)
                if completion.damaged and attempt == 1 and not _read_already() and _paid():
                    _log.warning("%s: bytes that are not UTF-8; asking once more.", self.name)
                    lost = completion.usage
                    continue
            except ModelCallError as error:
                if (hold := HOLD.get()) is not None:
                    hold.failed(error)
                error.attempts, error.usage = attempt, _both(lost, error.usage)
                lost = error.usage
                wait_s = self._wait_s(error, attempt, spent_s=self._clock() - started)
                self._tell(error, attempt, wait_s)
                await self._sleep(wait_s)
                continue
            usage = completion.usage if lost is None else completion.usage.plus(lost)
            usage = replace(usage, seconds=self._clock() - started)
            return replace(completion, usage=usage, attempts=attempt)

    async def _attempt(self, request: Request, started: float) -> Completion:
        """One attempt, with the turn that it needs."""
        permit, began = PERMIT.get(), self._clock()
        late = asyncio.get_running_loop().call_later(_LONG_S, self._still_waiting, request)
        error: ModelCallError
        try:
            async with asyncio.timeout(self.policy.deadline_s - (began - started)):
                if permit is not None:
                    await permit.hold()
                    began = self._clock()
                completion = await self.inner.complete(request)
        except TimeoutError:
            error = self._too_late()
        except ModelCallError as failed:
            error = failed
        else:
            if permit is not None:
                permit.ended(None, self._clock() - began)
            return completion
        finally:
            late.cancel()
        if permit is not None:
            permit.ended(error, self._clock() - began)
        raise error

    def _wait_s(self, error: ModelCallError, attempt: int, *, spent_s: float) -> float:
        """How long to wait before the next attempt; raises `error` when there is none."""
        if attempt > error.retries or _read_already():
            raise error
        wait_s = self.policy.wait_s(attempt, error, jitter=self._jitter())
        if spent_s + wait_s >= self.policy.deadline_s:
            raise self._no_time_left(error)
        if not isinstance(error, RateLimited | CircuitOpen):  # those attempts cost nothing
            wait_s = max(wait_s, self._budget.wait_s())
        if spent_s + wait_s >= self.policy.deadline_s:
            raise error
        if error.may_be_billed and not _paid():
            raise error
        return wait_s

    def _tell(self, error: ModelCallError, attempt: int, wait_s: float) -> None:
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

    def _still_waiting(self, request: Request) -> None:
        purpose = request.purpose or "a call"
        _log.warning("%s: still waiting for %s after %g s.", self.name, purpose, _LONG_S)

    def _too_late(self) -> ModelTimeout:
        return ModelTimeout(
            f"No answer within the deadline of {self.policy.deadline_s:g} s for one call.",
            where=self.name,
            fix="Raise OPTO_CALL_TIMEOUT_S, or use a faster model.",
        )

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
        late.attempts, late.usage = error.attempts, error.usage
        return late

    async def aclose(self) -> None:
        await self.inner.aclose()


def _read_already() -> bool:
    """Has somebody read a part of the answer? That cannot be taken back."""
    listener = LISTENER.get()
    return listener is not None and listener.told


def _paid() -> bool:
    """Set money aside for one more attempt, where there is a budget; is there any?"""
    hold = HOLD.get()
    try:
        if hold is not None:
            hold.again()
    except BudgetExceeded:
        return False
    return True


def _both(one: Usage | None, other: Usage | None) -> Usage | None:
    if one is None or other is None:
        return one or other
    return one.plus(other)
