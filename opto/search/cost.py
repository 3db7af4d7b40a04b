"""Cost: what an action took, as a vector.

Lives here: `Cost` and its arithmetic.
Never here: limits (`opto.search.budget`), prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from opto.search.canon import JSON
from opto.search.errors import BudgetError

USD_STEP = Decimal("1e-12")
"""Smallest part of a dollar; coarse enough for sums to be exact."""


def exact(usd: Decimal) -> Decimal:
    """`usd` without digits below `USD_STEP`, which would make sums depend on their order."""
    if not usd:
        return usd
    exponent = usd.as_tuple().exponent
    if isinstance(exponent, int) and exponent < USD_STEP.as_tuple().exponent:  # type: ignore[operator]
        return usd.quantize(USD_STEP)
    return usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was used. Answers from the log or the cache cost nothing.

    Raises:
        BudgetError: A part is negative or not finite.
    """

    metric: int = 0
    """Metric calls: one candidate on one example, once."""
    llm: int = 0
    """Calls to a language model, by the optimizer or inside the program."""
    tokens_in: int = 0
    tokens_out: int = 0
    usd: Decimal = Decimal(0)
    """US dollars of the calls whose price is known, to `USD_STEP`."""
    unpriced: int = 0
    """Model calls whose price nobody knows; with any, `usd` is a lower bound."""
    seconds: float = 0.0
    """Working time; parallel actions count each. Never part of a comparison of two runs."""

    def __post_init__(self) -> None:
        usd = self.usd if isinstance(self.usd, Decimal) else Decimal(str(self.usd))
        object.__setattr__(self, "usd", exact(usd))
        for name in ("metric", "llm", "tokens_in", "tokens_out", "usd", "unpriced", "seconds"):
            part = getattr(self, name)
            if not isfinite(part) or part < 0:
                raise BudgetError(f"A cost cannot have {name}={part}.")

    @property
    def tokens(self) -> int:
        """Tokens in both directions."""
        return self.tokens_in + self.tokens_out

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            metric=self.metric + other.metric,
            llm=self.llm + other.llm,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            usd=self.usd + other.usd,
            unpriced=self.unpriced + other.unpriced,
            seconds=self.seconds + other.seconds,
        )

    def __mul__(self, times: int) -> Cost:
        return Cost(
            metric=self.metric * times,
            llm=self.llm * times,
            tokens_in=self.tokens_in * times,
            tokens_out=self.tokens_out * times,
            usd=self.usd * times,
            unpriced=self.unpriced * times,
            seconds=self.seconds * times,
        )

    def largest(self, other: Cost) -> Cost:
        """The larger of both in each part."""
        return Cost(
            metric=max(self.metric, other.metric),
            llm=max(self.llm, other.llm),
            tokens_in=max(self.tokens_in, other.tokens_in),
            tokens_out=max(self.tokens_out, other.tokens_out),
            usd=max(self.usd, other.usd),
            unpriced=max(self.unpriced, other.unpriced),
            seconds=max(self.seconds, other.seconds),
        )

    def to_json(self) -> dict[str, JSON]:
        """Only the parts that are not zero; dollars as text."""
        whole: dict[str, JSON] = {
            "metric": self.metric,
            "llm": self.llm,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "usd": str(self.usd),
            "unpriced": self.unpriced,
            "seconds": self.seconds,
        }
        return {name: part for name, part in whole.items() if part and part != "0"}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cost:
        return cls(**{**data, "usd": Decimal(data.get("usd", "0"))})

    def __str__(self) -> str:
        parts = [f"{self.metric} metric calls"]
        if self.llm:
            parts.append(f"{self.llm} model calls")
        if self.tokens:
            parts.append(f"{self.tokens} tokens")
        if self.usd or self.unpriced:
            parts.append(f"{'at least ' if self.unpriced else ''}{self.usd:.4f} USD")
        return ", ".join(parts)


NOTHING = Cost()
"""What an answer from the log costs."""
