"""The grammar lets arithmetic over indices through and turns everything else into an error."""

from __future__ import annotations

import ast

import pytest

from solvers_bridge.errors import ExpressionError
from solvers_bridge.ir.expression import (
    MAX_LENGTH,
    clauses_of,
    parse_condition,
    parse_expression,
    parse_forall,
    terms_of,
)
from solvers_bridge.ir.grammar import MAX_DEPTH

GOOD = [
    "0",
    "-2.5e3",
    "x",
    "x[i, t-1]",
    "x['north', 3]",
    "x[i,]",
    "y[dep[j] + 1]",
    "a * x - (b + 1) / 4",
    "a**2 + a**-2",
    "sum(c[i, j]*x[i, j] for i in I for (j, k) in ARCS if i != j and (j, k) not in NO)",
    "sum(x[i] for i in I if 1 <= i < 5 if not i == 3)",
    "max(a[i] for i in I) - min(a, 2) + abs(-a)",
    "x[\n  1\n]",
    "x['#1']",
]

BAD = [
    "",
    "   ",
    "x.y",
    "x.__class__",
    "__import__('os').system('ls')",
    "(lambda: 1)()",
    "open('file')",
    "f'{x}'",
    "(y := 1)",
    "[x for x in I]",
    "{1: 2}",
    "sum([x[i] for i in I])",
    "sum(x)",
    "sum(x[i] for i in range(5))",
    "sum(x[i] for i in I if i)",
    "sum(x[i] for i in I if i in (1, 2))",
    "sum(x[i] for (i, i) in I)",
    "sum(x[i] for i.j in I)",
    "sum(*x)",
    "max(x)",
    "max(x, key=y)",
    "abs(x, y)",
    "x if y else z",
    "x and y",
    "x <= 5",
    "x == 5",
    "x = 5",
    "3x",
    "x^2",
    "x % 2",
    "x // 2",
    "x @ y",
    "a**b",
    "a**0.5",
    "a**17",
    "x[1.5]",
    "x[1:2]",
    "x[()]",
    "x[i][j]",
    "(x + y)[1]",
    "True",
    "None",
    "...",
    "1j",
    "'text'",
    "b'bytes'",
    "__debug__",
    "sum",
    "1e400",
    "10000000000000000",
    "9" * 5000,
    "x # note",
    "x['a\\n']",
    "x\x00",
    "\ud800",
    "(" * 300 + "x" + ")" * 300,
    "-" * 19_000 + "x",
    "not " * 4000 + "x",
    "x[" * 150 + "1" + "]" * 150,
    "2**" * 2000 + "2",
    "x" + "*x" * 200,
    "x" + "-x" * 9000,
    "sum(" * 80 + "x" + " for i in I)" * 80,
    "x" * (MAX_LENGTH + 1),
    "x" * 10_000_000,
]


@pytest.mark.parametrize("text", GOOD)
def test_arithmetic_over_indices_is_read(text: str) -> None:
    assert isinstance(parse_expression(text, where="here"), ast.expr)


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:25]))
def test_everything_else_is_an_error_that_says_where_and_how_to_fix_it(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text, where="objective.expr")

    assert caught.value.where == "objective.expr"
    assert caught.value.fix
    assert len(caught.value.what) < 300


def test_hostile_text_is_never_run() -> None:
    with pytest.raises(ExpressionError):
        parse_expression("sum(x for x in [print('ran')])", where="")


def test_an_error_shows_no_control_characters() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression("x['\x1b[31m'].y", where="")

    assert caught.value.what.isprintable()


def test_a_sum_of_a_thousand_terms_comes_back_shallow_and_in_order() -> None:
    text = " - ".join(f"x[{place}]" for place in range(1000))

    tree = parse_expression(text, where="")

    assert depth(tree) < MAX_DEPTH
    terms = [(sign, ast.unparse(term)) for sign, term in terms_of(tree)]
    assert terms == [(1, "x[0]"), *((-1, f"x[{place}]") for place in range(1, 1000))]


def test_a_long_sum_inside_a_sum_comes_back_shallow_too() -> None:
    inner = " + ".join(f"{place}*x[i]" for place in range(300))

    tree = parse_expression(f"2 * sum({inner} for i in I if {inner} > 0)", where="")

    assert depth(tree) < MAX_DEPTH


def test_forall_gives_clauses_with_their_own_conditions() -> None:
    first, second = parse_forall("i in I if i > 1 for (a, b) in ARCS if a != i if b != i", where="")

    assert (first.names, first.set_name) == (("i",), "I")
    assert [ast.unparse(part) for part in first.conditions] == ["i > 1"]
    assert (second.names, second.set_name) == (("a", "b"), "ARCS")
    assert [ast.unparse(part) for part in second.conditions] == ["a != i", "b != i"]


def test_forall_means_the_same_as_the_clauses_of_a_sum() -> None:
    text = "i in I for j in J if j != i"
    call = parse_expression(f"sum(x[i, j] for {text})", where="")
    assert isinstance(call, ast.Call)
    generator = call.args[0]
    assert isinstance(generator, ast.GeneratorExp)

    pairs = zip(clauses_of(generator), parse_forall(f"for {text}", where=""), strict=True)

    assert all(
        (a.names, a.set_name, [ast.dump(c) for c in a.conditions])
        == (b.names, b.set_name, [ast.dump(c) for c in b.conditions])
        for a, b in pairs
    )


def test_an_empty_forall_has_no_clauses() -> None:
    assert parse_forall("  ", where="") == ()


@pytest.mark.parametrize(
    "text",
    [
        "i",
        "i in I, j in J",
        "i in I) or (0 for j in J",
        "i in I) + sum(1 for j in J",
        "i in I)#",
        "() in I",
        "i in I async for j in J",
        "i in I for j in range(3)",
        "i in I if x",
        "i.j in I",
    ],
)
def test_what_is_no_list_of_clauses_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_forall(text, where="constraints[0].forall")

    assert caught.value.where == "constraints[0].forall"


@pytest.mark.parametrize("text", ["x", "1 + 1", "i is j", "i < j in S", "() in S", "x if y else z"])
def test_a_condition_must_be_a_comparison(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(text, where="")


def depth(tree: ast.AST) -> int:
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        stack += [(child, level + 1) for child in ast.iter_child_nodes(node)]
    return deepest


def test_a_text_is_parsed_once_and_its_fault_is_told_at_every_place() -> None:
    again = [parse_expression("3*x + y", where=where) for where in ("a", "b")]
    faults = []
    for where in ("constraints[0].lhs", "objective.expr"):
        with pytest.raises(ExpressionError) as caught:
            parse_expression("x.y", where=where)
        faults.append(caught.value.where)

    assert again[0] is again[1]
    assert faults == ["constraints[0].lhs", "objective.expr"]


def test_a_condition_is_not_taken_for_a_number_that_was_read_before() -> None:
    parse_expression("x", where="")

    with pytest.raises(ExpressionError):
        parse_condition("x", where="")
