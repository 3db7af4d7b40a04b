"""Model calls are kept back for evaluations only where evaluations make some."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from toy_search import NumberTask, RandomSearch

from opto.llm.client import LM
from opto.llm.scripted import Scripted
from opto.search import Budget, Cost, Outcome, Study
from opto.search.budget import Meter


class Asking(NumberTask):
    """Each evaluation asks a model once, and does not say so beforehand."""

    lm = LM(Scripted(lambda request: "yes"))

    def evaluate(self, candidate: Any, example: Any, rep: int, stream: Any) -> Outcome:
        self.lm.ask(f"{candidate.id} {example} {rep}")
        return super().evaluate(candidate, example, rep, stream)


def test_all_model_calls_go_to_proposals_where_evaluations_make_none() -> None:
    algorithm = RandomSearch(width=2, reserve=0.2)

    result = Study(NumberTask(size=2), algorithm, Budget(metric=400, llm=20), workers=4).run()

    assert result.cost.llm == 20


@pytest.mark.parametrize("workers", [1, 8, 64])
def test_calls_of_evaluations_never_pass_the_limit(workers: int) -> None:
    algorithm = RandomSearch(width=8, reserve=0.2)

    result = Study(Asking(size=8), algorithm, Budget(metric=4000, llm=100), workers=workers).run()

    assert 60 < result.cost.llm <= 100
    assert result.estimate.n > 0  # some were kept for the final score


def test_a_child_gives_its_model_calls_back_and_another_takes_them() -> None:
    meter = Meter(Budget(metric=100, llm=10, usd=Decimal(1)))
    report = meter.child(0.1)
    search = meter.child(0.8)

    report.give_back()
    search.take_free()

    assert (report.left().llm, report.left().usd, report.left().metric) == (0, Decimal(0), 10)
    assert (search.left().llm, search.left().usd, search.left().metric) == (10, Decimal(1), 72)
    held = search.reserve(Cost(metric=1, llm=10))
    assert held is not None
    held.settle(Cost(metric=1, llm=10))
    assert meter.left().llm == 0
