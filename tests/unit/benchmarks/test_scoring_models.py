"""A model against its gold model: other words are no difference, one error is."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.conformance.nl4opt import model_of
from benchmarks.items import ItemResult
from benchmarks.scoring import (
    declaration_counts,
    diff_model,
    error_class,
    same_model,
)
from benchmarks.scoring.declarations import declaration_accuracy
from benchmarks.scoring.matrix import normal, of_gold, of_model
from benchmarks.scoring.sets import Points
from solvers_bridge import Model

TURNED = {"<=": ">=", ">=": "<="}
GOLD = {
    "vars": ["chairs", "tables"],
    "sense": "max",
    "c": [30.0, 50.0],
    "domain": "integer",
    "rows": [
        {"coef": [2.0, 5.0], "op": "<=", "rhs": 60.0, "strict": False},
        {"coef": [1.0, 1.0], "op": "<=", "rhs": 20.0, "strict": False},
        {"coef": [0.0, 1.0], "op": ">=", "rhs": 3.0, "strict": False},
    ],
}


def wrong(*accepted: str) -> ItemResult:
    return ItemResult(
        id="a", set="s", sample=0, accepted=accepted, status="optimal", answer=1.0,
        strict=False, main=False, lenient=False,
    )  # fmt: skip


def written(variables: dict[str, tuple], objective: tuple[str, str], rules: list[str]) -> Model:
    """A model as a language model writes it: scalars, rules such as `2*a <= 5`."""
    constraints = []
    for number, rule in enumerate(rules):
        left, relation, right = rule.split()
        constraints.append(
            {"name": f"rule{number}", "lhs": left, "relation": relation, "rhs": right}
        )
    return Model.model_validate(
        {
            "name": "toy",
            "variables": [
                {"name": name, "domain": domain, "lower": lower, "upper": upper}
                for name, (domain, lower, upper) in variables.items()
            ],
            "constraints": constraints,
            "objective": {"sense": objective[0], "expr": objective[1]},
        }
    )


WHOLE = ("integer", 0, None)
CHAIRS_AND_TABLES = {"t": WHOLE, "c": WHOLE}
RULES = ["2*c+5*t <= 60", "c+t <= 20", "t >= 3"]


@pytest.mark.parametrize(
    ("variables", "objective", "rules"),
    [
        (CHAIRS_AND_TABLES, ("max", "30*c+50*t"), RULES),
        (CHAIRS_AND_TABLES, ("min", "0-30*c-50*t"), RULES),
        (CHAIRS_AND_TABLES, ("max", "30*c+50*t"), [*RULES, "c >= 0", "c <= 500"]),
        (CHAIRS_AND_TABLES, ("max", "30*c+50*t"), ["60 >= 2*c+5*t", "20-t >= c", "3*t >= 9"]),
        ({"c": WHOLE, "t": ("integer", 3, None)}, ("max", "30*c+50*t"), RULES[:2]),
        ({"c": WHOLE, "t": WHOLE}, ("max", "30*c+50*t"), [*RULES[:2], "t > 2"]),
        (
            {"all": WHOLE, "c": WHOLE, "t": WHOLE},
            ("max", "30*c+50*t"),
            ["all == c+t", "all <= 20", "2*c+5*t <= 60", "t >= 3"],
        ),
        (
            {"profit": ("real", None, None), "c": WHOLE, "t": WHOLE},
            ("max", "profit"),
            [*RULES, "profit == 30*c+50*t"],
        ),
        (
            CHAIRS_AND_TABLES,  # on whole numbers 2c + 5t < 61 is the same row
            ("max", "30*c+50*t"),
            ["2*c+5*t <= 60.9", "c+t <= 20.5", "t >= 2.5"],
        ),
    ],
)
def test_the_same_in_other_words(variables, objective, rules) -> None:
    found = same_model(written(variables, objective, rules), GOLD)

    assert found.same is True, found.why


@pytest.mark.parametrize(
    ("variables", "objective", "rules", "why"),
    [
        (CHAIRS_AND_TABLES, ("max", "30*c+50*t"), RULES[:2], "does not keep -1 tables <= -3"),
        (CHAIRS_AND_TABLES, ("max", "30*c+50*t"), RULES[1:], "optimum"),
        (CHAIRS_AND_TABLES, ("max", "3000*c+5000*t"), RULES, "optimum"),
        (CHAIRS_AND_TABLES, ("max", "30*c+50*t"), ["c+t <= 20", "2*c+5*t <= 60", "t <= 3"], "opt"),
        (CHAIRS_AND_TABLES, ("max", "30*c+50*t"), [*RULES, "c <= 14"], "only the model asks"),
        (CHAIRS_AND_TABLES, ("min", "30*c+50*t"), RULES, "optimum"),
        ({"c": ("real", 0, None), "t": WHOLE}, ("max", "30*c+50*t"), RULES, "optimum"),
        ({"c": ("integer", -5, None), "t": WHOLE}, ("max", "30*c+50*t"), RULES, "does not keep"),
        ({"c": WHOLE, "t": WHOLE}, ("max", "30*c+50*t+1"), RULES, "optimum"),
    ],
)
def test_one_error_is_a_difference(variables, objective, rules, why) -> None:
    found = same_model(written(variables, objective, rules), GOLD)

    assert found.same is False
    assert why in found.why


def test_rows_without_variables_are_true_or_false_whatever_their_scale() -> None:
    never = {"coef": [0.0, 0.0], "op": ">=", "rhs": 1200.0, "strict": False}
    gold = {**GOLD, "rows": [*GOLD["rows"], never]}
    scaled = {**GOLD, "rows": [*GOLD["rows"], {**never, "rhs": 3600.0}]}

    assert same_model(built(scaled), gold).same is True
    assert same_model(built(GOLD), gold).same is False


def test_a_row_that_does_not_bind_on_these_numbers_is_missed_all_the_same() -> None:
    idle = {"coef": [1.0, 1.0], "op": "<=", "rhs": 100.0}
    gold = {**GOLD, "rows": [*GOLD["rows"][::2], idle]}
    lacking = written(CHAIRS_AND_TABLES, ("max", "30*c+50*t"), RULES[::2])
    further = written(
        CHAIRS_AND_TABLES, ("max", "30*c+50*t"), [*RULES[::2], "c+t <= 100", "t <= 50"]
    )
    unclear = written(CHAIRS_AND_TABLES, ("max", "30*c+50*t"), [*RULES[::2], "t <= 50"])

    assert same_model(lacking, gold) == (
        False,
        "equal on these numbers only: no row says 1 chairs + 1 tables <= 100",
    )
    assert same_model(further, gold).same is True
    assert same_model(unclear, gold).same is None


def test_an_equality_makes_objectives_equal_that_look_different() -> None:
    gold = {
        **GOLD,
        "rows": [{"coef": [1.0, 1.0], "op": "=", "rhs": 20.0}, GOLD["rows"][0]],
    }
    model = written(CHAIRS_AND_TABLES, ("max", "1000-20*c"), ["c+t == 20", "2*c+5*t <= 60"])

    assert same_model(model, gold) == (True, "row for row")


def test_an_equality_makes_rows_equal_that_look_different() -> None:
    gold = {
        **GOLD,
        "domain": "real",
        "rows": [
            {"coef": [1.0, 1.0], "op": "=", "rhs": 100.0},
            {"coef": [0.4, -0.6], "op": ">=", "rhs": 0.0},
        ],
    }
    real = {"c": ("real", 0, None), "t": ("real", 0, None)}
    model = written(real, ("max", "3000+20*t"), ["c+t == 100", "t <= 40"])

    assert same_model(model, gold) == (True, "same points and objective")


def test_too_few_variables_cannot_be_decided_by_an_equal_optimum() -> None:
    chairs = {"c": WHOLE}

    assert same_model(written(chairs, ("max", "30*c"), ["c <= 22"]), GOLD).same is False
    found = same_model(written(chairs, ("max", "720+0*c"), ["c <= 22"]), GOLD)
    assert found.same is None
    assert "1 variables instead of 2" in found.why


def test_a_model_that_cannot_be_built_cannot_be_compared() -> None:
    model = written(CHAIRS_AND_TABLES, ("max", "30*c*t"), RULES)

    assert same_model(model, GOLD).same is None
    assert declaration_counts(model, GOLD) == {"errors": 4, "declared": 4}


def test_without_a_word_on_whole_numbers_they_are_not_compared() -> None:
    silent = {key: value for key, value in GOLD.items() if key != "domain"}
    real = {"c": ("real", 0, None), "t": ("real", 0, None)}

    assert same_model(written(real, ("max", "30*c+50*t"), RULES), silent).same is True
    assert same_model(written(CHAIRS_AND_TABLES, ("max", "30*c+50*t"), RULES), silent).same is True


def test_strict_words_may_be_read_either_way() -> None:
    rows = [{**row, "strict": True} for row in GOLD["rows"]]
    strict = {**GOLD, "rows": rows}
    closed = written(CHAIRS_AND_TABLES, ("max", "30*c+50*t"), RULES)
    kept = written(CHAIRS_AND_TABLES, ("max", "30*c+50*t"), ["2*c+5*t < 60", "c+t < 20", "t > 3"])

    assert [same_model(model, strict).same for model in (closed, kept)] == [True, True]
    assert same_model(kept, GOLD).same is False


def test_impossible_models_are_compared_with_loosened_rows() -> None:
    impossible = {**GOLD, "rows": [*GOLD["rows"], {"coef": [0.0, 1.0], "op": ">=", "rhs": 30.0}]}
    model = written(CHAIRS_AND_TABLES, ("max", "30*c+50*t"), [*RULES, "t >= 30"])
    other = written(CHAIRS_AND_TABLES, ("max", "30*c+50*t"), [*RULES[1:], "t >= 30"])

    assert same_model(model, impossible).same is True
    assert same_model(other, impossible).same is False


ROWS = st.tuples(
    st.lists(st.integers(-6, 9), min_size=3, max_size=3).filter(lambda c: len(set(c)) > 1),
    st.sampled_from(["<=", ">="]),
    st.integers(-10, 60),
)


@st.composite
def forms(draw: st.DrawFn) -> dict:
    """Gold models of two or three variables whose rows all say something of their own."""
    n = draw(st.sampled_from([2, 3]))
    rows = [
        {"coef": [float(c) for c in coefs[:n]], "op": op, "rhs": float(rhs), "strict": False}
        for coefs, op, rhs in draw(st.lists(ROWS, min_size=2, max_size=4))
    ]
    gold = {
        "vars": ["chairs", "tables", "desks"][:n],
        "sense": draw(st.sampled_from(["min", "max"])),
        "c": [float(c) for c in draw(st.permutations([2, 5, 9]))[:n]],
        "domain": draw(st.sampled_from(["integer", "real"])),
        "rows": [row for row in rows if any(row["coef"])],
    }
    matrix = of_gold(gold, rounded=True)
    assume(gold["rows"])
    assume(len(matrix.rows) == len(gold["rows"]))
    assume(not any(row.equal for row in matrix.rows))
    return gold


def built(form: dict, domain: str | None = None) -> Model:
    return model_of(form, domain=domain or form["domain"], strict=False)


@settings(max_examples=60, deadline=None)
@given(forms(), st.randoms(use_true_random=False))
def test_renamed_reordered_and_scaled_copies_are_the_same(gold, draw) -> None:
    n = len(gold["vars"])
    order = draw.sample(range(n), n)
    rows = []
    for row in draw.sample(gold["rows"], len(gold["rows"])):
        factor = draw.choice([1.0, 2.0, 0.5, -1.0, -3.0])
        rows.append(
            {
                "coef": [factor * row["coef"][i] for i in order],
                "op": row["op"] if factor > 0 else TURNED[row["op"]],
                "rhs": factor * row["rhs"],
                "strict": False,
            }
        )
    copy = {**gold, "vars": [f"x{i}" for i in order], "c": [gold["c"][i] for i in order]}

    found = same_model(built({**copy, "rows": rows}), gold)

    assert found == (True, "row for row")
    assert diff_model(built({**copy, "rows": rows}), gold).errors == 0


@settings(max_examples=60, deadline=None)
@given(forms(), st.data())
def test_single_errors_are_found(gold, data) -> None:
    at = data.draw(st.integers(0, len(gold["rows"]) - 1))
    row = gold["rows"][at]
    others = [other for other in gold["rows"] if other is not row]
    swapped = {**row, "coef": row["coef"][::-1]}
    mutants = {
        "dropped": {**gold, "rows": others},
        "flipped": {**gold, "rows": [*others, {**row, "op": TURNED[row["op"]]}]},
        "sense": {**gold, "sense": {"min": "max", "max": "min"}[gold["sense"]]},
    }
    if swapped["coef"] != row["coef"]:
        mutants["swapped"] = {**gold, "rows": [*others, swapped]}

    for name, mutant in mutants.items():
        if others or name != "dropped":
            found = same_model(built(mutant), gold)
            # a swap may bring a row over other variables that on these numbers does as well
            unclear = name == "swapped" and "is not clear" in found.why
            assert found.same is (None if unclear else False), name
    if gold["domain"] == "integer":
        assert same_model(built(gold, "real"), gold).same is False


@settings(max_examples=40, deadline=None)
@given(forms())
def test_containment_agrees_with_counting_points(gold) -> None:
    """What the comparison calls the same keeps the same whole points of a box."""
    mutant = {**gold, "rows": gold["rows"][1:]}
    n = len(gold["vars"])

    def kept(form: dict) -> set[tuple[int, ...]]:
        return {
            point
            for point in product(range(7), repeat=n)
            if all(
                (sum(c * x for c, x in zip(row["coef"], point, strict=True)) - row["rhs"])
                * (1 if row["op"] == "<=" else -1)
                <= 0
                for row in form["rows"]
            )
        }

    assume(mutant["rows"])
    if same_model(built(mutant), gold).same:
        assert kept(mutant) == kept(gold)
    if kept(mutant) != kept(gold):
        assert same_model(built(mutant), gold).same is False


@pytest.mark.parametrize(
    ("objective", "rules", "errors"),
    [
        (("max", "30*c+50*t"), RULES, 0),
        (("max", "30*c+50*t"), ["2*c+5*t < 60", *RULES[1:]], 0),  # strictness does not count
        (("max", "30*c+50*t"), [*RULES, "c+t <= 20", "c >= 0"], 0),  # nor do repetitions
        (("min", "30*c+50*t"), RULES, 1),
        (("max", "30*c+50*t"), RULES[:2], 1),  # one lacking
        (("max", "30*c+50*t"), [*RULES, "c <= 12"], 1),  # one too many
        (("max", "30*c+50*t"), [*RULES[:2], "t <= 3"], 1),  # one wrong: not counted twice
        (("max", "3*c+5*t"), ["c+t <= 20"], 3),  # objective wrong, two lacking
        (("max", "c"), [f"c+{i}*t <= 7" for i in range(2, 12)], 4),  # never more than all
    ],
)
def test_declarations_are_counted_as_in_the_competition(objective, rules, errors) -> None:
    model = written(CHAIRS_AND_TABLES, objective, rules)

    assert declaration_counts(model, GOLD) == {"errors": errors, "declared": 4}


def test_accuracy_over_items_weighs_by_declarations() -> None:
    counts = [declaration_counts(None, GOLD), {"errors": 0, "declared": 4}]

    assert declaration_accuracy(counts) == 0.5
    assert declaration_accuracy([]) is None


@pytest.mark.parametrize(
    ("objective", "rules", "expected"),
    [
        (("min", "30*c+50*t"), RULES, "objective"),
        (("max", "30*c+5*t"), RULES, "objective"),
        (("max", "30*c+50*t"), [*RULES[:2], "t <= 3"], "direction"),
        (("max", "30*c+50*t"), ["2*c+5*t <= 60", "c+t == 20", "t >= 3"], "direction"),
        (("max", "30*c+50*t"), ["2*c+5*t <= 3600", *RULES[1:]], "unit"),
        (("max", "30*c+50*t"), ["2*c+300*t <= 60", *RULES[1:]], "unit"),
        (("max", "30*c+50*t"), ["5*c+2*t <= 60", *RULES[1:]], "coefficient"),
        (("max", "30*c+50*t"), RULES[1:], "missing-constraint"),
        (("max", "30*c+50*t"), [*RULES, "c <= 12"], "extra-constraint"),
        (("max", "30*c+50*t"), RULES, "label"),
    ],
)
def test_the_gold_model_names_the_error(objective, rules, expected) -> None:
    diff = diff_model(written(CHAIRS_AND_TABLES, objective, rules), GOLD)

    assert error_class(wrong("720"), diff=diff) == expected


def test_whole_numbers_alone_are_an_error_of_domain() -> None:
    real = {"c": ("real", 0, None), "t": ("real", 0, None)}
    diff = diff_model(written(real, ("max", "30*c+50*t"), RULES), GOLD)

    assert (diff.errors, diff.whole) == (0, False)
    assert diff.counts == {"errors": 0, "declared": 4}
    assert error_class(wrong("720"), diff=diff) == "wrong-domain"


def test_where_the_gold_model_is_silent_on_whole_numbers_the_twin_decides() -> None:
    silent = {key: value for key, value in GOLD.items() if key != "domain"}
    real = {"c": ("real", 0, None), "t": ("real", 0, None)}
    diff = diff_model(written(real, ("max", "30*c+50*t"), RULES), silent)

    assert (diff.errors, diff.whole) == (0, None)
    assert error_class(wrong("720"), diff=diff, twin=720.0) == "wrong-domain"
    assert error_class(wrong("999"), diff=diff, twin=720.0) == "label"


@pytest.mark.parametrize("domain", ["real", "integer"])
def test_a_model_that_the_solver_takes_for_impossible_is_asked_again(domain) -> None:
    """Without an end in x, though HiGHS's presolve says infeasible."""
    rules = ["z <= y", "y <= x+1", "x <= y+z"]
    points = Points(
        of_model(written(dict.fromkeys("xyz", (domain, 0, None)), ("max", "x"), rules)),
        whole=True,
    )

    assert points.optimum() == -math.inf


def test_the_normal_form_is_a_fixed_point() -> None:
    matrix = of_model(model_of(GOLD, domain="integer", strict=False), rounded=True)

    assert normal(matrix).rows == matrix.rows
    assert set(of_gold(GOLD, rounded=True).rows) == set(matrix.rows)
    assert all(math.isfinite(row.rhs) for row in matrix.rows)
