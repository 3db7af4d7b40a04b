"""Limits, and the meter that keeps them: reserve the worst before a launch, settle after it.

Lives here: `Budget`, `Meter` with reservations and child meters.
Never here: what things cost, when to ask (the engine does).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from opto.search.amounts import (
    ZERO,
    Amount,
    Amounts,
    amounts,
    check_count,
    dollars,
    exact,
    minus,
    part,
    plus,
)
from opto.search.canon import JSON
from opto.search.cost import NOTHING, Cost
from opto.search.errors import BudgetError
from opto.search.limits import limits_checked


@limits_checked
@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of a study; None is no limit, but at least one must be given.

    Metric calls, model calls, tokens and dollars are never exceeded, provided no action takes
    more than the worst it declared. Seconds of running stop new launches only: what is in flight
    ends in its own time.

    Raises:
        BudgetError: No limit at all, one that is no amount, or one of another name.
    """

    metric: int | None = None
    llm: int | None = None
    tokens: int | None = None
    usd: Decimal | float | str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if all(getattr(self, name) is None for name in self.__slots__):
            raise BudgetError(
                "A budget needs at least one limit.",
                fix="For example Budget(metric=500), or Budget(usd=1.0).",
            )
        for name in ("metric", "llm", "tokens"):
            check_count(name, getattr(self, name))
        object.__setattr__(self, "usd", dollars(self.usd))
        if self.seconds is not None and not 0 <= float(self.seconds) < float("inf"):
            raise BudgetError(f"A budget cannot have seconds={self.seconds}.")

    @property
    def amounts(self) -> tuple[Amount | None, ...]:
        """The limits that add up, in the order of `Amounts`."""
        return (self.metric, self.llm, self.tokens, None if self.usd is None else exact(self.usd))

    def to_json(self) -> dict[str, JSON]:
        """Only the limits that are set; dollars as text."""
        usd = None if self.usd is None else str(self.usd)
        whole: dict[str, JSON] = {
            "metric": self.metric,
            "llm": self.llm,
            "tokens": self.tokens,
            "usd": usd,
            "seconds": self.seconds,
        }
        return {name: limit for name, limit in whole.items() if limit is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Budget:
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What may still be spent; None where nothing limits it."""

    metric: int | None = None
    llm: int | None = None
    tokens: int | None = None
    usd: Decimal | None = None
    seconds: float | None = None


class Reservation:
    """The right to spend up to the reserved amounts; settle it exactly once, in any thread."""

    __slots__ = ("_meter", "_open", "worst")

    def __init__(self, meter: Meter, worst: Cost) -> None:
        self.worst = worst
        self._meter, self._open = meter, True

    def settle(self, actual: Cost) -> None:
        """Charge what it took and give the rest back; a second call does nothing."""
        with self._meter.lock:
            if self._open:
                self._open = False
                self._meter.finish(self.worst, actual)

    def release(self) -> None:
        """It was not used."""
        self.settle(NOTHING)


class Meter:
    """Keeps a budget, across threads. Children share its lock and spend from its amounts."""

    def __init__(
        self,
        budget: Budget,
        *,
        used_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start metering now.

        Args:
            budget: The limits.
            used_s: Seconds of running before this process.
            clock: Seconds, monotonic.
        """
        self.lock = threading.RLock()
        self.clock = clock
        self._open(budget.amounts, budget.seconds, clock() - used_s)

    def _open(self, limits: Sequence[Amount | None], seconds: float | None, start: float) -> None:
        self._limits, self._seconds, self._start = tuple(limits), seconds, start
        self._spent = NOTHING
        self._held: Amounts = ZERO
        self._closed = False

    def reserve(self, worst: Cost) -> Reservation | None:
        """The right to spend up to `worst`; None if that may exceed a limit of this or a parent.

        With a limit on dollars, nothing more is reserved once a price was unknown.
        """
        with self.lock:
            if self.stopped:
                return None
            held = plus(self._held, amounts(worst))
            spent = amounts(self._spent)
            for limit, used, kept in zip(self._limits, spent, held, strict=True):
                if limit is not None and used + kept > limit:
                    return None
            self._held = held
            return Reservation(self, worst)

    def charge(self, actual: Cost) -> None:
        """Add what was spent, reserved or not (answers from the log of an earlier process)."""
        with self.lock:
            self._spent = self._spent + actual

    def hold(self, amounts: Amounts) -> None:
        """Set amounts aside, or give them back where they are negative."""
        with self.lock:
            self._held = plus(self._held, amounts)

    def finish(self, worst: Cost, actual: Cost) -> None:
        """For reservations: give `worst` back, charge `actual`."""
        with self.lock:
            self.hold(minus(ZERO, amounts(worst)))
            self.charge(actual)

    def child(self, fraction: float, *, time: float | None = None) -> ChildMeter:
        """A meter over a part of what is left, set aside here until the child is closed.

        Args:
            fraction: 0 to 1; counts are rounded down. What is unlimited here is unlimited there.
            time: Share of the seconds left, from now on; the same as `fraction` when None.

        Raises:
            BudgetError: A share is not within 0 and 1.
        """
        share = fraction if time is None else time
        if not 0 <= fraction <= 1 or not 0 <= share <= 1:
            raise BudgetError(f"A child cannot have {fraction}, {share} of a budget: use 0 to 1.")
        with self.lock:
            free = self._free()
            limits = [None if a is None else part(max(a, 0), fraction) for a in free]
            seconds = self._seconds_left()
            return ChildMeter(self, limits, None if seconds is None else seconds * share)

    def close(self) -> None:
        """Reserve nothing more."""
        with self.lock:
            self._closed = True

    @property
    def stopped(self) -> bool:
        """Is it closed, out of time, or unable to know what dollars are left?"""
        return self._closed or self.out_of_time or self._blind

    @property
    def spent(self) -> Cost:
        """The sum of what was charged."""
        return self._spent

    @property
    def out_of_time(self) -> bool:
        """Are the seconds used up?"""
        left = self._seconds_left()
        return left is not None and left <= 0

    @property
    def elapsed_s(self) -> float:
        """Seconds of running so far, earlier processes included."""
        return self.clock() - self._start

    @property
    def exceeded(self) -> bool:
        """Did actions take more than the worst they declared, beyond a limit?"""
        spent = amounts(self._spent)
        pairs = zip(self._limits, spent, strict=True)
        return any(limit is not None and used > limit for limit, used in pairs)

    @property
    def reason(self) -> str:
        """Which limits are used up, in words; empty if none is."""
        with self.lock:
            names = ("metric", "llm", "tokens", "usd")
            free = zip(names, self._free(), strict=True)
            spent = [name for name, amount in free if amount is not None and amount <= 0]
            if self.out_of_time:
                spent.append("seconds")
            if self._blind:
                spent.append("usd (the price of a model call is unknown)")
            return ", ".join(spent)

    def left(self) -> Left:
        """What may still be reserved."""
        with self.lock:
            metric, llm, tokens, usd = (None if a is None else max(a, 0) for a in self._free())
            return Left(
                metric=None if metric is None else int(metric),
                llm=None if llm is None else int(llm),
                tokens=None if tokens is None else int(tokens),
                usd=None if usd is None else Decimal(usd),
                seconds=self._seconds_left(),
            )

    @property
    def _blind(self) -> bool:
        """Are dollars limited, and a price was unknown?"""
        return self._spent.unpriced > 0 and self._limits[3] is not None

    def _seconds_left(self) -> float | None:
        return None if self._seconds is None else self._seconds - self.elapsed_s

    def _free(self) -> list[Amount | None]:
        """Limit less spent less held, where there is a limit."""
        spent = amounts(self._spent)
        return [
            None if limit is None else limit - used - kept
            for limit, used, kept in zip(self._limits, spent, self._held, strict=True)
        ]


class ChildMeter(Meter):
    """A part of another meter: what it may spend is held there, what it spends is spent there."""

    def __init__(
        self, parent: Meter, limits: Sequence[Amount | None], seconds: float | None
    ) -> None:
        """Take `limits` from `parent`; `Meter.child` is the usual way."""
        self.lock, self.clock, self._parent = parent.lock, parent.clock, parent
        self._open(limits, seconds, self.clock())
        parent.hold(self._room())

    def reserve(self, worst: Cost) -> Reservation | None:
        """As `Meter.reserve`; what this meter does not limit is asked of the parent."""
        with self.lock:
            if self._parent.stopped:
                return None
            return super().reserve(worst)

    def charge(self, actual: Cost) -> None:
        with self.lock:
            before = self._room()
            super().charge(actual)
            self._parent.hold(minus(self._room(), before))
            self._parent.charge(actual)

    def close(self) -> None:
        """Give what was not spent back to the parent; may be called twice."""
        with self.lock:
            before = self._room()
            super().close()
            self._parent.hold(minus(self._room(), before))

    def give_back(self) -> None:
        """Let the parent have what is left of model calls, tokens and dollars."""
        with self.lock:
            spent = amounts(self._spent)
            self._limit(lambda unit, limit: min(limit, spent[unit]))

    def take_free(self) -> None:
        """Take what model calls, tokens and dollars the parent has free."""
        with self.lock:
            free = self._parent._free()  # noqa: SLF001  (meters within each other share insides)
            self._limit(lambda unit, limit: limit + max(free[unit] or 0, 0))

    def _limit(self, change: Callable[[int, Amount], Amount]) -> None:
        """Other limits for what only models take; the parent holds the difference."""
        before = self._room()
        self._limits = tuple(
            limit if limit is None or unit == 0 else change(unit, limit)
            for unit, limit in enumerate(self._limits)
        )
        self._parent.hold(minus(self._room(), before))

    def _room(self) -> Amounts:
        """What the parent holds for this child: its limits less what it spent."""
        metric, llm, tokens, usd = (
            0 if limit is None or self._closed else max(limit - used, 0)
            for limit, used in zip(self._limits, amounts(self._spent), strict=True)
        )
        return (metric, llm, tokens, usd)
