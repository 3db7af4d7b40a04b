"""A recorded run of the example that trains a prompt: the held-out score rises by what is written.

The model was a real one of 1.5 billion parameters; its answers are in the recording, the search is
carried out again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
RECORDING = EXAMPLES / "recordings" / "desks.jsonl"
RIGHT_BEFORE, RIGHT_AFTER, OF = 20, 38, 72


def run(*arguments: str, folder: Path) -> list[str]:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", str(EXAMPLES / "04_train_a_prompt.py"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(EXAMPLES.parent), "PATH": os.defpath},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("arguments", [(), ("--model", f"replay:{RECORDING}")])
def test_the_held_out_score_rises_as_recorded(arguments: tuple[str, ...], tmp_path: Path) -> None:
    lines = run(*arguments, folder=tmp_path)

    score = re.match(r"held out: (\d+) of (\d+) right before, (\d+) after", lines[-1])
    assert score
    assert tuple(map(int, score.groups())) == (RIGHT_BEFORE, OF, RIGHT_AFTER)


def test_the_gain_is_larger_than_its_interval(tmp_path: Path) -> None:
    lines = run(folder=tmp_path)

    gain = re.search(r"a gain of (\S+) ± (\S+)", lines[-2])
    assert gain
    assert float(gain[1]) > float(gain[2])


def test_the_parts_of_the_data_share_no_message() -> None:
    text = (EXAMPLES / "data" / "desks.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]

    assert len({row["input"].casefold() for row in rows}) == len(rows)
    assert Counter(row["split"] for row in rows) == {"train": 40, "val": 32, "held out": OF}
    assert set(Counter((row["split"], row["target"]) for row in rows).values()) == {10, 8, 18}


def test_the_recording_is_small() -> None:
    assert RECORDING.stat().st_size < 1_000_000
