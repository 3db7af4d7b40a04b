"""A score that cannot be talked into being right."""

from __future__ import annotations

import pytest

from benchmarks.scoring import is_right, wilson


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        (3000.0, 3000.0, True),
        (3000.2, 3000.0, True),
        (3000.4, 3000.0, False),
        (888.89, 880.0, False),
        (0.61, 0.6075, False),
        (12.345, 12.3, True),
        (12.36, 12.3, False),
        (1.0, 0.0, False),
        (1e-7, 0.0, True),
        (None, 0.0, False),
        (None, "infeasible", False),
        ("infeasible", "infeasible", True),
        ("unbounded", "infeasible", False),
        ("infeasible", 5.0, False),
        (float("nan"), 5.0, False),
    ],
)
def test_the_main_rule(answer: float | str | None, gold: float | str, right: bool) -> None:
    assert is_right(answer, gold) is right


def test_the_interval_of_ten_in_forty() -> None:
    low, high = wilson(10, 40)

    assert (round(low, 3), round(high, 3)) == (0.142, 0.402)
