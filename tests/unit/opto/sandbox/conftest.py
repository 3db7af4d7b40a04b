"""Sandboxes shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from opto.sandbox import Limits, Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=1, limits=Limits(wall_s=5)) as ours:
        yield ours
