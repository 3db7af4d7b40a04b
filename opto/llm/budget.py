"""What was used: calls, tokens, seconds and dollars.

Lives here: the sum over calls.
Never here: prices (`opto.llm.prices`), stopping a run.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from decimal import Decimal

from opto.llm.types import JSON, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """A sum of usage."""

    calls: int = 0
    failed_calls: int = 0
    """Part of `calls` that gave no usable answer."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    seconds: float = 0.0
    """Wall time of all calls; parallel calls count each."""
    known_usd: Decimal = Decimal(0)
    """Dollars of the calls whose price is known."""
    unpriced_calls: int = 0
    """Calls that were answered, at an unknown price."""

    @property
    def usd(self) -> Decimal | None:
        """US dollars of all calls; None as soon as the price of one is unknown."""
        return None if self.unpriced_calls else self.known_usd

    def plus(self, usage: Usage | None, *, failed: bool = False) -> Spent:
        """The sum with one more call; `usage` is None for a call nobody answered."""
        used = usage or Usage(usd=Decimal(0))
        return Spent(
            calls=self.calls + 1,
            failed_calls=self.failed_calls + failed,
            input_tokens=self.input_tokens + used.input_tokens,
            output_tokens=self.output_tokens + used.output_tokens,
            cached_tokens=self.cached_tokens + used.cached_tokens,
            seconds=self.seconds + used.seconds,
            known_usd=self.known_usd + (used.usd or 0),
            unpriced_calls=self.unpriced_calls + (used.usd is None),
        )

    def to_json(self) -> JSON:
        return {
            "calls": self.calls,
            "failed_calls": self.failed_calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "seconds": self.seconds,
            "known_usd": str(self.known_usd),
            "unpriced_calls": self.unpriced_calls,
        }

    def __str__(self) -> str:
        usd = f"at least {self.known_usd:.4f}" if self.unpriced_calls else f"{self.known_usd:.4f}"
        tokens = f"{self.input_tokens} tokens in, {self.output_tokens} out"
        return f"{self.calls} calls, {tokens}, {self.seconds:.1f} s, {usd} USD"


class Tally:
    """The running sum of one client; calls may end in any thread."""

    def __init__(self, *, whole: Tally | None = None) -> None:
        """Start at nothing; what is added here is also added to `whole`."""
        self._lock = threading.Lock()
        self._spent = Spent()
        self._whole = whole

    def add(self, usage: Usage | None, *, failed: bool = False) -> None:
        """Count one call; `usage` is None for a call nobody answered."""
        with self._lock:
            self._spent = self._spent.plus(usage, failed=failed)
        if self._whole is not None:
            self._whole.add(usage, failed=failed)

    @property
    def spent(self) -> Spent:
        """The sum so far."""
        return self._spent
