"""A budget that cannot be overspent: the worst a call can cost is set aside before it is made.

Lives here: limits on dollars, tokens, calls and seconds, nested ones too, and what is held.
Never here: prices, what a call can cost at worst (`opto.llm.budgeted`), sums for display.
"""

# ruff: noqa: SLF001  (budgets within each other share their insides, and one lock)

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal

from opto.llm.errors import BudgetExceeded, ModelCallError
from opto.llm.types import Usage

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """What a call takes, or may take."""

    usd: Decimal = ZERO
    tokens: int = 0
    calls: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.usd + other.usd, self.tokens + other.tokens, self.calls + other.calls)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.usd - other.usd, self.tokens - other.tokens, self.calls - other.calls)

    def __str__(self) -> str:
        return f"{self.usd:.6f} USD, {self.tokens} tokens, {self.calls} calls"


class Budget:
    """A ceiling that no call may pass, in any of four units. None: no ceiling of that kind.

    May be shared by several models and threads. Calls that are under way when it is used up end as
    they would: what they cost was set aside before.
    """

    def __init__(
        self,
        *,
        usd: Decimal | float | str | None = None,
        tokens: int | None = None,
        calls: int | None = None,
        seconds: float | None = None,
        within: Budget | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at nothing spent.

        Args:
            usd: US dollars at list price.
            tokens: Read and written together.
            calls: Questions; their retries are not counted.
            seconds: Wall time from now on; later no call starts.
            within: A larger budget, of the whole session for one, that this one is part of.
            clock: Seconds that never go back.
        """
        self.usd = None if usd is None else Decimal(str(usd))
        self.tokens, self.calls, self.seconds = tokens, calls, seconds
        self.within = within
        self._clock, self._began = clock, clock()
        self._spent = self._held = Amount()
        self._lock: threading.Lock = threading.Lock() if within is None else within._lock
        self._waiting: list[Callable[[], None]] = [] if within is None else within._waiting

    @property
    def spent(self) -> Amount:
        """What ended calls took; where the server did not say, the worst they can have."""
        return self._spent

    @property
    def held(self) -> Amount:
        """What is set aside for calls under way."""
        return self._held

    @property
    def counts_usd(self) -> bool:
        """Is there a ceiling in dollars, here or further out?"""
        return any(budget.usd is not None for budget in self._chain())

    async def reserve(self, worst: Amount) -> Hold:
        """Set `worst` aside; waits while calls under way may leave room for it.

        Raises:
            BudgetExceeded: It does not fit even when nothing is under way.
        """
        while True:
            loop, turn = asyncio.get_running_loop(), asyncio.Event()

            def wake(loop: asyncio.AbstractEventLoop = loop, turn: asyncio.Event = turn) -> None:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(turn.set)

            with self._lock:
                if self._fits(worst):
                    self._hold(worst)
                    return Hold(self, worst)
                self._waiting.append(wake)
            try:
                await turn.wait()
            finally:
                with self._lock:
                    if wake in self._waiting:
                        self._waiting.remove(wake)

    def add(self, amount: Amount, *, taken: Amount) -> None:
        """Give back what was set aside for a call and count what it took."""
        with self._lock:
            for budget in self._chain():
                budget._held -= amount
                budget._spent += taken
            waiting, self._waiting[:] = tuple(self._waiting), []
        for wake in waiting:
            wake()

    def try_hold(self, amount: Amount) -> None:
        """Set more aside, at once.

        Raises:
            BudgetExceeded: There is no room now.
        """
        with self._lock:
            if not self._fits(amount):
                raise self._exceeded(amount, self)
            self._hold(amount)

    def _chain(self) -> Iterator[Budget]:
        budget: Budget | None = self
        while budget is not None:
            yield budget
            budget = budget.within

    def _hold(self, amount: Amount) -> None:
        for budget in self._chain():
            budget._held += amount

    def _fits(self, worst: Amount) -> bool:
        """Is there room now? BudgetExceeded when there cannot be any later."""
        for budget in self._chain():
            if not budget._has_room(budget._spent + worst):
                raise self._exceeded(worst, budget)
        return all(
            budget._has_room(budget._spent + budget._held + worst) for budget in self._chain()
        )

    def _has_room(self, total: Amount) -> bool:
        if self.seconds is not None and self._clock() - self._began >= self.seconds:
            return False
        return not (
            (self.usd is not None and total.usd > self.usd)
            or (self.tokens is not None and total.tokens > self.tokens)
            or (self.calls is not None and total.calls > self.calls)
        )

    def _exceeded(self, worst: Amount, budget: Budget) -> BudgetExceeded:
        return BudgetExceeded(
            f"The budget does not allow this call, which may take {worst}.",
            where=repr(budget),
            fix="Raise the budget, or lower max_tokens of the request.",
        )

    def __repr__(self) -> str:
        caps = {"usd": self.usd, "tokens": self.tokens, "calls": self.calls, "s": self.seconds}
        limits = ", ".join(f"{name}={cap}" for name, cap in caps.items() if cap is not None)
        return f"Budget({limits or 'no limit'}: spent {self._spent}, held {self._held})"


class Hold:
    """What is set aside for one call."""

    def __init__(self, budget: Budget, worst: Amount) -> None:
        self._budget, self._worst = budget, worst
        self._held, self._guessed = worst, Amount()
        self.reported = False
        """Are failed attempts reported one by one?"""

    def failed(self, error: ModelCallError) -> None:
        """An attempt failed; where it can have cost something unknown, that is the worst."""
        self.reported = True
        if error.may_be_billed and not _told(error.usage):
            self._guessed += self._one_more()

    def again(self) -> None:
        """Set the worst aside once more, for another attempt.

        Raises:
            BudgetExceeded: There is no room for it now.
        """
        self._budget.try_hold(more := self._one_more())
        self._held += more

    def settle(self, taken: Amount) -> None:
        """The call is over and took `taken`, guesses not included. Once only."""
        self._budget.add(self._held, taken=taken + self._guessed)
        self._held = Amount()

    def _one_more(self) -> Amount:
        return Amount(self._worst.usd, self._worst.tokens)


def _told(usage: Usage | None) -> bool:
    """Did the server say what the attempt took?"""
    return usage is not None and bool(usage.input_tokens or usage.output_tokens)


HOLD: ContextVar[Hold | None] = ContextVar("opto_llm_hold", default=None)
