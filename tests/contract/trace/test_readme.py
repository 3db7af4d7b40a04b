"""Every program in the README of the trace runs and prints what it says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import opto.trace
from opto.trace import GRAPH

README = Path(opto.trace.__file__).with_name("README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def promised(program: str) -> list[str]:
    """What the comments behind `print`, and those on lines of their own below it, say."""
    return [
        found[1] or found[2]
        for found in re.finditer(r"print\(.*\)  # (.*)$|^ +# (.*)$", program, re.MULTILINE)
    ]


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_prints_what_it_says(
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = PROGRAMS[number]
    file = tmp_path / f"program{number}.py"
    file.write_text(program, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    GRAPH.clear()

    runpy.run_path(str(file))

    assert promised(program)
    assert capsys.readouterr().out.splitlines() == promised(program)


def test_the_first_program_is_short() -> None:
    assert len([line for line in PROGRAMS[0].splitlines() if line.strip()]) <= 15


def test_names_said_to_be_absent_are_absent() -> None:
    absent = README.partition("Not here:")[2]

    for name in ("get", "roots", "register", "count", "LEGACY_GRAPH_BEHAVIOR"):
        assert f"`{name}`" in absent or f"GRAPH.{name}" in absent
    for name in ("roots", "register", "count", "LEGACY_GRAPH_BEHAVIOR"):
        assert not hasattr(GRAPH, name)
