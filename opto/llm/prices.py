"""What an answer costs.

Lives here: the price lookup, from the tables that come with `genai-prices` (no network).
Never here: budgets, sums, providers.
"""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_address
from urllib.parse import urlsplit

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from opto.llm.types import Usage

FREE = Decimal(0)


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


def is_this_machine(base_url: str) -> bool:
    """Is the host of `base_url` a loopback address?"""
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
