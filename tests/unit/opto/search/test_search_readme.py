"""What the README shows, runs; a recorded run can be read without its code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from toy_search import NumberTask, RandomSearch

import opto.search
from opto.search import Budget, Study
from opto.search.replay import read_ledger
from traces.store.sqlite import Store


def test_the_examples_of_the_readme_run() -> None:
    text = (Path(opto.search.__file__).parent / "README.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    best, first, second = done.stdout.splitlines()
    assert best == "Answer with a number."
    assert first.startswith("Result(-0.0")
    assert "metric" in second


def test_a_recorded_run_is_read_as_a_ledger(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    study = Study(NumberTask(crash=0.1), RandomSearch(), Budget(metric=80), store=store, run="r")
    ledger = study.run().ledger

    with Store(store, read_only=True) as opened:
        read = read_ledger(opened, "r")

    assert read.spent.metric == ledger.spent.metric
    assert list(read.candidates) == list(ledger.candidates)
    for name in ledger.candidates:
        assert read.mean(name) == ledger.mean(name)
        assert [r.trace for r in read.rollouts(name)] == [r.trace for r in ledger.rollouts(name)]
