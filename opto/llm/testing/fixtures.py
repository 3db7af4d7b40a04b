"""The server as a pytest fixture: `pytest_plugins = ["opto.llm.testing.fixtures"]`.

Lives here: the fixture; the only file that imports pytest.
Never here: faults, wire formats.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from opto.llm.testing.server import ModelServer


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A running server on loopback; it answers `hello` until its `plan` says otherwise."""
    with ModelServer() as running:
        yield running
