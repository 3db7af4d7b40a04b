"""Importing a package does nothing but define names."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROBE = """
import sys
package = sys.argv[1]
touched = []
heavy = {"numpy", "highspy", "scipy", "ortools", "openai", "anthropic", "pydantic", "xllamacpp"}

def hook(event, arguments):
    if event.startswith("socket.") or event in {"subprocess.Popen", "os.mkdir", "sqlite3.connect"}:
        touched.append(event)
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & 3:
        touched.append(f"write {arguments[0]}")

sys.dont_write_bytecode = True
sys.addaudithook(hook)
__import__(package)
loaded = sorted(heavy & {name.partition(".")[0] for name in sys.modules})
print(touched, loaded)
"""


@pytest.mark.parametrize(
    "package",
    [
        "opto",
        "opto.llm",
        "opto.optimizers",
        "opto.search",
        "solvers_bridge",
        "traces",
        "benchmarks",
    ],
)
def test_importing_a_package_touches_no_sdk_solver_network_or_file(package: str) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _PROBE, package], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[] []"
