"""A corpus of attacks, run in the sandbox and judged from outside.

Lives here: the stage an attack plays on (secrets, listeners, a process to attack), the meters, and
the oracles that decide from the host's own evidence whether an attack was stopped.
Never here: the attacks. They are a file outside the repository: `shared/tools/sandbox_attacks.py`
beside it, or where OPTO_SANDBOX_ATTACKS says.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

from opto.sandbox import Limits, Run, Sandbox, SandboxedError

BESIDE = Path(__file__).parents[2] / "shared" / "tools" / "sandbox_attacks.py"
_GRACE_S = 2.0
_HOST_GROWTH = 64 << 20
_SAMPLE_S = 0.01
_TAIL = "\nresult = globals().get('RESULT')\n"
_PAGE = os.sysconf("SC_PAGE_SIZE")


def corpus() -> ModuleType | None:
    """The module with the attacks; None when it is not on this machine."""
    path = Path(os.environ.get("OPTO_SANDBOX_ATTACKS", BESIDE))
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("sandbox_attacks", path)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Stage:
    """What the attacks aim at; all of it belongs to this process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sandbox-stage-"))
        self.secret = f"SECRET-{uuid4().hex}"
        self.tag = f"tag{uuid4().hex[:12]}"
        self.contacts: list[str] = []
        self.site = Path(importlib.util.__file__).parent
        self._sockets: list[socket.socket] = []
        self.names = self._furnish()
        self.canary = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        self.names |= {"CANARY": str(self.canary.pid), "HOSTPID": str(os.getpid())}
        os.environ["CANARY_SECRET"] = self.secret

    def _furnish(self) -> dict[str, str]:
        for name in ("home", "mark", "sibling"):
            (self.folder / name).mkdir()
        (self.folder / "home" / ".canary_secret").write_text(self.secret, encoding="utf-8")
        (self.folder / "sibling" / "secret.txt").write_text(self.secret, encoding="utf-8")
        (self.folder / "answers.json").write_text(self.secret, encoding="utf-8")
        abstract = f"abstract-{uuid4().hex}"
        return {
            "HOME": str(self.folder / "home"),
            "MARK": str(self.folder / "mark"),
            "SIBLING": str(self.folder / "sibling"),
            "DATASET": str(self.folder / "answers.json"),
            "PORT": str(self._listen(socket.AF_INET, ("127.0.0.1", 0))[1]),
            "UPORT": str(self._listen(socket.AF_INET, ("127.0.0.1", 0), datagram=True)[1]),
            "USOCK": str(self._listen(socket.AF_UNIX, str(self.folder / "host.sock"))),
            "ASOCK": self._listen(socket.AF_UNIX, "\0" + abstract) and abstract,
            "SITE": str(self.site),
            "TAG": self.tag,
        }

    def _listen(self, family: int, address: Any, *, datagram: bool = False) -> Any:
        ear = socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM)
        ear.bind(address)
        if not datagram:
            ear.listen()
        self._sockets.append(ear)
        threading.Thread(target=self._hear, args=(ear,), daemon=True).start()
        return ear.getsockname()

    def _hear(self, ear: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                if ear.type == socket.SOCK_DGRAM:
                    ear.recv(64)
                else:
                    ear.accept()[0].close()
                self.contacts.append(str(ear.family))

    def canary_is_well(self) -> bool:
        """Alive, not stopped, not traced."""
        if self.canary.poll() is not None:
            return False
        status = Path(f"/proc/{self.canary.pid}/status").read_text(encoding="utf-8")
        state = status.split("State:")[1].split()[0]
        return state in "SRD" and "TracerPid:\t0" in status

    def marks(self) -> list[Path]:
        """Files an attack has left where it must not."""
        return [*(self.folder / "mark").iterdir(), *self.site.glob(f"*{self.tag}*")]

    def close(self) -> None:
        """Take it down."""
        os.environ.pop("CANARY_SECRET", None)
        self.canary.send_signal(signal.SIGKILL)
        self.canary.wait()
        for ear in self._sockets:
            with contextlib.suppress(OSError):
                ear.shutdown(socket.SHUT_RDWR)
            ear.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Meter:
    """Peaks of the processes below this one, sampled while an attack runs."""

    def __init__(self, ignore: int) -> None:
        self.ignore = ignore
        self.processes = self.memory = self.disk = 0
        self.before = set(self._below())
        self._free = self._free_bytes()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def new(self) -> set[int]:
        """Processes that were not there before."""
        return set(self._below()) - self.before

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            below = self._below()
            self.processes = max(self.processes, len(below))
            self.memory = max(self.memory, sum(below.values()))
            self.disk = max(self.disk, self._free - self._free_bytes())

    def _below(self) -> dict[int, int]:
        """Process id to resident bytes of all processes that descend from this one."""
        parents, sizes = {}, {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                sizes[int(entry.name)] = int(fields[21]) * _PAGE
        found: dict[int, int] = {}
        for pid in parents:
            above = pid
            while above in parents and above != os.getpid():
                above = parents[above]
            if above == os.getpid() and pid not in (above, self.ignore):
                found[pid] = sizes[pid]
        return found

    @staticmethod
    def _free_bytes() -> int:
        disk = os.statvfs(tempfile.gettempdir())
        return disk.f_bavail * disk.f_frsize


class Seen:
    """What the host knows after an attack."""

    def __init__(self) -> None:
        self.text = ""
        self.ok = False
        self.seconds = 0.0
        self.growth = 0
        self.left: set[int] = set()


def stopped(sandbox: Sandbox, stage: Stage, attacks: ModuleType, attack: Any) -> str:
    """Run one attack; empty when it was stopped, else what it achieved."""
    stage.contacts.clear()
    seen = Seen()
    resident = _resident()
    with Meter(ignore=stage.canary.pid) as meter:
        for part in ("code", "then"):
            code = attacks.render(attack, stage.names, part)
            if code:
                _perform(sandbox, code, attack.wall, seen)
        seen.growth = _resident() - resident
        if attack.oracle == "no_leftover":
            time.sleep(1.0)
    seen.left = _tagged(stage.tag)
    return (
        ""
        if _verdict(attack.oracle, seen, stage, meter, attacks, attack.wall)
        else (f"{attack.id} ({attack.oracle}): {seen.text[:200]!r} in {seen.seconds:.1f} s")
    )


def _perform(sandbox: Sandbox, code: str, wall: float, seen: Seen) -> None:
    begun = time.monotonic()
    seen.ok = False
    try:
        done: Run = sandbox.run(code + _TAIL, limits=Limits(wall_s=wall))
        seen.ok = True
        seen.text += done.stdout + repr(done.result) + repr(done.artifacts)
    except SandboxedError as failed:
        seen.text += f"{failed} {failed.stdout}"
    seen.seconds = max(seen.seconds, time.monotonic() - begun)


def _verdict(
    oracle: str, seen: Seen, stage: Stage, meter: Meter, attacks: ModuleType, wall: float
) -> bool:
    checks: dict[str, Callable[[], bool]] = {
        "no_secret": lambda: stage.secret not in seen.text and "LEAK:" not in seen.text,
        "no_marker": lambda: not stage.marks(),
        "no_contact": lambda: not stage.contacts,
        "canary_alive": stage.canary_is_well,
        "ends_in_time": lambda: seen.seconds <= wall + _GRACE_S,
        "mem_capped": lambda: meter.memory <= attacks.MEM_CAP,
        "procs_capped": lambda: meter.processes <= attacks.PROC_CAP,
        "disk_capped": lambda: meter.disk <= attacks.DISK_CAP,
        "output_capped": lambda: len(seen.text) <= attacks.OUT_CAP and seen.growth <= _HOST_GROWTH,
        "no_leftover": lambda: not seen.left,
        "not_ok": lambda: not seen.ok,
        "not_ok_or_ok": lambda: seen.seconds <= wall + _GRACE_S,
        "no_escape": lambda: "ESCAPED" not in seen.text,
    }
    return checks[oracle]() and stage.canary_is_well() and not stage.marks()


def checkable(attacks: ModuleType) -> list[Any]:
    """The attacks that an oracle can judge; the others ask for a policy of the host."""
    return [attack for attack in attacks.ATTACKS if attack.oracle != "host_policy"]


def score(sandbox: Sandbox, attacks: ModuleType) -> Iterator[tuple[str, str]]:
    """Name of each checkable attack, and what it achieved (nothing, when stopped)."""
    stage = Stage()
    try:
        for attack in checkable(attacks):
            yield attack.id, stopped(sandbox, stage, attacks, attack)
    finally:
        stage.close()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * _PAGE


def _tagged(tag: str) -> set[int]:
    """Processes with the tag of this stage on their command line."""
    found = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and tag.encode() in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
    return found
