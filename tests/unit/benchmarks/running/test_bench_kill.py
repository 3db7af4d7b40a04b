"""A measured model, killed (SIGKILL) and resumed: the same report, and no answer paid twice."""

from __future__ import annotations

import json
import subprocess
import sys

from toy_search import child_environment


def test_an_evaluation_killed_again_and_again_ends_in_the_same_report() -> None:
    command = [sys.executable, "-m", "benchmarks.throughput", "kill"]
    command += ["--problems", "24", "--faults", "0.1", "--workers", "4", "--delay", "0.1"]
    done = subprocess.run(  # noqa: S603
        command, env=child_environment(), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] > 0
    assert found["same_report"] is True
    assert found["right"] == 24
    assert found["recorded_answers_asked_for_again"] == 0
    # what the server was answering at the moment of a kill never arrived
    assert found["answers_lost_in_flight"] <= found["in_flight_at_most"]
    assert found["calls_unbroken"] == 24
