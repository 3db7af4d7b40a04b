"""Who writes a run, and when a lease is over."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from traces.record import Recorder
from traces.store.lease import Owner, retire, this_process
from traces.store.sqlite import Store

LINUX = sys.platform == "linux"


def test_this_process_is_alive() -> None:
    assert this_process().alive()
    assert this_process() != this_process()


def test_it_is_shown_by_process_and_host() -> None:
    assert str(Owner("t", "box", 7, "", "", "")) == "process 7 on host box"


def test_a_process_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not replace(this_process(), pid=child.pid, started="").alive()


@pytest.mark.skipif(not LINUX, reason="needs /proc")
def test_a_killed_process_whose_parent_has_not_noticed_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        child.stdout.read()  # the end of its output
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it ended, and is still listed
    started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]

    assert not replace(this_process(), pid=child.pid, started=started).alive()
    child.wait()


@pytest.mark.skipif(not LINUX, reason="needs /proc")
def test_a_reused_process_number_is_another_process() -> None:
    assert not replace(this_process(), started="1").alive()


def test_another_boot_means_gone_and_another_host_or_container_means_maybe() -> None:
    here = replace(this_process(), pid=2**22 + 1, started="1")  # beyond the largest number

    assert not here.alive()
    assert not replace(here, boot="earlier", host="other").alive()
    assert replace(here, host="other").alive()
    assert replace(here, pid_space="pid:[1]").alive()


def test_a_process_of_another_user_is_alive() -> None:
    init = replace(this_process(), pid=1)
    started = Path("/proc/1/stat")
    if started.exists():
        init = replace(init, started=started.read_text().rpartition(")")[2].split()[19])
    assert init.alive()


def test_a_lease_whose_row_could_not_be_deleted_is_over() -> None:
    owner = this_process()
    retire(owner.token)
    assert not owner.alive()


def test_the_lease_of_a_dead_process_is_taken_over_unasked(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    code = (
        "import os, sys; from traces import Recorder, Store;"
        "Recorder(Store(sys.argv[1]), 'r').emit('from the dead'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)  # noqa: S603

    with Store(path) as store:
        assert len(store.rows("SELECT * FROM lease")) == 1, "it gave nothing back"
        with Recorder(store, "r") as recorder:
            assert recorder.emit("from the living").seq == 2
