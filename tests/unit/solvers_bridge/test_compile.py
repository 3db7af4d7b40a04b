"""The compiler on models small enough to write the matrix down."""

from __future__ import annotations

import numpy as np
import pytest
from written_models import cells, index_set, model_of, variable

from solvers_bridge.compile import compile_model
from solvers_bridge.errors import DataError, ModelError
from solvers_bridge.form import StandardForm

I = index_set("I", "a", "b")  # noqa: E741 - the set's name
J = index_set("J", "p", "q", "r")
T = index_set("T", first=1, last=4)
ARCS = index_set(
    "ARCS", tuples_of=["I", "J"], rows=[["a", "p"], ["a", "r"], ["b", "q"], ["b", "r"]]
)


def dense(form: StandardForm) -> list[list[float]]:
    matrix = np.zeros((form.m, form.n))
    for row in range(form.m):
        part = slice(form.starts[row], form.starts[row + 1])
        matrix[row, form.indices[part]] = form.coefs[part]
    return matrix.tolist()


def test_sums_over_either_index_of_a_grid() -> None:
    form = compile_model(
        model_of(
            [
                ("i in I", "sum(x[i,j] for j in J) <= s[i]"),
                ("j in J", "sum(x[i,j] for i in I) >= 2"),
            ],
            objective="min sum(c[i,j]*x[i,j] for j in J for i in I) + 7",
            sets=[I, J],
            variables=[variable("x", "I", "J")],
            parameters={"c": ["I", "J"], "s": ["I"]},
            data={"c": [1, 2, 3, 4, 5, 6], "s": [8, 9]},
        )
    )

    assert form.cost.tolist() == [1, 2, 3, 4, 5, 6]
    assert form.offset == 7
    assert dense(form) == [
        [1, 1, 1, 0, 0, 0],
        [0, 0, 0, 1, 1, 1],
        [1, 0, 0, 1, 0, 0],
        [0, 1, 0, 0, 1, 0],
        [0, 0, 1, 0, 0, 1],
    ]
    assert form.row_upper.tolist() == [8, 9, np.inf, np.inf, np.inf]
    assert form.row_lower.tolist() == [-np.inf, -np.inf, 2, 2, 2]


def test_names_are_made_on_demand() -> None:
    form = compile_model(
        model_of(
            [("(i,j) in ARCS for t in T if t >= 3", "x[i,j] + y[t] >= 1")],
            sets=[I, J, T, ARCS],
            variables=[variable("x", "ARCS"), variable("y", "T"), variable("z")],
        )
    )

    assert [form.column_name(j) for j in (0, 3, 4, 8)] == ["x[a,p]", "x[b,r]", "y[1]", "z"]
    assert form.row_key(3) == ("row0", ("a", "r", 4))
    assert form.row_name(7) == "row0[b,r,4]"
    with pytest.raises(IndexError):
        form.row_key(8)


def test_a_stock_balance_over_time_looks_back_by_a_filter_or_by_a_shifted_key() -> None:
    variables = [variable("make", "T"), variable("stock", "T")]
    by_filter = compile_model(
        model_of(
            [("t in T", "sum(stock[u] for u in T if u == t-1) + make[t] - stock[t] == 5")],
            sets=[T],
            variables=variables,
        )
    )
    by_key = compile_model(
        model_of(
            [
                ("t in T if t == 1", "make[t] - stock[t] == 5"),
                ("t in T if t >= 2", "stock[t-1] + make[t] - stock[t] == 5"),
            ],
            sets=[T],
            variables=variables,
        )
    )

    assert dense(by_filter) == dense(by_key)
    assert dense(by_filter)[1] == [0, 1, 0, 0, 1, -1, 0, 0]


def test_flows_in_and_out_of_a_node_are_joined_not_searched() -> None:
    nodes = index_set("N", *range(2000))
    links = [[k, (k + step) % 2000] for k in range(2000) for step in (1, 5)]
    outflow = "sum(f[a,b] for (a,b) in L if a == n)"
    inflow = "sum(f[a,b] for (a,b) in L if b == n)"
    form = compile_model(
        model_of(
            [("n in N", f"{outflow} - {inflow} == 0")],
            sets=[nodes, index_set("L", tuples_of=["N", "N"], rows=links)],
            variables=[variable("f", "L")],
        )
    )

    assert len(form.coefs) == 2 * len(links)
    assert form.coefs.sum() == 0
    assert (np.bincount(form.indices) == 2).all()


def test_the_same_column_twice_is_added_up_and_a_zero_is_left_out() -> None:
    form = compile_model(
        model_of(
            ["x + 2*x - y + sum(0*x for i in I) + z - z <= 4 + y"],
            objective="max x + x + sum(y for i in I)",
            sets=[I],
            variables=[variable("x"), variable("y"), variable("z")],
        )
    )

    assert dense(form) == [[3, -2, 0]]
    assert form.cost.tolist() == [2, 2, 0]
    assert len(form.coefs) == 2


def test_a_sum_over_a_set_of_one_meets_the_same_variable_outside() -> None:
    form = compile_model(
        model_of(
            [("i in I for j in J", "x[i,j] + sum(x[o,j] for o in ONE) <= 1")],
            sets=[I, J, index_set("ONE", "a")],
            variables=[variable("x", "I", "J")],
        )
    )

    assert dense(form)[:3] == [[2, 0, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0], [0, 0, 2, 0, 0, 0]]
    assert dense(form)[5] == [0, 0, 1, 0, 0, 1]


def test_an_inner_index_hides_an_outer_one_as_in_python() -> None:
    form = compile_model(
        model_of(
            [("i in I", "sum(x[i] for i in I) + x[i] <= 1")],
            sets=[I],
            variables=[variable("x", "I")],
        )
    )

    assert dense(form) == [[2, 1], [1, 2]]


def test_a_condition_is_read_only_where_an_earlier_one_holds() -> None:
    form = compile_model(
        model_of(
            [("t in T if t == 1 or d[t-1] > 2", "x[t] >= 0")],
            sets=[T],
            variables=[variable("x", "T")],
            parameters={"d": ["T"]},
            data={"d": [1, 3, 3, 1]},
        )
    )

    assert [form.row_key(i)[1] for i in range(form.m)] == [(1,), (3,), (4,)]


def test_an_or_over_one_of_two_indices_keeps_all_cells_of_the_other() -> None:
    form = compile_model(
        model_of(
            ["sum(x[i,t] for i in I for t in T if t < 2 or t == 3) <= 1"],
            sets=[I, T],
            variables=[variable("x", "I", "T")],
        )
    )

    assert dense(form) == [[1, 0, 1, 0, 1, 0, 1, 0]]


def test_bounds_can_be_expressions_over_the_keys() -> None:
    form = compile_model(
        model_of(
            sets=[T],
            variables=[
                variable("x", "T", lower="-i0", upper="cap[i0] / 2"),
                variable("b", domain="binary", lower=None, upper=None),
            ],
            parameters={"cap": ["T"]},
            data={"cap": [2, 4, 6, 9]},
        )
    )

    assert form.col_lower.tolist() == [-1, -2, -3, -4, 0]
    assert form.col_upper.tolist() == [1, 2, 3, 4.5, 1]
    assert form.integer.tolist() == [0, 0, 0, 0, 1]


def test_arrays_beside_the_model_come_before_its_own_numbers() -> None:
    model = model_of(
        [("i in I", "a[i]*x <= 6")],
        sets=[I],
        variables=[variable("x")],
        parameters={"a": ["I"]},
        data={"a": [1, 1]},
    )

    assert dense(compile_model(model)) == [[1], [1]]
    assert dense(compile_model(model, {"a": np.array([2, 3], np.int16)})) == [[2], [3]]


def test_a_sparse_table_needs_only_the_cells_that_are_used() -> None:
    model = model_of(
        objective="min sum(c[i,j]*x[i,j] for (i,j) in ARCS)",
        sets=[I, J, ARCS],
        variables=[variable("x", "ARCS")],
        parameters={"c": ["I", "J"]},
        data={"c": cells("c", a_p=1, b_q=2, a_r=3, b_r=4)},
    )
    assert compile_model(model).cost.tolist() == [1, 3, 2, 4]

    everywhere = model.model_copy(
        update={
            "objective": model.objective.model_copy(
                update={"expr": "sum(c[i,j] for i in I for j in J) * x['a','p']"}
            )
        }
    )
    with pytest.raises(DataError, match=r"c\['a', 'q'\] has no number") as caught:
        compile_model(everywhere)
    assert caught.value.where == "data[c].cells"


@pytest.mark.parametrize(
    ("row", "upper"),
    [
        ("2*n + 4*k < 7", 6),
        ("2*n + 4*k < 6", 4),
        ("n < 2.5", 2),
        ("n < 3", 2),
        ("0.25*n + 0.5*k < 1", 0.75),
        ("0.1*n + 0.2*k < 0.3", 0.2),
        ("3 > n", 2),
        ("n / 3 + k < 1", 1),
    ],
)
def test_a_strict_row_over_whole_numbers_becomes_an_exact_one(row: str, upper: float) -> None:
    variables = [variable("n", domain="integer"), variable("k", domain="integer")]
    form = compile_model(model_of([row], variables=variables))

    bound = -form.row_lower[0] if ">" in row else form.row_upper[0]
    assert bound == upper
    assert form.strict.rows.tolist() == [0]
    assert form.strict.tightened.tolist() == ["/" not in row]


def test_a_strict_row_with_a_real_variable_is_its_closure_and_says_so() -> None:
    variables = [variable("n", domain="integer"), variable("x")]
    form = compile_model(model_of(["n <= 5", "n + x > 2", "n > 2"], variables=variables))

    assert form.row_lower.tolist() == [-np.inf, 2, 3]
    assert form.strict.rows.tolist() == [1, 2]
    assert form.strict.tightened.tolist() == [False, True]


@pytest.mark.parametrize("row", ["x*y <= 1", "x/y <= 1", "x**2 <= 1", "2**1*x*(y+1) <= 1"])
def test_a_product_of_variables_is_refused_by_its_path(row: str) -> None:
    with pytest.raises(ModelError, match="not linear") as caught:
        compile_model(model_of(["x >= 0", row], variables=[variable("x"), variable("y")]))
    assert caught.value.where == "constraints[1].lhs"
    assert "`" in caught.value.what


def test_a_key_outside_its_set_is_named() -> None:
    model = model_of([("t in T", "x[t] - x[t-1] <= 1")], sets=[T], variables=[variable("x", "T")])
    with pytest.raises(ModelError, match=r"`x\[t - 1\]` is outside T at t = 1") as caught:
        compile_model(model)
    assert caught.value.where == "constraints[0].lhs"


def test_a_sum_over_too_many_tuples_is_refused_before_it_eats_the_memory() -> None:
    big = index_set("B", first=1, last=30_000)
    model = model_of(
        ["sum(x[i]*j for i in B for j in B) <= 1"],
        sets=[big],
        variables=[variable("x", "B")],
    )
    with pytest.raises(ModelError, match="900,000,000 index tuples") as caught:
        compile_model(model)
    assert caught.value.where == "constraints[0].lhs"


def test_text_keys_have_no_order_and_are_no_numbers() -> None:
    for row in (("i in I if i < 'b'", "x >= 0"), ("i in I", "i*x >= 0")):
        with pytest.raises(ModelError):
            compile_model(model_of([row], sets=[I], variables=[variable("x")]))


def test_an_unknown_name_gets_a_near_miss() -> None:
    with pytest.raises(ModelError) as caught:
        compile_model(model_of(["2*chair >= 1"], variables=[variable("chairs")]))
    assert "'chairs'" in caught.value.fix


def test_satisfy_has_no_costs_and_no_variables() -> None:
    variables = [variable("x")]
    assert compile_model(model_of(objective="satisfy 0", variables=variables)).cost.tolist() == [0]
    with pytest.raises(ModelError):
        compile_model(model_of(objective="satisfy x", variables=variables))
