"""LP and MPS files say the same model: read back by HiGHS and compared."""

from __future__ import annotations

import io
from dataclasses import replace

import highspy
import numpy as np
import pytest
from standard_forms import INF, form_of

from solvers_bridge.form import Block, LabelColumn, Labels, StandardForm
from solvers_bridge.formats.lp import write_lp
from solvers_bridge.formats.mps import write_mps
from solvers_bridge.formats.names import legal, legal_names

FORMATS = pytest.mark.parametrize("extension", ["lp", "mps"])
WRITERS = {"lp": write_lp, "mps": write_mps}


def read_back(form: StandardForm, extension: str, folder) -> highspy.Highs:
    file = folder / f"model.{extension}"
    WRITERS[extension](form, file)
    solver = highspy.Highs()
    solver.silent()
    assert solver.readModel(str(file)) == highspy.HighsStatus.kOk
    return solver


def table_of(solver: highspy.Highs) -> tuple[dict, dict]:
    """By name: columns (cost, lower, upper, integer), rows (lower, upper, {column: coef})."""
    lp = solver.getLp()
    names = list(lp.col_names_)
    whole = [kind == highspy.HighsVarType.kInteger for kind in lp.integrality_] or [False] * len(
        names
    )
    columns = dict(
        zip(names, zip(lp.col_cost_, lp.col_lower_, lp.col_upper_, whole, strict=True), strict=True)
    )
    rows = {
        name: (low, high, {})
        for name, low, high in zip(lp.row_names_, lp.row_lower_, lp.row_upper_, strict=True)
    }
    starts, indices, values = lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_
    row_names = list(lp.row_names_)
    assert lp.a_matrix_.format_ == highspy.MatrixFormat.kColwise
    for j, name in enumerate(names):
        for k in range(starts[j], starts[j + 1]):
            if values[k]:
                rows[row_names[indices[k]]][2][name] = values[k]
    return columns, rows


def merged(rows: dict) -> dict:
    """The LP file's `name_lo` and `name_up` as one row again."""
    out = {}
    for name, (low, high, terms) in rows.items():
        if name.endswith("_up"):
            continue
        base = name.removesuffix("_lo")
        top = rows[f"{base}_up"][1] if base != name else high
        out[base] = (low, rows.get(f"{name}_up", (0, top))[1], terms)
    return out


def expected(form: StandardForm) -> tuple[dict, dict]:
    columns = {
        form.column_name(j): (
            form.cost[j],
            form.col_lower[j],
            form.col_upper[j],
            bool(form.integer[j]),
        )
        for j in range(form.n)
    }
    rows = {}
    for i in range(form.m):
        span = range(form.starts[i], form.starts[i + 1])
        terms = {form.column_name(int(form.indices[k])): form.coefs[k] for k in span}
        rows[form.row_name(i)] = (form.row_lower[i], form.row_upper[i], terms)
    return columns, rows


AWKWARD = form_of(
    "max",
    [5.25, 0.1, 0, -1 / 3, -1, 0, 1e-7],
    [
        [10, 8.5, 0, 0, 0, 0, 1],
        [1, -1, 1 / 3, 0, 0, 0, 0],
        [0, 0, 1, 1e-7, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 123456789.123456],
        [-1, 0, 0, 2, 0, 0, 0],
    ],
    rows=[(-INF, 200), (0.1, 0.3), (3, 3), (-1e9 + 0.1, 0.3), (-4.5, INF)],
    bounds=[(0, 20), (-INF, INF), (-5, 1e6), (-INF, -3), (2, 2), (0, INF), (0.1, 0.7)],
    integer=[1, 0, 1, 0, 0, 1, 0],
    offset=-7.1,
)


@FORMATS
def test_every_number_sense_bound_and_constant_comes_back_as_it_was(extension, tmp_path) -> None:
    solver = read_back(AWKWARD, extension, tmp_path)

    columns, rows = table_of(solver)

    assert (columns, merged(rows)) == expected(AWKWARD)
    assert solver.getLp().sense_ == highspy.ObjSense.kMaximize
    assert solver.getLp().offset_ == AWKWARD.offset


@FORMATS
def test_the_optimum_survives_the_file(extension, tmp_path) -> None:
    form = form_of(
        "max",
        [5, 4, 3],
        [[2, 3, 1], [4, 1, 2], [3, 4, 2]],
        rows=[(-INF, 5), (-INF, 11), (-INF, 8)],
        integer=[0, 1, 0],
        offset=100.5,
    )
    solver = read_back(form, extension, tmp_path)

    solver.run()

    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    assert solver.getInfo().objective_function_value == pytest.approx(113.5)


@FORMATS
def test_a_minimization_is_not_turned_round(extension, tmp_path) -> None:
    form = form_of("min", [2.0, 3.0], [[1, 1]], rows=[(4, INF)])

    solver = read_back(form, extension, tmp_path)
    solver.run()

    assert solver.getInfo().objective_function_value == 8.0


@FORMATS
def test_an_integer_column_without_upper_bound_is_not_read_as_binary(extension, tmp_path) -> None:
    form = form_of("max", [1.0], [[2.0]], rows=[(-INF, 15.0)], integer=True)

    solver = read_back(form, extension, tmp_path)
    solver.run()

    assert solver.getInfo().objective_function_value == 7.0


@FORMATS
def test_columns_and_rows_without_entries_are_still_there(extension, tmp_path) -> None:
    form = form_of("satisfy", [0.0, 0.0], [[0, 0], [1, 0]], rows=[(-1, INF), (-INF, 2)])

    columns, rows = table_of(read_back(form, extension, tmp_path))

    assert (columns, rows) == expected(form)


@FORMATS
def test_a_range_whose_ends_are_not_their_difference_apart_reads_back_exactly(
    extension, tmp_path
) -> None:
    ends = np.random.default_rng(7).uniform(-1e3, 1e3, size=(40, 2)) * [[1.0, 1e-6]]
    rows = [(min(pair), max(pair)) for pair in ends.tolist()]
    form = form_of("min", [1.0], [[1.0]] * len(rows), rows=rows)

    _, read = table_of(read_back(form, extension, tmp_path))

    assert merged(read) == expected(form)[1]


@FORMATS
def test_a_row_whose_sides_no_range_can_say_becomes_two(extension, tmp_path) -> None:
    form = form_of(
        "min", [1, 2], [[3, 4], [1, 0]], rows=[(-722693.5970274007, 805078.0226385478), (0, 1)]
    )

    _, read = table_of(read_back(form, extension, tmp_path))

    assert "r0_up" in read
    assert merged(read) == expected(form)[1]


@FORMATS
def test_names_with_keys_stay_readable_and_different(extension, tmp_path) -> None:
    labels = Labels((3,), (LabelColumn(0, None, [("a b",), ("a,b",), ("größe",)]),))
    form = replace(
        form_of("min", [1, 2, 3], [[1, 1, 1]], rows=[(1, INF)]),
        columns=(Block("make", 0, 3, labels),),
        rows=(Block("free", 0, 1),),
    )

    columns, rows = table_of(read_back(form, extension, tmp_path))

    assert list(columns) == ["make_a_b", "make_a_b_2", "make_gr_e"]
    assert list(rows) == ["r_free"]


@FORMATS
def test_an_open_stream_is_written_and_left_open(extension) -> None:
    stream = io.StringIO()

    WRITERS[extension](AWKWARD, stream)

    assert not stream.closed
    assert stream.getvalue().rstrip().lower().endswith(("end", "endata"))


def test_long_rows_are_broken_into_short_lines() -> None:
    form = form_of("min", [1.0] * 300, [[1.0] * 300], rows=[(1, INF)])
    stream = io.StringIO()

    write_lp(form, stream)

    assert max(map(len, stream.getvalue().splitlines())) <= 120


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("x[north,3]", "x_north_3"),
        ("e12", "x_e12"),
        ("E5[a]", "x_E5_a"),
        ("inf", "x_inf"),
        ("Free", "x_Free"),
        ("subject", "x_subject"),
        ("3rd", "x_3rd"),
        ("élan", "lan"),
        ("[]", "x"),
        ("exact", "exact"),
        ("end_stock", "end_stock"),
    ],
)
def test_names_that_a_reader_would_misread_get_a_letter_in_front(name: str, safe: str) -> None:
    assert legal(name, prefix="x") == safe


def test_a_numbered_name_never_meets_one_that_was_there() -> None:
    assert legal_names(["a b", "a_b_2", "a,b", "a;b"], prefix="x") == [
        "a_b",
        "a_b_2",
        "a_b_3",
        "a_b_4",
    ]
