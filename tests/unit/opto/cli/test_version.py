"""Which opto is this?"""

from __future__ import annotations

from importlib.metadata import version

import pytest

from opto.cli.main import main


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr().out == f"opto {version('optolab')}\n"
