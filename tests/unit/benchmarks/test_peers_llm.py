"""The comparison of clients runs, and says what it measured. No figure is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_ours_and_bare_http_side_by_side() -> None:
    command = "-m benchmarks.peers llm --calls 100 --concurrency 8 --latency-ms 1 --rounds 1"

    done = subprocess.run(  # noqa: S603
        [sys.executable, *command.split(), "--only", "httpx2,opto"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )

    found = json.loads(done.stdout)
    assert found["server_allows_per_s"] == 8000
    assert set(found["clients"]) == {"httpx2", "opto"}
    for row in found["clients"].values():
        assert row["calls_per_s"] > 0
        assert row["p50_ms"] >= 1
    assert found["clients"]["httpx2"]["of_httpx2"] == 1.0


def test_a_client_that_fails_is_a_row_that_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers", "llm", "--only", "nobody", "--rounds", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )

    assert "KeyError" in json.loads(done.stdout)["clients"]["nobody"]["failed"]
