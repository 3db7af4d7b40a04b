"""A provider within a budget: nothing is sent that could pass it.

Lives here: what a call can cost at worst, and settling what it did cost.
Never here: the arithmetic of budgets (`opto.llm.reserve`), price tables (`opto.llm.prices`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from opto.llm.errors import ModelCallError, UnknownPrice
from opto.llm.reserve import HOLD, ZERO, Amount, Budget, Hold
from opto.llm.types import Capabilities, Completion, Provider, Request, Usage

if TYPE_CHECKING:
    from opto.llm.prices import Price

Rate = Callable[[Usage], Decimal | None]
"""What tokens cost at a provider, US dollars; None when nobody knows."""
Ask = Callable[[str], "Price | None"]
"""Asks a person what the model of this name costs; None: they do not know either."""
_SOME = Usage(input_tokens=1, output_tokens=1)
_TOKENS_PER_MESSAGE = 64
"""More than any vendor adds to a message."""


class Budgeted:
    """A provider whose calls are paid from a budget before they are made."""

    def __init__(
        self,
        inner: Provider,
        budget: Budget,
        *,
        rate: Rate,
        price: Price | None = None,
        ask: Ask | None = None,
    ) -> None:
        """Wrap `inner`.

        Args:
            inner: Whom to ask.
            budget: What may be spent.
            rate: The provider's list price.
            price: Used where the list price is not known.
            ask: Asked, once, where neither is known and dollars are counted; from another thread.
        """
        self.inner, self.budget = inner, budget
        self._rate, self._price, self._ask = rate, price, ask
        self._asking = asyncio.Lock()

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def complete(self, request: Request) -> Completion:
        """The answer.

        Raises:
            BudgetExceeded: The call could cost more than is left.
            UnknownPrice: The budget is in dollars, and there is no price.
        """
        await self._learn_price()
        worst = self._worst(request)
        hold = await self.budget.reserve(worst)
        token, taken = HOLD.set(hold), worst  # of a call that is given up nobody knows
        try:
            completion = await self.inner.complete(request)
            completion = self._priced(completion)
            taken = self._taken(completion.usage, worst)
            if completion.saved is not None:
                taken = Amount()
        except ModelCallError as error:
            taken = self._failed(error, hold, worst)
            raise
        finally:
            HOLD.reset(token)
            hold.settle(taken)
        return completion

    async def aclose(self) -> None:
        await self.inner.aclose()

    def _worst(self, request: Request) -> Amount:
        """No token is shorter than a byte, and no answer longer than was allowed."""
        asked = worst_input_tokens(request)
        usage = Usage(input_tokens=asked, output_tokens=request.max_tokens)
        usd = self._usd(usage) if self.budget.counts_usd else ZERO
        if usd is None:
            raise UnknownPrice(
                f"There is a budget in dollars, and the price of {self.name} is not known.",
                fix="Give its price per million tokens in and out (price='0.15/0.60', "
                "OPTO_PRICE), or limit tokens instead.",
            )
        return Amount(usd, asked + request.max_tokens, 1)

    async def _learn_price(self) -> None:
        """Ask a person, once, where that is allowed and nobody else knows."""
        if self._ask is None or not self.budget.counts_usd:
            return
        async with self._asking:
            if self._ask is not None and self._usd(_SOME) is None:
                self._price = await asyncio.to_thread(self._ask, self.name)
            self._ask = None

    def _usd(self, usage: Usage) -> Decimal | None:
        """What `usage` costs; None when nobody knows."""
        known = self._rate(usage)
        if known is None and self._price is not None:
            return self._price.usd(usage)
        return known

    def _priced(self, completion: Completion) -> Completion:
        usage = completion.usage
        if usage.usd is not None or self._price is None:
            return completion
        if not usage.input_tokens and not usage.output_tokens:
            return completion  # the server did not count
        return replace(completion, usage=replace(usage, usd=self._price.usd(usage)))

    def _taken(self, usage: Usage, worst: Amount) -> Amount:
        """What an answer took; the worst in the units the server did not tell."""
        tokens = usage.input_tokens + usage.output_tokens
        if not tokens and usage.usd is None:
            return worst
        usd = worst.usd if usage.usd is None and self.budget.counts_usd else usage.usd or ZERO
        return Amount(usd, tokens, 1)

    def _failed(self, error: ModelCallError, hold: Hold, worst: Amount) -> Amount:
        if not hold.reported:
            hold.failed(error)
        if error.usage is None:
            return Amount(calls=1)
        usage = self._priced(Completion(text="", usage=error.usage)).usage
        return self._taken(usage, worst)


def worst_input_tokens(request: Request) -> int:
    """A bound on what the request can count: its bytes, and what vendors add to messages."""
    texts = [message.content for message in request.messages]
    size = sum(len(text.encode("utf-8", errors="replace")) for text in texts)
    size += len((request.grammar or "").encode()) + len((request.prefill or "").encode())
    if request.schema is not None:  # some servers get it in words, too
        size += 2 * len(json.dumps(dict(request.schema)).encode()) + 4 * _TOKENS_PER_MESSAGE
    return size + _TOKENS_PER_MESSAGE * (len(texts) + 1)
