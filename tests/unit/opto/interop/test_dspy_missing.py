"""Without dspy: nothing of it is loaded, and what to install is said."""

from __future__ import annotations

import subprocess
import sys

_PROBE = """
import sys
import opto, opto.search, opto.interop
assert not [name for name in sys.modules if name.startswith("opto.interop.")], "loaded too early"
sys.modules["dspy"] = None  # as if it were not installed


class Program:
    pass


Program.__module__ = "dspy.primitives.module"
try:
    opto.optimize(Program(), [], print, budget=opto.Budget(metric=1))
except ImportError as error:
    print(error)
"""


def test_a_program_of_dspy_without_dspy_says_what_to_install() -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", _PROBE], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "pip install 'optolab[dspy]'" in done.stdout
