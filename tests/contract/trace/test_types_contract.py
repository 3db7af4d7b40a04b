"""What a strict type checker knows of programs that use the trace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[3]

PROGRAM = """
from collections.abc import Coroutine
from typing import Any
from typing_extensions import assert_type

from opto.trace import Node, ParameterNode, bundle, node

@bundle()
def show(x: int, *, digits: int = 2) -> str:
    return f"{x:.{digits}f}"

@bundle()
def pick(which: bool, x: int, y: int) -> int:
    return x if which else y

@bundle(trainable=True)
def trained(x: int) -> list[int]:
    return [x]

@bundle()
async def later(x: int) -> float:
    return x / 2

@bundle(traceable_code=True)
def inside(x: Node[int]) -> Node[int]:
    return x

class Tool:
    @bundle()
    def use(self, x: int) -> bytes:
        return bytes(x)

    @bundle()
    async def wait(self, x: int) -> bytes:
        return bytes(x)

async def main() -> None:
    assert_type(show(1), Node[str])
    assert_type(show(1, digits=3), Node[str])
    assert_type(show(1).data, str)
    assert_type(show(node(1)), Node[str])
    assert_type(show(node(1), digits=3), Node[str])
    assert_type(show(x=node(1), digits=node(2)), Node[str])
    assert_type(pick(True, node(1), 2), Node[int])
    assert_type(pick(True, 1, node(2)), Node[int])
    assert_type(trained(1), Node[list[int]])
    pending: Coroutine[Any, Any, Node[float]] = later(1)
    assert_type(await pending, Node[float])
    assert_type(inside(node(1)), Node[int])
    assert_type(Tool().use(1), Node[bytes])
    assert_type(await Tool().wait(1), Node[bytes])
    assert_type(node("x"), Node[str])
    assert_type(node("x").data, str)
    assert_type(node("x", trainable=True), ParameterNode[str])
    assert_type(node("x", "name", trainable=True, description="d").data, str)
    assert_type(node(node(1)), Node[int])
    assert_type(node(node(1), trainable=True), ParameterNode[int])
"""

WRONG = {
    'show("1")': "No overload variant",
    'pick(True, 1, "2")': "No overload variant",
    "show(1, 2)": "No overload variant",
    "show(1, figures=2)": "No overload variant",
    'Tool().use("a")': "No overload variant",
    "Tool().use(Tool(), 1)": "No overload variant",
    "show(1).data + 1": "Unsupported operand types",
    "node(1).data.upper()": '"int" has no attribute "upper"',
}


def checked(path: Path, text: str) -> list[str]:
    """What mypy says of a program, one message a line."""
    path.write_text(text, encoding="utf-8")
    config = path.with_name("mypy.ini")
    config.write_text("[mypy]\nstrict = true\n", encoding="utf-8")
    cache = ROOT / ".mypy_cache" / "contract"
    out, err, _ = api.run([
        "--config-file", str(config), "--cache-dir", str(cache), "--follow-imports=silent",
        "--no-error-summary", str(path),
    ])  # fmt: skip
    assert not err
    return out.splitlines()


@pytest.fixture(autouse=True)
def _our_sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    deep = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(deep)  # mypy raises it for the whole process


def test_a_typed_program_has_the_types_it_says(tmp_path: Path) -> None:
    assert checked(tmp_path / "program.py", PROGRAM) == []


def test_wrong_calls_are_type_errors(tmp_path: Path) -> None:
    said = checked(tmp_path / "program.py", PROGRAM + "\n".join(["", *WRONG]))

    first = PROGRAM.count("\n") + 2
    for number, (call, message) in enumerate(WRONG.items(), first):
        here = [line for line in said if f"program.py:{number}: error" in line]
        assert any(message in line for line in here), (call, here)
