"""Importing the package costs nothing and does nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import traces

PROBE = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append((event, args)) if event in
    ("sqlite3.connect", "socket.connect", "subprocess.Popen", "os.mkdir") or
    (event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")) else None)
import traces
assert "sqlite3" not in sys.modules and "traces.record" not in sys.modules
import traces.record
assert "sqlite3" not in sys.modules
import traces.store.sqlite, traces.export, traces.read
ours = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
assert not opened, opened
print(" ".join(sorted(name for name in ours if not name.startswith("_"))))
"""


def test_importing_opens_nothing_and_needs_only_the_standard_library() -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-S", "-c", PROBE],
        check=True,
        capture_output=True,
        text=True,
        cwd=str(traces.__path__[0]) + "/..",
    )
    assert done.stdout.split() == ["traces"]


def test_every_public_name_is_there() -> None:
    for name in traces.__all__:
        assert getattr(traces, name) is not None
    assert set(traces._EXPORTS) | {"OWNER"} == set(traces.__all__)
    with pytest.raises(AttributeError, match="nothing_such"):
        traces.nothing_such  # noqa: B018
