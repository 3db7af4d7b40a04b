"""Clauses and conditions that the compiler joins, shortens or lists, judged by the interpreter."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from written_models import index_set, model_of, variable

from solvers_bridge.compile import compile_model
from solvers_bridge.interpret import evaluate
from solvers_bridge.ir.model import Model

SETS = [
    index_set("N", "a", "b", "c", "d"),
    index_set("M", "c", "a", "z"),
    index_set("T", first=0, last=4),
    index_set("K", 4, 2, 7, 0),
    index_set("MIX", "a", 2, "c", 4),
    index_set(
        "A",
        tuples_of=["N", "N"],
        rows=[["c", "a"], ["a", "b"], ["a", "c"], ["b", "c"], ["d", "a"], ["c", "d"]],
    ),
    index_set("AT", tuples_of=["A", "T"], where="i2 != 1"),
    index_set("PATH", tuples_of=["N", "N", "N"], where="i0 != i1 and i1 != i2 and i0 != i2"),
]
ROWS = [
    ("n in N", "sum(f[i,j] for (i,j) in A if i == n) - sum(f[i,j] for (i,j) in A if n == j) == 0"),
    ("t in T for n in N", "sum(g[i,j,s] for (i,j,s) in AT if i == n and s == t) <= 4"),
    ("n in N for t in T", "sum(g[i,j,s] for (i,j,s) in AT if j == n if s < t) <= 4"),
    ("t in T", "sum(h[u] for u in T if u == t-1) + h[t] - sum(h[u] for u in T if t+1 == u) >= 1"),
    ("t in T", "sum(x[n,u] for n in N for u in T if u == 2*t) <= 3"),
    ("n in N for m in M if m == n", "x[n,0] + sum(x[m,t] for t in T) <= d[n]"),
    ("m in M for n in N if n == m for t in T if t in K", "x[n,t] <= t"),
    ("n in N for (i,j) in A if i == n", "f[n,j] + f[i,j] <= 2"),
    ("t in T for (i,j) in A if i != 'a' for s in T if s == t + 1", "x[i,t] - x[j,s] <= 1"),
    ("(i,j) in A for (k,l) in A if k == j", "f[i,j] + f[k,l] <= 1"),
    ("(i,j) in A for (k,l) in A if k == j and l == i", "f[i,j] - f[k,l] == 0"),
    ("n in N", "sum(f[i,n] for i in N if (i,n) in A) <= d[n]"),
    ("n in N", "sum(f[n,j] for j in N if not (n,j) in A if 1 > 2) + x[n,1] <= d[n]"),
    ("i in N for j in N for k in N if (i,j,k) in PATH if i == 'b'", "x[i,0] + x[j,1] >= x[k,2]"),
    ("", "sum(d[i]*x[i,t] for (i,j,k) in PATH for t in T if t == 3 or i == 'a') <= 9"),
    ("", "sum(sum(x[i,t] for t in T if t != c[t]) for i in N if d[i] > 1) <= 9"),
    ("t in T", "sum(sum(x[i,u] for i in N if i != 'b') for u in T if u<=t) <= 9"),
    ("t in T if 1 <= t < 4", "sum(h[t] for t in T if t > 2) + h[t-1] <= c[t+1]"),
    ("t in T if t == 0 or c[t-1] > 2 or t == 3", "h[t] <= min(c[u] for u in T if u<=t)"),
    ("k in K for t in T if t == k", "h[k] + h[t] <= max(c[t], k)"),
    ("k in K if k in T and c[k] >= 0", "h[k] <= abs(c[k] - 3)"),
    ("q in MIX if q in N", "sum(x[n,0] for n in N if n == q) <= 1"),
    ("q in MIX if not q in N", "sum(h[t] for t in T if t == q) <= 1"),
    ("q in MIX if q != 2", "h[0] <= 1"),
    ("n in N for n in N", "x[n,0] <= 1"),
    ("i in N for t in T", "sum(x[i,s] for i in N for s in T if s == t) + x[i,t] <= 1"),
    ("", "sum(x[i,s] + sum(h[u] for u in T if u == s) for i in N for s in T if s == 2) <= 1"),
    ("i in N", "sum(sum(f[a,b] for (a,b) in A if a==j) + h[t] for j in N for t in T if i==j) <= 1"),
    ("n in N for t in T if d[n] > t", "sum(x[m,t] for m in M if m in N if m != n) / 4 <= 1"),
    ("t in T if 2 > 3", "h[t-9] <= 1"),
    ("t in T", "sum(h[u-9] for u in T if u > 10) + h[t] <= sum(1 for u in T if u < t)"),
]  # fmt: skip


def written() -> Model:
    return model_of(
        ROWS,
        objective="max sum(x[i,t] for t in T for i in N if i == 'a' or t == 2) + 2*h[3] - 5",
        sets=SETS,
        variables=[
            variable("x", "N", "T"),
            variable("f", "A"),
            variable("g", "AT"),
            variable("h", "T"),
        ],
        parameters={"d": ["N"], "c": ["T"]},
        data={"d": [1, 2, 3, 0.5], "c": [3, 1, 4, 1, 5]},
    )


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, list[object]], dict[str, list[object]]]:
    """Rows of each constraint (key and excess over the right side), compiled and interpreted."""
    model = written()
    form = compile_model(model)
    random.seed(7)
    values: dict[str, dict[tuple[str | int, ...], Fraction]] = {v.name: {} for v in model.variables}
    x = []
    for j in range(form.n):
        name, key = form.column_key(j)
        x.append(Fraction(random.randint(-64, 64), 4))  # noqa: S311 - test data
        values[name][key] = x[-1]
    oracle: dict[str, list[object]] = {row.name: [] for row in model.constraints}
    compiled: dict[str, list[object]] = {row.name: [] for row in model.constraints}
    found = evaluate(model, values)
    for row in found.rows:
        oracle[row.name].append((row.key, row.activity))
    for i in range(form.m):
        name, row_key = form.row_key(i)
        part = slice(form.starts[i], form.starts[i + 1])
        pairs = zip(form.coefs[part], form.indices[part], strict=True)
        activity = sum((Fraction(a) * x[j] for a, j in pairs), start=Fraction())
        limit = max(form.row_lower[i], -form.row_upper[i])
        side = Fraction(limit) if limit == form.row_lower[i] else -Fraction(limit)
        compiled[name].append((row_key, activity - side))
    cost = sum((Fraction(c) * v for c, v in zip(form.cost, x, strict=True)), start=Fraction())
    compiled["objective"] = [cost + Fraction(form.offset)]
    oracle["objective"] = [found.objective]
    return compiled, oracle


@pytest.mark.parametrize(
    "name", [*(f"row{k}" for k in range(len(ROWS))), "objective"], ids=lambda name: name
)
def test_rows_come_in_the_order_and_with_the_numbers_of_the_interpreter(
    both: tuple[dict[str, list[object]], dict[str, list[object]]], name: str
) -> None:
    compiled, oracle = both

    assert compiled[name] == oracle[name]
