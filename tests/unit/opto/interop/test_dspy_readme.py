"""What the README of the interop shows, runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dspy", reason="dspy is missing: pip install -e '.[dev,dspy]'")

import opto.interop


def test_the_examples_of_the_readme_run(tmp_path: Path) -> None:
    text = (Path(opto.interop.__file__).parent / "README.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "Answer with a number."
    assert "Answer with a number." in (tmp_path / "program.json").read_text(encoding="utf-8")
