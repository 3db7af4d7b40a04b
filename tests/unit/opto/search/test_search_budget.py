"""Budgets: never exceeded, whoever reserves, settles and splits at once."""

from __future__ import annotations

import random
import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opto.search import Budget, Cost, Meter
from opto.search.errors import BudgetError


@settings(max_examples=20, deadline=None)
@given(
    limits=st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 3000)),
    fractions=st.lists(st.floats(0, 1), max_size=4),
    seed=st.integers(0, 2**32),
)
def test_64_threads_with_random_costs_and_children_never_exceed_a_limit(
    limits: tuple[int, int, int], fractions: list[float], seed: int
) -> None:
    metric, llm, cents = limits
    budget = Budget(metric=metric, llm=llm, usd=Decimal(cents) / 100)
    whole = Meter(budget)
    children = [whole.child(fraction) for fraction in fractions]
    limit_of = [child.left() for child in children]

    def work(number: int) -> None:
        numbers = random.Random(seed + number)  # noqa: S311  (for a test)
        for _ in range(20):
            meter: Meter = numbers.choice([whole, *children])
            worst = Cost(
                metric=numbers.randint(0, 5), llm=numbers.randint(0, 5), usd=numbers.randint(0, 2)
            )  # type: ignore[arg-type]
            held = meter.reserve(worst)
            if held is not None:
                share = numbers.random()
                held.settle(
                    Cost(
                        metric=int(worst.metric * share),
                        llm=worst.llm,
                        usd=worst.usd * Decimal(share),
                    )
                )
                held.settle(worst)  # a second time does nothing

    threads = [threading.Thread(target=work, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not whole.exceeded
    assert whole.spent.metric <= metric
    assert whole.spent.llm <= llm
    assert whole.spent.usd <= Decimal(cents) / 100
    for child, limit in zip(children, limit_of, strict=True):
        assert not child.exceeded
        assert child.spent.metric <= (limit.metric or 0)
    for child in children:
        child.close()
        child.close()
    left = whole.left()
    assert left.metric == metric - whole.spent.metric
    assert left.usd == Decimal(cents) / 100 - whole.spent.usd


def test_what_is_reserved_is_gone_until_it_is_settled() -> None:
    meter = Meter(Budget(metric=10))

    held = meter.reserve(Cost(metric=8))

    assert held is not None
    assert meter.reserve(Cost(metric=3)) is None
    held.settle(Cost(metric=2))
    assert meter.reserve(Cost(metric=8)) is not None


def test_a_child_takes_its_share_and_gives_back_what_it_did_not_spend() -> None:
    meter = Meter(Budget(metric=100, usd="1"))
    child = meter.child(0.3)
    grandchild = child.child(0.5)

    held = grandchild.reserve(Cost(metric=15, usd=Decimal("0.15")))
    assert held is not None
    held.settle(Cost(metric=15, usd=Decimal("0.1")))

    assert meter.left().metric == 70
    assert grandchild.reserve(Cost(metric=1)) is None
    assert (meter.spent.metric, child.spent.metric) == (15, 15)
    grandchild.close()
    child.close()
    assert meter.left().metric == 85
    assert meter.left().usd == Decimal("0.9")
    assert child.reserve(Cost(metric=1)) is None


def test_seconds_stop_reservations_and_count_earlier_processes() -> None:
    now = [100.0]
    meter = Meter(Budget(seconds=10), used_s=4, clock=lambda: now[0])
    child = meter.child(0.5)

    assert meter.reserve(Cost(metric=1)) is not None
    now[0] += 3
    assert child.reserve(Cost(metric=1)) is None
    assert meter.reserve(Cost(metric=1)) is not None
    now[0] += 3
    assert meter.reserve(Cost(metric=1)) is None
    assert meter.reason == "seconds"


def test_more_than_the_stated_worst_is_charged_and_shown() -> None:
    meter = Meter(Budget(llm=2))
    held = meter.reserve(Cost(llm=1))
    assert held is not None

    held.settle(Cost(llm=5))

    assert meter.exceeded
    assert meter.left().llm == 0
    assert meter.reserve(Cost(llm=1)) is None


@pytest.mark.parametrize(
    "limits",
    [{}, {"metric": -1}, {"metric": 1.5}, {"metric": True}, {"usd": "much"}, {"usd": -1},
     {"usd": float("nan")}, {"seconds": float("inf")}, {"seconds": -1}],
)  # fmt: skip
def test_a_budget_that_is_none_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(BudgetError):
        Budget(**limits)


def test_a_budget_survives_json() -> None:
    budget = Budget(metric=5, usd=0.1, seconds=2.5)

    assert Budget.from_json(budget.to_json()) == budget
    assert budget.usd == Decimal("0.1")
