"""Units as people write them: read when they can be, unknown when in doubt."""

from __future__ import annotations

import pytest

from solvers_bridge.check.units import differ, parse_unit, product, spelled


@pytest.mark.parametrize(
    ("text", "exponents"),
    [
        ("kg", {"kg": 1}),
        ("USD/kg", {"usd": 1, "kg": -1}),
        ("$ per canoe", {"usd": 1, "canoe": -1}),
        ("dollars / (kg * day)", {"usd": 1, "kg": -1, "day": -1}),
        ("USD/kg/day", {"usd": 1, "kg": -1, "day": -1}),
        ("m^2", {"m": 2}),
        ("m**2/s^2", {"m": 2, "s": -2}),
        ("kg·m", {"kg": 1, "m": 1}),
        ("labor hours", {"labor hour": 1}),
        ("machine-hours", {"machine hour": 1}),
        ("tonnes", {"t": 1}),
        ("loaves", {"loaf": 1}),
        ("coaches", {"coach": 1}),
        ("batteries", {"battery": 1}),
        ("glass", {"glass": 1}),
        ("h/h", {}),
        ("%", {}),
        ("1/day", {"day": -1}),
    ],
)
def test_a_unit_is_read(text: str, exponents: dict[str, int]) -> None:
    assert parse_unit(text) == exponents


@pytest.mark.parametrize("text", [None, "units", "USD/unit", "kg)", "((", "??", "x" * 100, "2 kg"])
def test_a_unit_in_doubt_is_unknown(text: str | None) -> None:
    assert parse_unit(text) is None


def test_products_cancel_and_differences_need_two_known_units() -> None:
    price, weight = parse_unit("USD/kg"), parse_unit("kg")

    assert product(price, weight) == parse_unit("USD")
    assert product(weight, weight, power=-1) == {}
    assert product(price, None) is None
    assert differ(price, weight)
    assert not differ(price, None)
    assert not differ(weight, {})
    assert spelled(product(price, weight, power=-1)) == "usd/kg^2"
