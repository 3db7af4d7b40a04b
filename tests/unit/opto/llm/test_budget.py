"""Money is set aside before a call and settled after it; nothing passes the ceiling."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from opto.errors import SettingsError
from opto.llm.budgeted import Budgeted, worst_input_tokens
from opto.llm.cache import AnswerFile, Cached
from opto.llm.client import LM
from opto.llm.errors import (
    BadResponse,
    BudgetExceeded,
    ModelTimeout,
    RateLimited,
    UnknownPrice,
)
from opto.llm.prices import Price
from opto.llm.recorded import Recorded
from opto.llm.reserve import Amount, Budget
from opto.llm.retry import Retrying, RetryPolicy
from opto.llm.scripted import Reply, Scripted
from opto.llm.types import Completion, Message, Request, Usage

PRICE = Price(Decimal(1), Decimal(10))
QUESTION = Request(messages=(Message("user", "q"),), max_tokens=100)
WORST = Amount(
    (Decimal(worst_input_tokens(QUESTION)) + 1000) / 1_000_000,
    worst_input_tokens(QUESTION) + 100,
    1,
)


def answered(output_tokens: int) -> Completion:
    return Completion(text="a", usage=Usage(input_tokens=5, output_tokens=output_tokens))


def took(output_tokens: int, calls: int = 1) -> Amount:
    return Amount(PRICE.usd(answered(output_tokens).usage), 5 + output_tokens, calls)


def with_budget(
    replies: list[Reply] | Callable[[Request], Reply], budget: Budget, *, retries: bool = False
) -> Budgeted:
    async def no_sleep(wait_s: float) -> None: ...

    model = Scripted(replies)
    inner = Retrying(model, RetryPolicy(), sleep=no_sleep) if retries else model
    return Budgeted(inner, budget, rate=lambda usage: None, price=PRICE)


def ask(model: Budgeted, request: Request = QUESTION) -> Completion:
    return asyncio.run(model.complete(request))


def test_an_answer_is_counted_at_what_it_took_and_priced() -> None:
    budget = Budget(usd=1)

    completion = ask(with_budget([answered(7)], budget))

    assert completion.usage.usd == Decimal("0.000075")
    assert (budget.spent, budget.held) == (took(7), Amount())


def test_a_call_that_could_pass_the_ceiling_is_not_made() -> None:
    budget = Budget(usd=WORST.usd - Decimal("0.000001"))
    model = with_budget([], budget)

    with pytest.raises(BudgetExceeded, match="max_tokens") as caught:
        ask(model)

    assert caught.value.code == "llm.budget"
    assert (budget.spent, budget.held) == (Amount(), Amount())


@pytest.mark.parametrize("caps", [{"tokens": 1}, {"calls": 0}, {"seconds": 0.0}])
def test_each_unit_has_a_ceiling_of_its_own(caps: dict[str, int]) -> None:
    with pytest.raises(BudgetExceeded):
        ask(with_budget([], Budget(**caps)))


def test_the_larger_budget_counts_what_its_parts_take() -> None:
    session = Budget(calls=3)
    first, second = Budget(calls=2, within=session), Budget(within=session)

    ask(with_budget([answered(1)], first))
    ask(with_budget([answered(1)], second))
    ask(with_budget([answered(1)], second))

    assert (first.spent.calls, session.spent.calls) == (1, 3)
    with pytest.raises(BudgetExceeded, match="calls=3"):
        ask(with_budget([], first))


@pytest.mark.parametrize("cap_usd", ["0.003", "0.02", "0.10"])
def test_64_workers_never_pass_the_ceiling_and_use_most_of_it(cap_usd: str) -> None:
    chance = random.Random(1)  # noqa: S311  (repeatable)
    spent_usd = Decimal(0)

    class Server(Scripted):
        async def complete(self, request: Request) -> Completion:
            nonlocal spent_usd
            await asyncio.sleep(0.0001)
            completion = answered(chance.randint(1, 100))
            spent_usd += PRICE.usd(completion.usage)
            return completion

    budget = Budget(usd=cap_usd)
    model = Budgeted(Server([]), budget, rate=lambda usage: None, price=PRICE)

    async def worker() -> None:
        while True:
            try:
                await model.complete(QUESTION)
            except BudgetExceeded:
                return

    async def all_of_them() -> None:
        async with asyncio.timeout(60):
            await asyncio.gather(*(worker() for _ in range(64)))

    asyncio.run(all_of_them())

    cap = Decimal(cap_usd)
    assert budget.spent.usd == spent_usd <= cap
    assert cap - spent_usd < WORST.usd  # stopped only when the next call might not have fitted


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RateLimited("x"), Amount(calls=1)),  # nobody worked for it
        (BadResponse("x"), WORST),
        (ModelTimeout("x"), WORST),
    ],
)
def test_a_failed_call_counts_as_the_worst_where_it_may_have_been_billed(
    error, expected: Amount
) -> None:
    budget = Budget(usd=1)

    with pytest.raises(type(error)):
        ask(with_budget([error], budget))

    assert budget.spent == expected


def test_the_cost_of_failed_attempts_is_counted_too() -> None:
    told, untold = BadResponse("x"), BadResponse("x")
    told.usage = answered(50).usage
    budget = Budget(usd=1)

    completion = ask(with_budget([told, untold, answered(7)], budget, retries=True))

    assert completion.usage.output_tokens == 57
    guessed = Amount(WORST.usd, WORST.tokens)
    assert budget.spent == took(50, calls=0) + guessed + took(7)
    assert budget.held == Amount()


def test_a_retry_that_does_not_fit_is_not_made() -> None:
    budget = Budget(usd=WORST.usd * Decimal("1.5"))
    model = with_budget([BadResponse("x")], budget, retries=True)

    with pytest.raises(BadResponse) as caught:
        ask(model)

    assert caught.value.attempts == 1
    assert budget.spent.usd == WORST.usd


def test_a_call_that_is_given_up_counts_as_the_worst() -> None:
    class Hanging(Scripted):
        async def complete(self, request: Request) -> Completion:
            await asyncio.Event().wait()
            return await super().complete(request)

    budget = Budget(usd=1)
    model = Budgeted(Hanging([]), budget, rate=lambda usage: None, price=PRICE)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await model.complete(QUESTION)

    asyncio.run(give_up())

    assert (budget.spent, budget.held) == (WORST, Amount())


def test_an_unknown_price_is_refused_or_asked_for_once() -> None:
    asked: list[str] = []

    def person(name: str) -> Price:
        asked.append(name)
        return PRICE

    model = Scripted([answered(7)] * 2)
    refusing = Budgeted(model, Budget(usd=1), rate=lambda usage: None)
    with pytest.raises(UnknownPrice, match="scripted"):
        ask(refusing)

    asking = Budgeted(model, Budget(usd=1), rate=lambda usage: None, ask=person)

    async def both() -> None:
        await asyncio.gather(asking.complete(QUESTION), asking.complete(QUESTION))

    asyncio.run(both())

    assert asked == ["scripted:"]


def test_without_a_ceiling_in_dollars_nobody_needs_a_price() -> None:
    budget = Budget(tokens=10_000)

    ask(Budgeted(Scripted([answered(7)]), budget, rate=lambda usage: None))

    assert budget.spent == Amount(tokens=12, calls=1)


def test_an_answer_from_the_cache_costs_nothing(tmp_path) -> None:
    budget = Budget(usd=1)
    cached = Cached(Scripted([answered(7)]), AnswerFile(tmp_path / "a.db"))
    lm = LM(Recorded(Budgeted(cached, budget, rate=lambda usage: None, price=PRICE)))

    first, second = lm.complete(QUESTION), lm.complete(QUESTION)

    assert (first.saved, second.saved) == (None, answered(7).usage)
    assert budget.spent == took(7)
    assert lm.usage.usd == took(7).usd


def test_a_price_is_two_amounts_per_million_tokens() -> None:
    assert Price.of("$0.15 / 0.60") == Price(Decimal("0.15"), Decimal("0.60"))
    for odd in ("", "1", "1/2/3", "a/b", "-1/2", "nan/1"):
        with pytest.raises(SettingsError):
            Price.of(odd)
