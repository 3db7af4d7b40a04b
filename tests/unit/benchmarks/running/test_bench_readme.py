"""What the README of the benchmarks shows, runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import benchmarks
from opto.llm.testing import ModelServer, says


def test_a_measurement_from_python_gives_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Path(benchmarks.__file__).with_name("README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "shown.py").write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("shown", tmp_path / "shown.py")
    assert spec is not None
    assert spec.loader is not None
    shown = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shown)
    monkeypatch.setenv("OPENAI_API_KEY", "none")

    with ModelServer(lambda asked: says("I cannot tell.")) as server:
        report = shown.measure(f"openai:m@{server.url}", tmp_path)

    assert "of 10 problems" in report
    assert "no-model" in report
