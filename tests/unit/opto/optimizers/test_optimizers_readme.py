"""The program about saving in the README of the optimizers does what it says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import opto.optimizers
from opto.trace import GRAPH

README = Path(opto.optimizers.__file__).with_name("README.md").read_text(encoding="utf-8")


def test_the_program_about_saving_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    section = README.partition("## To go on another day")[2]
    found = re.search(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert found is not None
    file = tmp_path / "program.py"
    file.write_text(found[1], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    GRAPH.clear()

    runpy.run_path(str(file))

    assert capsys.readouterr().out.splitlines() == re.findall(r"# (.*)$", found[1], re.MULTILINE)
