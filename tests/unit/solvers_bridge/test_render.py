"""A rendered model reads as algebra, in the order it was written."""

from __future__ import annotations

import pytest

from solvers_bridge.ir.expression import parse_expression
from solvers_bridge.ir.model import Assumption
from solvers_bridge.render import render, render_expression
from tests.support.parts import constraint, index_set, model, objective, transport, variable


def test_a_model_reads_as_algebra() -> None:
    assert render(transport()) == (
        "# transport\n"
        "minimize\n"
        "  ∑[p ∈ PLANTS, m ∈ MARKETS] cost[p, m]·ship[p, m]  [USD]\n"
        "\n"
        "subject to\n"
        "  limit:\n"
        "    ∑[m ∈ MARKETS] ship[p, m] ≤ supply[p]  for all p ∈ PLANTS\n"
        "  need:\n"
        "    ∑[p ∈ PLANTS] ship[p, m] ≥ demand[m]  for all m ∈ MARKETS\n"
        "\n"
        "where the decisions are\n"
        "  0 ≤ ship[PLANTS, MARKETS], real  [t]\n"
        "\n"
        "given\n"
        "  cost[PLANTS, MARKETS] = 2, 3, 1.5, 4, 1, 2.5  [USD/t]\n"
        "  supply[PLANTS] = 10, 20  [t]\n"
        "  demand[MARKETS] = [c] 5, [a] 7, else 6  [tonnes]\n"
        "\n"
        "over the sets\n"
        "  PLANTS = {north, south}\n"
        "  MARKETS = {a, b, c}\n"
    )


def test_meanings_quotes_and_assumptions_are_shown() -> None:
    shown = render(
        model(
            sets=[
                index_set("T", first=1, last=12, meaning="months"),
                index_set("NEXT", tuples_of=["T", "T"], where="i1 == i0 + 1"),
                index_set("SOME", tuples_of=["T", "T"], rows=[[1, 2], [1, 3]]),
            ],
            variables=[
                variable("x", domain="binary"),
                variable("y", lower=None),
                variable("z", domain="integer", lower=-2.0, upper="cap[i0] / 2"),
            ],
            constraints=[
                constraint("x", "==", "1", meaning="open it", quote="must be open"),
            ],
            objective=objective("3*x - 2", "max", meaning="profit"),
            assumptions=[Assumption(text="one year", quote="", alternatives=["ten years"])],
        )
    )

    assert "maximize  # profit\n  3·x - 2\n" in shown
    assert '  row:  # open it "must be open"\n    x = 1\n' in shown
    assert "  x ∈ {0, 1}\n  y, real, free\n  -2 ≤ z ≤ cap[i0]/2, whole\n" in shown
    assert "  T = {1, ..., 12}  # months\n" in shown
    assert "  NEXT = {i ∈ T × T : i1 = i0 + 1}\n" in shown  # noqa: RUF001 - a product of sets
    assert "  SOME = {(1, 2), (1, 3)} ⊆ T × T\n" in shown  # noqa: RUF001
    assert "  one year (or: ten years)\n" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a - (b - c)", "a - b + c"),
        ("a - b - c", "a - b - c"),
        ("-(a + b) * c", "(-a - b)·c"),
        ("a * (b + c) / d", "a·(b + c)/d"),
        ("a / (b * c)", "a/(b·c)"),
        ("a * b / c", "a·b/c"),
        ("(-a)**2 - a**2", "(-a)^2 - a^2"),
        ("2.0 * x['a b', t-1]", '2·x["a b", t - 1]'),
        ("sum(x[i] for i in I) + y", "(∑[i ∈ I] x[i]) + y"),
        ("y + sum(x[i] for i in I)", "y + ∑[i ∈ I] x[i]"),
        ("sum(x[i] - 1 for i in I)", "∑[i ∈ I] (x[i] - 1)"),
        ("max(a, b - 1) * abs(c)", "max(a, b - 1)·abs(c)"),
        (
            "sum(x[i] for (i, j) in S if i != j or (j, i) not in S if i > 2)",
            "∑[(i,j) ∈ S : (i ≠ j or (j, i) ∉ S) and i > 2] x[i]",
        ),
        (" - ".join("abcdefghij" * 4), " - ".join("abcdefghij" * 4)),
    ],
)
def test_brackets_stand_where_they_are_needed(text: str, shown: str) -> None:
    assert render_expression(parse_expression(text, where="")) == shown


def test_hostile_text_is_shown_on_one_line_without_control_characters() -> None:
    hostile = constraint("x.y\x1b[2J\n", "<=", "1", "i in", quote="\x1b]0;title\x07\nnext line")
    shown = render(model(name="a\nb\x00", constraints=[hostile]))

    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "«x.y [2J» ≤ 1  for all i in" in shown


def test_a_large_table_is_cut_short() -> None:
    numbers = transport().data[0].model_copy(update={"dense": [1.5] * 100_000})

    assert len(render(transport(data=[numbers]))) < 2_000
