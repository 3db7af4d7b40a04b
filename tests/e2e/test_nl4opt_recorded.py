"""Ten published word problems, on recorded replies of a large chat model (see tests/fixtures)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import opto
from benchmarks.scoring import is_right

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("OPTO_DATA", ROOT.parent / "shared" / "data")) / "nl4opt_e_clean.jsonl"
RECORDING = ROOT / "tests" / "fixtures" / "nl4opt_ten.jsonl"
TEN = [f"nl4opt-e-{number}" for number in (5, 10, 61, 130, 140, 146, 148, 170, 171, 246)]


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    if not DATA.is_file():
        pytest.skip(f"needs the data set {DATA.name}; set OPTO_DATA to its folder")
    lines = DATA.read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


@pytest.mark.parametrize("name", TEN)
def test_a_recorded_reply_leads_to_the_published_answer(rows: dict[str, Any], name: str) -> None:
    row = rows[name]

    answer = opto.solve(row["question"], model=f"replay:{RECORDING}", pipeline="orthought")

    assert answer.status.value == "solved"
    assert is_right(answer.objective, row["answer"])


def test_the_recording_holds_no_question() -> None:
    events = [json.loads(line) for line in RECORDING.read_text(encoding="utf-8").splitlines()]

    assert events
    assert all("request" not in event["data"] for event in events)
