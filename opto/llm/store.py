"""The cache of GGUF files: what is pinned, what is here, and how to get the rest.

Lives here: the pinned list, the cache folder, `pull`, `path_of`, `list_models`, `remove`.
Never here: running a model, choosing the default one, printing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

from opto.errors import OptoError
from opto.llm.filelock import exclusive
from opto.llm.sources import (
    HubSource,
    PinnedModel,
    Source,
    SourceError,
    Wheel,
    WheelSource,
    sha256_of,
    write_atomically,
)

DEFAULT_SOURCES: tuple[Source, ...] = (HubSource(), WheelSource())
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MB = 1_000_000
_SPARE_BYTES = 150 * _MB
"""Room for one wheel next to the growing file, and a little air."""


class ModelStoreError(OptoError):
    """A model is unknown, not here, damaged, or cannot be fetched."""

    code = "opto.model_store"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is; `str()` gives the line to show."""

    name: str
    done_bytes: int
    total_bytes: int
    part: int
    parts: int
    note: str = ""
    """What is being waited for, or empty while bytes flow."""

    def __str__(self) -> str:
        line = f"{self.name}: {self.done_bytes / _MB:.0f} of {self.total_bytes / _MB:.0f} MB"
        if self.parts > 1:
            line += f", part {self.part} of {self.parts}"
        return f"{line} ({self.note})" if self.note else line


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of `opto model list`."""

    name: str
    size_bytes: int
    path: Path | None
    """The file, or None when it has not been pulled."""
    pinned: PinnedModel | None
    """The pinned facts, or None for a file the user put there."""


@cache
def known_models() -> Mapping[str, PinnedModel]:
    """The pinned models by name, from `models.lock.json` next to this file."""
    table = json.loads(files("opto.llm").joinpath("models.lock.json").read_text("utf-8"))
    return {
        name: PinnedModel(
            name=name,
            license=facts["license"],
            base=facts["base"],
            size_bytes=facts["bytes"],
            sha256=facts["sha256"],
            hub=facts["hub"],
            member=facts["member"],
            wheels=tuple(Wheel(entry["wheel"], entry["sha256"]) for entry in facts["wheels"]),
        )
        for name, facts in table.items()
    }


def models_folder() -> Path:
    """OPTO_MODELS_DIR, else `opto/models` in the user's cache folder of this platform."""
    return cache_folder("models")


def cache_folder(kind: str) -> Path:
    """OPTO_<KIND>_DIR, else `opto/<kind>` in the user's cache folder of this platform."""
    if chosen := os.environ.get(f"OPTO_{kind.upper()}_DIR"):
        return Path(os.path.expanduser(chosen))  # noqa: PTH111  (keeps a ~user that is nobody)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "opto" / kind
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "opto" / kind
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "opto" / kind
    return Path.home() / ".cache" / "opto" / kind


def list_models(*, folder: Path | None = None) -> list[Entry]:
    """Pinned models, here or not, then files the user put into the folder. Checks sizes only."""
    place = folder or models_folder()
    known = known_models()
    entries = [
        Entry(name, model.size_bytes, file if _fits(file, model) else None, model)
        for name, model in known.items()
        for file in [place / f"{name}.gguf"]
    ]
    own = sorted(file for file in place.glob("*.gguf") if file.stem not in known)
    return entries + [Entry(file.stem, file.stat().st_size, file, None) for file in own]


def path_of(name: str, *, folder: Path | None = None) -> Path:
    """The file of a model that is here. A pinned one is hashed once, then remembered by its mtime.

    Raises:
        ModelStoreError: Unknown name, not pulled yet, or the bytes are not the pinned ones.
    """
    place = folder or models_folder()
    file = place / f"{_checked(name)}.gguf"
    model = known_models().get(name)
    if model is None:
        if file.is_file():
            return file  # the user's own file: nothing to compare it with
        raise _unknown(name)
    if not _fits(file, model):
        raise ModelStoreError(
            f"The model {name} is not in the cache.",
            where=str(file),
            fix=f"opto model pull {name}   ({model.size_bytes / _MB:.0f} MB, {model.license})",
        )
    if _stamp(file, model) != _noted_stamp(file):
        if sha256_of(file) != model.sha256:
            raise ModelStoreError(
                f"The file of {name} is damaged: its SHA-256 is not the pinned one.",
                where=str(file),
                fix=f"opto model remove {name} && opto model pull {name}",
            )
        _note_stamp(file, model)
    return file


def pull(
    name: str,
    *,
    progress: Callable[[Progress], None] | None = None,
    folder: Path | None = None,
    sources: Sequence[Source] = DEFAULT_SOURCES,
) -> Path:
    """Bring a pinned model into the cache and return its file; at once when it is there.

    A killed pull leaves only `.part` files behind, and the next one goes on from them. Two pulls
    of one model do not collide: the second waits for the first.

    Args:
        name: A name of `known_models()`.
        progress: Called several times a second; it may raise to cancel.
        folder: Cache folder; None means `models_folder()`.
        sources: Tried in order.

    Raises:
        ModelStoreError: Unknown name, no room on the disk, or no source had the pinned bytes.
    """
    model = known_models().get(_checked(name))
    if model is None:
        raise _unknown(name)
    return fetch(model, folder or models_folder(), sources=sources, progress=progress)


def fetch(
    model: PinnedModel,
    folder: Path,
    *,
    sources: Sequence[Source],
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """`pull` for a model given by its facts rather than by name."""
    target = folder / f"{model.name}.gguf"
    if _fits(target, model):
        return path_of(model.name, folder=folder) if model.name in known_models() else target

    def tell(done: int, part: int, parts: int, note: str = "") -> None:
        if progress is not None:
            progress(Progress(model.name, done, model.size_bytes, part, parts, note))

    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / f".{model.name}.lock"
    with exclusive(lock, waiting=lambda: tell(0, 1, 1, "another pull is fetching it")):
        if _fits(target, model):  # the pull we waited for brought it
            return target
        _sweep(folder, model.name)
        _check_room(folder, model)
        reasons = []
        for source in sources:
            part = folder / f".{model.name}.{source.name}.part"
            try:
                source.fetch(model, part, tell)
                _verify(part, model)
            except SourceError as refusal:
                reasons.append(f"{source.name}: {refusal}")
                continue
            part.replace(target)
            _note_stamp(target, model)
            _clear_parts(folder, model.name)
            return target
        raise ModelStoreError(
            f"No source gave the model {model.name}.",
            where="\n".join(reasons),
            fix=(
                f"Check the network or pip's index settings and run `opto model pull {model.name}` "
                f"again; or copy the file by hand to {target}."
            ),
        )


def remove(name: str, *, folder: Path | None = None) -> int:
    """Delete a model and what is left of unfinished pulls; returns the bytes freed.

    Raises:
        ModelStoreError: Unknown name, or a pull of it is under way.
    """
    place = folder or models_folder()
    file = place / f"{_checked(name)}.gguf"
    if name not in known_models() and not file.is_file():
        raise _unknown(name)
    if not place.is_dir():
        return 0
    try:
        with exclusive(place / f".{name}.lock"):
            freed = _clear_parts(place, name)
            if file.is_file():
                freed += file.stat().st_size
                file.unlink()
            _stamp_file(file).unlink(missing_ok=True)
            return freed
    except BlockingIOError as busy:
        raise ModelStoreError(
            f"{name} is being pulled by another process.", fix="Wait for it, or stop it first."
        ) from busy


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ModelStoreError(
            f"{name!r} is not a model name.", fix="`opto model list` shows the names."
        )
    return name


def _unknown(name: str) -> ModelStoreError:
    holding = [known for known in known_models() if name.lower() in known]
    near = holding or get_close_matches(name, known_models(), n=1, cutoff=0.5)
    return ModelStoreError(
        f"No model is called {name!r}.",
        fix=(f"Did you mean {near[0]!r}? " if near else "") + "`opto model list` shows all.",
    )


def _fits(file: Path, model: PinnedModel) -> bool:
    return file.is_file() and file.stat().st_size == model.size_bytes


def _verify(part: Path, model: PinnedModel) -> None:
    """Refuse, and delete, an assembled file that is not the pinned one."""
    if _fits(part, model) and sha256_of(part) == model.sha256:
        return
    part.unlink(missing_ok=True)
    part.with_suffix(".journal").unlink(missing_ok=True)
    raise SourceError("the assembled file is not the model that was pinned")


def _check_room(folder: Path, model: PinnedModel) -> None:
    """Refuse a pull that would fill the disk; what an earlier pull left there counts as here."""
    have = max([part.stat().st_size for part in folder.glob(f".{model.name}.*.part")], default=0)
    need = model.size_bytes - have + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < need:
        raise ModelStoreError(
            f"Not enough room for {model.name}: {need / _MB:.0f} MB needed, {free / _MB:.0f} free.",
            where=str(folder),
            fix="Free some space, or set OPTO_MODELS_DIR to a folder on a larger disk.",
        )


def _clear_parts(folder: Path, name: str) -> int:
    """Delete part files and scratch folders of unfinished pulls; returns the bytes freed."""
    freed = _sweep(folder, name)
    for leftover in [*folder.glob(f".{name}.*.part"), *folder.glob(f".{name}.*.journal")]:
        freed += leftover.stat().st_size
        leftover.unlink()
    return freed


def _sweep(folder: Path, name: str) -> int:
    """Delete scratch folders that a killed pull left; the caller holds the lock."""
    freed = 0
    for scratch in folder.glob(f".{name}.*"):
        if scratch.is_dir():
            freed += sum(file.stat().st_size for file in scratch.rglob("*") if file.is_file())
            shutil.rmtree(scratch, ignore_errors=True)
    return freed


def _stamp_file(file: Path) -> Path:
    return file.parent / f".{file.stem}.verified"


def _stamp(file: Path, model: PinnedModel) -> str:
    status = file.stat()
    return f"{model.sha256} {status.st_size} {status.st_mtime_ns}"


def _noted_stamp(file: Path) -> str:
    try:
        return _stamp_file(file).read_text(encoding="utf-8")
    except OSError:
        return ""


def _note_stamp(file: Path, model: PinnedModel) -> None:
    """Remember that the file was hashed; in a folder that cannot be written it is hashed again."""
    try:
        write_atomically(_stamp_file(file), _stamp(file, model))
    except OSError:
        return
