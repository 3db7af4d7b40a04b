"""A sandbox of every level this machine has, and the stage that attacks play on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.sandbox_attacks import Stage
from opto.sandbox import Sandbox, SandboxUnavailable


@pytest.fixture(scope="module", params=["strong", "kernel"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(workers=1, level=request.param, preload=("numpy", "highspy")) as ours:
        try:
            assert ours.level == request.param
        except SandboxUnavailable as missing:
            pytest.skip(str(missing))
        yield ours


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    built = Stage()
    yield built
    built.close()
