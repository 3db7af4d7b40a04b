"""How many calls one server gets at once, and whether it gets any: adaptive limit and breaker.

The limit follows additive increase, multiplicative decrease (Chiu and Jain, 1989) with the slow
start of TCP (RFC 5681). Two rules keep it from freezing after a burst of refusals: a refusal is
counted at most once per two usual latencies, never longer than five seconds whatever the server
asks a single call to wait; and the longer there was none, the longer the steps upwards.

Lives here: the state of one server and the arithmetic on it. The clock is an argument.
Never here: waiting, waking, choosing between servers (`opto.llm.limits`).
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from opto.llm.errors import (
    CircuitOpen,
    ModelCallError,
    ModelTimeout,
    RateLimited,
    ServerError,
    UnreachableServer,
)

_USUAL_S = 1.0
"""Latency that is assumed before any was measured, seconds."""
_DEAF_AT_MOST_S = 5.0
_PATIENCE_S = 10.0
"""After each so many seconds without a refusal the step upwards doubles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPolicy:
    """How the number of parallel calls to one server is found."""

    start: int = 16
    """Calls at once before the server has said anything."""
    floor: int = 1
    ceiling: int = 256
    refused: float = 0.5
    """Factor after a 429."""
    late: float = 0.9
    """Factor after a timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a failing server is left alone."""

    failures: int = 5
    """In a row: no connection, a broken one, 5xx, a timeout."""
    open_s: float = 10.0
    """Then nothing is sent for so long, seconds; one call tries whether it is back."""


class Lane:
    """One server: what is under way there, and what may be."""

    def __init__(
        self, limits: LimitPolicy, breaker: BreakerPolicy, clock: Callable[[], float]
    ) -> None:
        self._limits, self._breaker, self._clock = limits, breaker, clock
        self.limit = float(max(limits.floor, min(limits.start, limits.ceiling)))
        """Calls it may have at once; the fraction matters for later steps only."""
        self.in_flight = self.taken = 0
        self._slow_start, self._saturated = True, False
        self._good = 0
        self._refused_at = float("-inf")
        self._deaf_until = float("-inf")
        self._latencies_s: deque[float] = deque(maxlen=64)
        self._failures, self._failed_at = 0, float("-inf")
        self._open_until: float | None = None
        self._probing = False
        self.must_be_checked = False
        """It was left alone and has to pass a health check before it gets a call."""

    @property
    def weight(self) -> float:
        """Share of its limit that is in use, more if it failed just now.

        A server that fails at once has little under way; that must not make it attractive.
        """
        recent = self._clock() - self._failed_at < self._breaker.open_s
        return (self.in_flight / self.limit + 0.01) * (1 + self._failures * recent)

    @property
    def open_for_s(self) -> float:
        """Seconds until the breaker lets a call try; 0 when it lets calls through."""
        if self._open_until is None:
            return 0.0
        if self._probing:  # nobody knows yet how that ends
            return max(self._breaker.open_s / 10, 0.001)
        return max(0.0, self._open_until - self._clock())

    @property
    def has_room(self) -> bool:
        """May one more call start now?"""
        if self._open_until is not None and (self._probing or self.open_for_s > 0):
            return False
        return self.in_flight < max(1, int(self.limit)) and not self.must_be_checked

    def take(self) -> None:
        """A call starts."""
        self.in_flight += 1
        self.taken += 1
        self._probing = self._open_until is not None
        self._saturated |= self.in_flight >= int(self.limit)

    def want_more(self) -> None:
        """A call would have started here had there been room."""
        self._saturated = True

    def leave(self) -> None:
        """A call ended and says nothing about the server: it was given up."""
        self.in_flight -= 1
        self._probing = False

    def ended(self, error: ModelCallError | None, seconds: float) -> None:
        """A call ended after `seconds`; `error` is None when it was answered."""
        in_flight = self.in_flight
        self.leave()
        if isinstance(error, RateLimited):
            self._slower(in_flight, self._limits.refused)
        elif isinstance(error, ModelTimeout):
            self._slower(in_flight, self._limits.late)
        elif error is None:
            self._latencies_s.append(seconds)
            self._faster()
        self._judge(error)

    def postpone(self) -> None:
        """It failed its health check: leave it alone once more."""
        self._open_until = self._clock() + self._breaker.open_s

    def _judge(self, error: ModelCallError | None) -> None:
        """Open or close the breaker."""
        fault = isinstance(error, UnreachableServer | ServerError | ModelTimeout)
        if not fault or isinstance(error, CircuitOpen):
            self._failures, self._open_until = 0, None
            return
        self._failures, self._failed_at = self._failures + 1, self._clock()
        waiting = self._open_until is not None and self._clock() < self._open_until
        if self._failures >= self._breaker.failures and not waiting:
            self.postpone()

    def _slower(self, in_flight: int, factor: float) -> None:
        now = self._clock()
        self._slow_start, self._good, self._refused_at = False, 0, now
        if now < self._deaf_until:
            return
        usual = statistics.median(self._latencies_s) if self._latencies_s else _USUAL_S
        self._deaf_until = now + min(2 * usual, _DEAF_AT_MOST_S)
        # what was not in use did not cause the refusal
        self.limit = max(float(self._limits.floor), min(self.limit, in_flight) * factor)

    def _faster(self) -> None:
        if self._slow_start and self._saturated:
            self.limit = min(self.limit + 1, float(self._limits.ceiling))
            return
        self._good += 1
        if self._good < self.limit:
            return
        if self._saturated:  # an unused limit says nothing
            quiet_s = min(self._clock() - self._refused_at, 100 * _PATIENCE_S)
            step = 2.0 ** int(quiet_s / _PATIENCE_S)
            self.limit = min(self.limit + step, float(self._limits.ceiling))
        self._good, self._saturated = 0, False

    def __repr__(self) -> str:
        state = "open" if self._open_until is not None else "closed"
        return f"Lane({self.in_flight} of {self.limit:.1f}, breaker {state})"
