"""A search on the command line is killed, interrupted, and watched on a real terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from search_programs import write_program
from toy_search import child_environment

from traces.errors import StoreError
from traces.read import events, runs
from traces.store.sqlite import Store

_OPTO = "import sys; from opto.cli.main import main; sys.exit(main(sys.argv[1:]))"
_ASKED = ["greet.py", "--optimizer", "greet.py:scripted", "--budget", "metric=150,llm=12"]


def environment() -> dict[str, str]:
    return {**child_environment(), "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}


def opto(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", _OPTO, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def begun(folder: Path, *arguments: str, **where: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _OPTO, "optimize", *_ASKED, *arguments],
        cwd=folder,
        env=environment(),
        **where,
    )


def wait_for_events(folder: Path, number: int) -> None:
    """Until a run in the folder's store that is being written has so many events."""
    file = folder / ".opto" / "runs.db"
    for _ in range(600):
        # until the file is there, with its tables
        with suppress(FileNotFoundError, StoreError), Store(file, read_only=True) as store:
            if any(info.events >= number and info.writer for info in runs(store)):
                return
        time.sleep(0.02)
    raise AssertionError(f"the search did not get to {number} events")


def test_killed_anywhere_a_search_is_resumed_by_its_name_alone(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    write_program(tmp_path, pause_s=0.01, calls=calls)
    whole = opto(tmp_path, "optimize", *_ASKED, "--run", "whole", "--json")
    assert whole.returncode == 0, whole.stderr
    unbroken = json.loads(whole.stdout)
    paid = len(calls.read_text(encoding="utf-8").splitlines())

    for number in (1, 40, 150):
        calls.unlink()
        child = begun(tmp_path, "--run", f"cut{number}", stderr=subprocess.DEVNULL)
        wait_for_events(tmp_path, number)
        child.send_signal(signal.SIGKILL)
        child.wait()
        resumed = opto(tmp_path, "resume", "--json")

        assert child.returncode == -signal.SIGKILL
        assert resumed.returncode == 0, resumed.stderr
        found = json.loads(resumed.stdout)
        assert found["run"] == f"cut{number}"
        assert found["digest"] == unbroken["digest"]
        assert found["best"] == unbroken["best"]
        again = len(calls.read_text(encoding="utf-8").splitlines()) - paid
        assert 0 <= again <= 8  # what was in flight


def test_a_changed_file_stops_a_resume_and_is_shown_until_it_is_meant(tmp_path: Path) -> None:
    file = write_program(tmp_path, pause_s=0.01)
    child = begun(tmp_path, "--run", "cut", stderr=subprocess.DEVNULL)
    wait_for_events(tmp_path, 30)
    child.kill()
    child.wait()
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"Right."', '"Quite right."'), encoding="utf-8")

    refused = opto(tmp_path, "resume", "cut")
    meant = opto(tmp_path, "resume", "cut", "--changed")

    assert refused.returncode == 1
    assert f"{file} changed" in refused.stderr
    assert '+    return float(right), "Quite right."' in refused.stderr
    assert "opto resume cut --changed" in refused.stderr
    assert meant.returncode == 0, meant.stderr
    with Store(tmp_path / ".opto" / "runs.db", read_only=True) as store:
        first, second = events(store, "cut", kind="opt.origin")
    assert first.data["files"] != second.data["files"]


def test_a_refused_resume_does_not_take_changed_files_for_the_recorded_ones(tmp_path: Path) -> None:
    file = write_program(tmp_path, pause_s=0.01)
    child = begun(tmp_path, "--run", "cut", stderr=subprocess.DEVNULL)
    wait_for_events(tmp_path, 30)
    child.kill()
    child.wait()
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}\ntrainset = trainset[1:]\n", encoding="utf-8")

    refused = opto(tmp_path, "resume", "cut", "--changed")  # another training set: another study
    file.write_text(text, encoding="utf-8")
    resumed = opto(tmp_path, "resume", "cut")

    assert refused.returncode == 1
    assert "task.train" in refused.stderr
    assert resumed.returncode == 0, resumed.stderr


class Screen:
    """A real terminal, 100 columns wide, and all that was written on it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.main, side = pty.openpty()
        self.child = begun(folder, *arguments, stdin=side, stdout=side, stderr=side)
        os.close(side)
        self.text = ""

    def read_until(self, wanted: str) -> None:
        while wanted not in self.text and (data := self._read()):
            self.text += data

    def read_all(self) -> int:
        while data := self._read():
            self.text += data
        os.close(self.main)
        return self.child.wait()

    def _read(self) -> str:
        try:
            return os.read(self.main, 65536).decode(errors="replace")
        except OSError:  # the child has closed its side
            return ""


def test_a_terminal_shows_a_board_that_moves_and_the_change_in_color(tmp_path: Path) -> None:
    write_program(tmp_path, pause_s=0.01)

    screen = Screen(tmp_path)
    code = screen.read_all()

    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.text)
    assert code == 0
    assert "\x1b[1A" in screen.text  # the board is drawn over itself
    for said in ("searching", "of 150", "of 12", "in flight", "measuring the final score"):
        assert said in words
    assert "\x1b[31m-Answer." in screen.text
    assert words.count("\nbefore  0.000") == 1


def test_ctrl_c_on_a_terminal_ends_well_and_says_how_to_go_on(tmp_path: Path) -> None:
    write_program(tmp_path, pause_s=0.05)

    screen = Screen(tmp_path, "--run", "cut")
    wait_for_events(tmp_path, 10)
    screen.child.send_signal(signal.SIGINT)
    code = screen.read_all()

    assert code == 130
    assert "go on: opto resume cut" in screen.text
    assert "\x1b[?25h" in screen.text  # the cursor is shown again
    assert "Traceback" not in screen.text
