"""House rules that no linter knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("opto", "solvers_bridge", "traces", "benchmarks")
SOURCES = sorted(file for name in PACKAGES for file in (ROOT / name).rglob("*.py"))
LONGEST = 350
MAY_EXECUTE = {
    "opto/sandbox/guest.py": "the confined child: executing what a model wrote is its purpose",
    "opto/trace/trusted.py": "code of functions of which the user said bundle(trust=True)",
}
"""Files that may execute text, each with the reason. Nothing may unpickle."""


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_has_one_room_and_says_what_lives_in_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert text.count("\n") <= LONGEST
    assert text.lstrip().startswith('"""')


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_evaluates_text_or_unpickles(file: Path) -> None:
    code = file.read_text(encoding="utf-8")

    assert not re.search(r"\bpickle\.|marshal\.", code)
    if str(file.relative_to(ROOT)) not in MAY_EXECUTE:
        assert not re.search(r"(?<![\w.])(exec|eval)\(", code)


def test_no_two_test_files_have_one_name() -> None:
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]

    assert sorted(names) == sorted(set(names))
