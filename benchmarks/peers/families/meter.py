"""One meter for everybody: calls, the recommendation at every moment, and the figures from them.

Lives here: `Meter`, injected faults, the row of figures.
Never here: families, frameworks.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers.families.dice import unit
from benchmarks.peers.families.world import Values, World

CHECKPOINTS = (250, 500, 1000, 2000, 3300, 4000)


class BudgetSpentError(BaseException):
    """Stops a framework that knows no budget; no `except Exception` may swallow it."""


class CrashError(Exception):
    """An evaluation that broke, as injected."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities of injected failures; each is a hash of what was asked and how often."""

    llm: float = 0.0
    evaluator: float = 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What would have been returned, and what had been spent by then."""

    metric: int
    llm: int
    values: Values
    reported: float | None


@dataclass
class Meter:
    """Counts what a framework asks of one task. Safe to use from several threads."""

    world: World
    seed: int
    budget: int
    faults: Faults = field(default_factory=Faults)
    hard: bool = False
    """Is the framework stopped at the limit because it has none of its own?"""
    metric: int = 0
    llm: int = 0
    crashes: int = 0
    moments: list[Moment] = field(default_factory=list)
    seen: dict[str, Values] = field(default_factory=dict)
    _reps: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _tries: Counter[object] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def evaluate(
        self, values: Values, split: str, example: int, rep: int | None = None
    ) -> tuple[float, str]:
        """One metric call; frameworks that do not number repetitions have them counted here.

        Raises:
            BudgetSpentError: The limit is reached, and `hard`.
            CrashError: An injected one.
        """
        key = text_of(values)
        with self._lock:
            if self.hard and self.metric >= self.budget:
                raise BudgetSpentError
            self.metric += 1
            self.seen[key] = values
            place = (key, split, example)
            rep = self._reps[place] if rep is None else rep
            self._reps[place] += 1
            self._tries[(*place, rep)] += 1
            attempt = self._tries[(*place, rep)]
        if unit("crash", self.seed, *place, rep, attempt) < self.faults.evaluator:
            self.crashes += 1
            raise CrashError("injected: the evaluation broke")
        return self.world.sample(values, split, example, rep)

    def asked(self, prompt: str, nonce: int | None) -> int:
        """One model call: the number that its answer depends on besides the prompt.

        Raises:
            TimeoutError: An injected one.
        """
        with self._lock:
            self.llm += 1
            self._tries[prompt] += 1
            number = self._tries[prompt] if nonce is None else nonce
        if unit("timeout", self.seed, prompt, number) < self.faults.llm:
            raise TimeoutError("injected: the model did not answer")
        return number

    def recommend(self, values: Values, reported: float | None = None) -> None:
        """What would be returned now."""
        self.moments.append(Moment(self.metric, self.llm, dict(values), reported))

    def row(self) -> dict[str, Any]:
        """All figures of section 3.3 of the protocol: regrets, gaps, counts."""
        last = self.moments[-1] if self.moments else Moment(0, 0, self.world.start, None)
        end = self.world.true(last.values)
        seen = max((self.world.true(values) for values in self.seen.values()), default=end)
        at = {f"r{b}": self._regret(b, 1, 0) for b in CHECKPOINTS if b <= self.budget}
        by_llm = {f"L{n}": self._regret(n, 0, 1) for n in (50, 100, 200)}
        by_cost = {f"c{price}": self._regret(self.budget, 1, price) for price in (5, 20)}
        return {
            **at,
            "r_end": round(self.world.best - end, 4),
            **by_llm,
            **by_cost,
            "sel_gap": round(seen - end, 4),
            "optimism": None if last.reported is None else round(last.reported - end, 4),
            "metric_calls": self.metric,
            "llm_calls": self.llm,
            "n_cands": len(self.seen),
            "crashes": self.crashes,
            "overshoot": max(0, self.metric - self.budget),
            **{name: round(value, 4) for name, value in self.world.figures(last.values).items()},
        }

    def _regret(self, limit: int, metric: int, llm: int) -> float:
        """Of what was recommended when calls at these prices last cost no more than `limit`."""
        found = [m.values for m in self.moments if metric * m.metric + llm * m.llm <= limit]
        return round(self.world.best - self.world.true(found[-1] if found else self.world.start), 4)


def text_of(values: Values) -> str:
    """Values as one text, the same for everybody."""
    return "\x1e".join(f"{name}={values[name]}" for name in sorted(values))
