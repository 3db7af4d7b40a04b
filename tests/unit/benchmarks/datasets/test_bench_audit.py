"""An audit finds labels their own model contradicts, and says what computation says of each."""

from __future__ import annotations

import json

import pytest

from benchmarks.audit import Audit, Reason, Row, run_audit
from benchmarks.datasets import DatasetError

TEXT = (
    "A mill grinds wheat and rye into flour. A sack of wheat takes 2 hours and a sack of rye 5 "
    "hours; 24 hours are left. At most 4 sacks of rye can be ground. A sack of wheat earns 3 "
    "dollars and a sack of rye 7 dollars. How many sacks of each earn the most?"
)
FORM = {
    "vars": ["wheat", "rye"],
    "sense": "max",
    "c": [3, 7],
    "rows": [
        {"coef": [2, 5], "op": "<=", "rhs": 24, "direction": "are left", "strict": False},
        {"coef": [0, 1], "op": "<=", "rhs": 4, "direction": "at most", "strict": False},
    ],
}
"""36 with 12 sacks of wheat."""


def changed(number, **fields):
    rows = [dict(row) for row in FORM["rows"]]
    rows[number] |= fields
    return {**FORM, "rows": rows}


@pytest.fixture
def audited(tmp_path):
    def write(name, records):
        file = tmp_path / f"{name}.jsonl"
        file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
        return file

    def audit(label, *, form=FORM, text=TEXT, variables=None, **settings) -> Audit:
        data = write("data", [{"id": "d", "question": TEXT, "gold_lp": form, "answer": None}])
        fields = {"id": "l", "question": text, "answer": label, "variables": variables}
        return run_audit(data, write("labels", [fields]), **settings)

    return audit


def why(audit: Audit) -> list[str]:
    (row,) = audit.contradicted
    return [reason.code for reason in row.reasons]


def test_a_label_that_equals_the_optimum_agrees(audited) -> None:
    audit = audited("36.001")

    assert (audit.agreeing, audit.contradicted, audit.classes) == (1, (), {})
    assert audit.rows[0].agrees_with == (
        "continuous",
        "integer",
        "integer_strict",
        "continuous_strict",
    )


def test_an_infeasible_form_agrees_with_the_word(audited) -> None:
    form = changed(1, op=">=", rhs=5)

    assert audited("infeasible", form=form).agreeing == 1
    assert why(audited("36", form=form)) == ["form infeasible"]


def test_an_unbounded_form_is_said_to_be(audited) -> None:
    form = {**FORM, "rows": FORM["rows"][1:]}

    assert why(audited("36", form=form, variables={"wheat": 12, "rye": 0})) == [
        "form unbounded",
        "point not best",
    ]


def test_an_edited_text_explains_and_its_change_is_shown(audited) -> None:
    audit = audited("45", text=TEXT.replace("24 hours", "30 hours"))

    (row,) = audit.contradicted
    assert (row.matched, row.reasons[0]) == ("near", Reason("text edited", "[-24-]{+30+}"))


@pytest.fixture
def files(tmp_path):
    def write(data, labels):
        for name, records in (("data", data), ("labels", labels)):
            text = "\n".join(map(json.dumps, records))
            (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
        return tmp_path / "data.jsonl", tmp_path / "labels.jsonl"

    return write


MILL = {"id": "d", "question": TEXT, "gold_lp": FORM, "answer": None}
FERRIES = {"id": "f", "question": "Two ferries cross a river.", "answer": 45}


def test_a_text_of_another_problem_is_not_compared(files) -> None:
    audit = run_audit(*files([MILL], [{"id": "l", "question": TEXT, "answer": 36}, FERRIES]))

    assert ([row.label_id for row in audit.rows], audit.unmatched) == (["l"], ("f",))


def test_files_that_share_no_text_are_an_error(files) -> None:
    data, labels = files([MILL], [FERRIES])

    with pytest.raises(DatasetError, match="no problem of the labels is") as caught:
        run_audit(data, labels)

    assert (str(data) in caught.value.where, str(labels) in caught.value.where) == (True, True)


def test_files_that_share_only_texts_without_a_model_are_an_error(files) -> None:
    with pytest.raises(DatasetError, match="none of the 1 problems in both has a model"):
        run_audit(*files([MILL, FERRIES], [FERRIES]))


def test_a_label_of_a_version_that_was_not_asked_for_is_told(audited) -> None:
    form = changed(0, rhs=23)

    strict = audited("34.5", form=form, versions=["integer"])

    assert why(strict) == ["another version"]
    assert audited("34.5", form=form).agreeing == 1


def row(coef, op, rhs):
    return {"coef": coef, "op": op, "rhs": rhs, "direction": "limit", "strict": False}


def form(sense, gains, *rows):
    return {"vars": ["wheat", "rye"], "sense": sense, "c": gains, "rows": list(rows)}


@pytest.mark.parametrize(
    ("form", "label", "code", "words"),
    [
        (
            form("max", [3, 7], row([2, 5], "<=", 24), row([1, 1], "<=", 2)),
            "36",
            "row left out",
            "row 2 (limit) left out",
        ),
        (
            form("min", [3, 7], row([1, 1], "<=", 6)),
            "18",
            "row turned over",
            "row 1 (limit) turned over",
        ),
        (
            form("min", [2, 7], row([0, 1], ">=", 1), row([2, 5], "<=", 24)),
            "28",
            "row as equality",
            "row 2 (limit) as an equality",
        ),
        (changed(0, coef=[3, 5]), "36", "number of the text", "3 of wheat in row 1 as 2"),
        (changed(0, rhs=240), "36", "number of the text", "limit 240 of row 1 as 24"),
    ],
)
def test_a_change_of_one_place_that_gives_the_label_is_found(
    audited, form, label, code, words
) -> None:
    (found,) = audited(label, form=form).contradicted

    assert found.reasons[0].code == code
    assert found.reasons[0].text.startswith(words)


def test_a_number_is_not_sought_in_rows_made_from_a_share(audited) -> None:
    def reason(kind):
        share = {**row([-3, 1], "<=", 0), "type": kind}
        return why(audited("162", form=form("max", [3, 7], row([1, 1], "<=", 30), share)))

    assert reason("xby") == ["number of the text"]
    assert reason("ratio") == ["unexplained"]


def test_a_label_in_another_unit_is_told(audited) -> None:
    assert why(audited("3600")) == ["other unit"]


@pytest.mark.parametrize(("label", "code"), [("0", "label of zero"), ("4e35", "label without end")])
def test_labels_that_say_nothing_are_told_apart(audited, label, code) -> None:
    assert why(audited(label))[0] == code


def test_the_own_point_of_a_label_is_held_against_label_and_form(audited) -> None:
    worse = audited("33", variables={"wheat": 4, "rye": 3})
    outside = audited("43", variables={"wheat": 12, "rye": 1})
    swapped = audited("43", variables={"rye": 1, "wheat": 12})
    other = audited("33.37", variables={"wheat": 1, "rye": 1})

    assert why(worse) == ["point not best"]
    assert (
        outside.contradicted[0].reasons[0].text == "the label's point breaks row 1 (are left) by 5"
    )
    assert swapped.contradicted[0].reasons == outside.contradicted[0].reasons
    assert why(other) == ["point of another value"]


def test_what_nothing_explains_is_called_unexplained(audited) -> None:
    assert why(audited("33.37")) == ["unexplained"]


def test_a_text_without_a_label_tells_what_its_model_says(audited) -> None:
    assert audited(None).unlabeled == {"finite": 1}
    assert audited(None, form=changed(1, op=">=", rhs=5)).unlabeled == {"infeasible": 1}


def test_a_set_is_audited_against_what_its_own_programs_gave(tmp_path) -> None:
    file = tmp_path / "programs.jsonl"
    records = [
        {
            "id": "a",
            "question": "A?",
            "answer": 5,
            "answer_json": {"status": "optimal", "obj": 5.0},
        },
        {"id": "b", "question": "B?", "answer": 5, "answer_json": {"status": "optimal", "obj": 7}},
        {"id": "c", "question": "C?", "answer": None, "answer_json": {"status": "infeasible"}},
        {"id": "d", "question": "D?", "answer": 5},
    ]
    file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")

    audit = run_audit(file)

    assert [row.label_id for row in audit.contradicted] == ["b"]
    assert audit.classes == {"program differs": 1}
    assert (audit.unlabeled, audit.without_model) == ({"infeasible": 1}, 1)


def test_data_without_models_is_refused(tmp_path) -> None:
    file = tmp_path / "bare.jsonl"
    file.write_text('{"question": "Q?", "answer": 1}', encoding="utf-8")

    with pytest.raises(DatasetError, match="gold form"):
        run_audit(file)
    with pytest.raises(DatasetError, match="no answer version rounded"):
        run_audit(file, versions=["rounded"])


def test_the_report_is_plain_data_and_shows_foreign_text_as_words(audited) -> None:
    row = Row(
        "l|1",
        "<b>d</b>",
        "near",
        0.9,
        ("1",),
        {"continuous": "2", "integer": "3"},
        (),
        (Reason("text edited", "[-`a`-]\n# {+![x](http://e)+}\u202e"),),
    )
    audit = Audit("set_1", "d", "l", ("integer",), (row,), (), {}, 0, 1.0)

    line = audit.to_markdown().splitlines()[-1]

    assert json.loads(json.dumps(audit.to_json()))["contradicted"][0]["optima"]["integer"] == "3"
    assert line.count(" | ") == 4
    assert r"l\|1" in line
    assert r"\<b\>" in line
    assert r"\!\[x\]\(" in line
    assert "\u202e" not in line
    assert "2 for continuous, 3 for integer" in line
    assert json.loads(json.dumps(audited("36").to_json()))["agree"] == 1


def test_the_text_for_a_terminal_is_short_lines_of_plain_words(audited) -> None:
    row = Row(
        *("l_1", "d\x1b[2J", "near", 0.9, ("12.50", "94.99999999999999")),
        {"continuous": "94.99999999999999", "integer": "95", "integer_strict": "infeasible"},
        (),
        (Reason("text edited", "[-`a`-] " + "long words " * 40), Reason("unexplained", "")),
    )
    about = (row,), ("u",), {"finite": 2}, 3, 1.0, ("p: gold_lp.c is missing",)
    text = Audit("set_1", "d", "l", ("integer", "integer_strict"), *about).to_text(width=60)

    assert max(map(len, text.splitlines())) <= 60
    assert not {"\\", "|", "#", "\x1b"} & set(text)
    assert text.startswith("Labels of set_1\n\n0 of 1 labels (0.0%) agree")
    assert "Texts without a label, by what their model says: 2 finite." in text
    assert "Note: p: gold_lp.c is missing" in text
    assert "     1  text edited\n" in text
    assert (
        "l_1: text of d [2J (nearest text, 0.90)\n    says 12.50 or 95; model says 95 for" in text
    )
    assert "95 for continuous, integer, infeasible for integer_strict" in " ".join(text.split())
    assert "    text edited: [-`a`-] long words" in text
    assert text.endswith("\n    unexplained")


def test_the_text_of_a_set_without_labels_does_not_speak_of_none_of_none(audited) -> None:
    text = audited(None).to_text()

    assert "so none could be compared" in text
    assert "0 of 0" not in text
