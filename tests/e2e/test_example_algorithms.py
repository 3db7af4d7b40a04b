"""One example per algorithm: its last line says what was reached, and that is more than before."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAST = re.compile(
    r"[^:]+: (?P<before>[\d.]+)(?: of \d+)?[\w ]* before, (?P<after>[\d.]+) after; "
    r"(?P<cost>\d+) (?:metric|model) calls.*"
)
EXAMPLES = sorted(
    path
    for path in (ROOT / "examples").glob("[01][0-9]_*.py")
    if int(path.name[:2]) >= 5  # the earlier ones are about other things
)


def ran(script: Path, folder: Path) -> list[str]:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", str(script)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, "PYTHONHASHSEED": "random"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_there_is_one_for_each_algorithm() -> None:
    names = {path.stem[3:] for path in EXAMPLES}

    assert names >= {
        "opro",
        "textgrad",
        "miprov2",
        "gepa",
        "polca",
        "metatextgrad",
        "promst",
        "zopo",
        "abo",
        "better_together",
        "successive_halving",
        "revert_and_beam",
        "bridge",
    }


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_an_algorithm_improves_its_program(script: Path, tmp_path: Path) -> None:
    if script.stem == "07_miprov2":
        pytest.importorskip("optuna")

    lines = ran(script, tmp_path)

    last = LAST.fullmatch(lines[-1])
    assert last, lines[-1]
    assert float(last["after"]) > float(last["before"])
    assert int(last["cost"]) > 0
