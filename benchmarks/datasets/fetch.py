"""Bringing published files into the cache, whole and unchanged.

Lives here: the cache folder, the download, checksums, the notice of a license.
Never here: what is in the files, printing.

A file whose checksum is not pinned in the table is pinned by its first download: the SHA-256 is
kept beside it, and a file that no longer has it is refused.
"""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Protocol

from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.registry import KnownSet, Published, known_set
from opto.llm.sources import sha256_of, write_atomically
from opto.llm.store import cache_folder

LARGEST_BYTES = 256_000_000
"""More than any known set by far; a server that sends more is not sending it."""
_BLOCK = 1 << 16
_TIMEOUT_S = 20.0
Notice = Callable[[str], None]


class Body(Protocol):
    """What is read of an answer to a request."""

    def read(self, amount: int, /) -> bytes: ...
    def length(self) -> int | None:
        """Bytes the server announced, or None."""


Opener = Callable[[str], AbstractContextManager[Body]]


def datasets_folder() -> Path:
    """OPTO_DATASETS_DIR, else `opto/datasets` in the user's cache folder of this platform."""
    return cache_folder("datasets")


@contextmanager
def web(url: str) -> Iterator[Body]:
    """Open an http(s) address; redirects are followed, but never from https to http."""
    if not url.startswith(("https://", "http://")):
        raise OSError("not a web address")
    asked = urllib.request.Request(url, headers={"User-Agent": "opto"})  # noqa: S310 - checked above
    with _answered(asked) as answer:
        if url.startswith("https://") and not answer.geturl().startswith("https://"):
            raise OSError("redirected to an address without encryption")
        announced = answer.headers.get("Content-Length")
        yield _Answer(answer.read, int(announced) if announced else None)


def _answered(asked: urllib.request.Request) -> HTTPResponse:
    try:
        answer: HTTPResponse = urllib.request.urlopen(asked, timeout=_TIMEOUT_S)  # noqa: S310
    except urllib.error.HTTPError as refusal:
        refusal.close()  # it holds the connection as long as the error is around
        raise OSError(f"HTTP {refusal.code} {refusal.reason.splitlines()[0]}") from None
    return answer


class _Answer:
    """An answer of `urllib` as a `Body`."""

    def __init__(self, read: Callable[[int], bytes], length: int | None) -> None:
        self.read, self._length = read, length

    def length(self) -> int | None:
        return self._length


def fetch(
    name: str | KnownSet,
    cache_dir: Path | None = None,
    *,
    opener: Opener = web,
    notice: Notice | None = None,
) -> tuple[Path, ...]:
    """The files of a set, from the cache, or downloaded into it; in the order of the table.

    Each file is written beside its place and moved there whole, so a cut download leaves nothing.

    Args:
        name: A name of the table, or an entry of your own.
        cache_dir: Where to keep files; None means `datasets_folder()`.
        opener: How to open an address.
        notice: Told the license and the known problems once per cache, and the checksum of every
            file whose checksum was not known in advance. Without one they are told next time.

    Raises:
        DatasetError: No such set, no network, the cache cannot be used, or the bytes are not the
            expected ones.
    """
    known = name if isinstance(name, KnownSet) else known_set(name)
    folder = (cache_dir or datasets_folder()) / known.name
    try:
        _tell_license(known, folder, notice)
        return tuple(_one(known, file, folder, opener, notice) for file in known.files)
    except OSError as fault:  # of a download it is an error of ours already
        raise DatasetError(
            f"The cache of problem sets cannot be used: {fault.strerror or fault}.",
            where=str(fault.filename or folder),
            fix="Set OPTO_DATASETS_DIR to a folder that can be written, or give your copy: "
            f"opto bench run {known.name} --data FILE",
        ) from fault


def _one(
    known: KnownSet, file: Published, folder: Path, opener: Opener, notice: Notice | None
) -> Path:
    place = folder / file.file
    pin = file.sha256 or _pinned_here(place)
    if place.is_file():
        digest = sha256_of(place)
        if pin and digest != pin:
            raise DatasetError(
                f"A file of {known.name} has changed since it was fetched.",
                where=f"{place}: SHA-256 {digest}, expected {pin}",
                fix="Delete the file to fetch it again.",
            )
    else:
        digest = _download(known, file, place, pin, opener)
    if not pin:
        with suppress(OSError):  # a cache that cannot be written still serves what is in it
            write_atomically(_pin_file(place), digest + "\n")
        if notice:
            notice(
                f"{place.name}: SHA-256 {digest}. It was not known in advance; from now on the "
                "file must have it."
            )
    return place


def _download(
    known: KnownSet, file: Published, place: Path, pin: str | None, opener: Opener
) -> str:
    """Download to a file beside `place`, check it, move it there; its SHA-256."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
    os.close(handle)
    part = Path(name)
    try:
        _save(file.url, part, opener)
        digest = sha256_of(part)
        if pin and digest != pin:
            raise DatasetError(
                f"{file.url} does not hold the file that is expected.",
                where=f"SHA-256 {digest}, expected {pin}",
                fix=_by_hand(known, place),
            )
        part.replace(place)
    except (OSError, HTTPException) as fault:
        raise DatasetError(
            f"The set {known.name} is not in the cache and cannot be downloaded: {fault}.",
            where=file.url,
            fix=_by_hand(known, place),
        ) from fault
    finally:
        part.unlink(missing_ok=True)
    return digest


def _save(url: str, part: Path, opener: Opener) -> None:
    size = 0
    with opener(url) as body, part.open("wb") as out:
        while block := body.read(_BLOCK):
            size += out.write(block)
            if size > LARGEST_BYTES:
                raise OSError(f"more than {LARGEST_BYTES / 1e6:.0f} MB came")
        announced = body.length()
    if announced is not None and size != announced:
        raise OSError(f"cut off after {size} of {announced} bytes")
    if not size:
        raise OSError("the file is empty")


def _by_hand(known: KnownSet, place: Path) -> str:
    return (
        f"Get the file where there is a network and put it at {place}, or give your copy: "
        f"opto bench run {known.name} --data FILE"
    )


def _tell_license(known: KnownSet, folder: Path, notice: Notice | None) -> None:
    marker = folder / "LICENSE-NOTICE.txt"
    if notice is None or not known.files or marker.exists():
        return
    text = (
        f"{known.title}. License: {known.license}. Source: {known.source}. "
        f"Labels: {known.problems}. The data is for evaluation; it is not part of this package."
    )
    notice(text)
    with suppress(OSError):  # told again next time
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(marker, text + "\n")


def _pin_file(place: Path) -> Path:
    return place.with_name(place.name + ".sha256")


def _pinned_here(place: Path) -> str | None:
    try:
        return _pin_file(place).read_text(encoding="utf-8").split()[0]
    except (OSError, IndexError):
        return None
