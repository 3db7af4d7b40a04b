"""The example problems through the whole pipeline, on recorded answers of a large chat model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import opto
from opto.modeling.problem import read_problem

EXAMPLES = Path(__file__).parents[2] / "examples"
PROBLEMS = EXAMPLES / "problems"
RECORDING = EXAMPLES / "recordings" / "examples.jsonl"
EXPECTED = json.loads((PROBLEMS / "expected.json").read_text(encoding="utf-8"))
TABLES = [PROBLEMS / name for name in ("routes.csv", "supply.csv", "demand.csv")]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_recorded_answer_leads_to_the_expected_optimum(name: str) -> None:
    answer = opto.solve(
        str(PROBLEMS / name),
        model=f"replay:{RECORDING}",
        tables=TABLES if name == "transport.txt" else [],
        pipeline="standard",
    )

    assert answer.status.value == EXPECTED[name]["status"]
    expected = EXPECTED[name]["objective"]
    assert answer.objective == (None if expected is None else pytest.approx(expected, rel=1e-9))
    assert [finding.code for finding in answer.findings if finding.severity == "error"] == []


def test_every_example_problem_has_an_expected_answer() -> None:
    assert {file.name for file in PROBLEMS.glob("*.txt")} == set(EXPECTED)


def test_the_tables_of_the_transport_problem_are_not_in_the_recorded_prompts() -> None:
    recorded = RECORDING.read_text(encoding="utf-8")

    for column in read_problem("minimize", tables=TABLES).tables[0].columns[:2]:
        for label in set(column.values):
            assert f"{label}," not in recorded
