"""What an answer costs.

Lives here: the price lookup, from the tables that come with `genai-prices` (no network).
Never here: budgets, sums, providers.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from opto.errors import SettingsError
from opto.llm.types import Usage

FREE = Decimal(0)
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, US dollars per million tokens: for models in no price table."""

    input_usd: Decimal
    output_usd: Decimal

    @classmethod
    def of(cls, text: str) -> Price:
        """`"0.15/0.60"` read as dollars per million tokens in and out.

        Raises:
            SettingsError: It is no such pair.
        """
        parts = text.split("/")
        try:
            given = [Decimal(part.strip().removeprefix("$")) for part in parts]
        except ArithmeticError:
            given = []
        if len(given) != 2 or not all(usd.is_finite() and 0 <= usd < _MILLION for usd in given):  # noqa: PLR2004
            raise SettingsError(
                f"{text!r} is not a price.", fix="Write dollars per million tokens: 0.15/0.60"
            )
        return cls(*given)

    def usd(self, usage: Usage) -> Decimal:
        """What `usage` costs; cached tokens as much as others."""
        total = self.input_usd * usage.input_tokens + self.output_usd * usage.output_tokens
        return total / _MILLION


def price_usd(
    model: str, usage: Usage, *, base_url: str, cache_write_tokens: int = 0
) -> Decimal | None:
    """US dollars at list price; None when the price is not known, 0 on this machine.

    Args:
        model: Name as the vendor spells it.
        usage: Tokens of one answer; `input_tokens` counts cached ones, too.
        base_url: Whose prices: the address the request went to.
        cache_write_tokens: Part of the input that the vendor bills for being put in its cache.
    """
    if is_this_machine(base_url):
        return FREE
    if not usage.input_tokens and not usage.output_tokens:
        return None  # the server did not count, so nobody knows
    tokens = PricedUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=cache_write_tokens,
    )
    try:
        return calc_price(tokens, model_ref=model, provider_api_url=base_url).total_price
    except (LookupError, ValueError):
        return None


@lru_cache(maxsize=256)
def is_this_machine(base_url: str) -> bool:
    """Is the host of `base_url` a loopback address?"""
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
