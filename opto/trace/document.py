"""Files that are written whole or not at all; JSON with a format and a version.

Lives here: `write_document`, `write_text`, `read_document`.
Never here: what is in a document.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opto.trace.errors import TraceError
from opto.trace.text import preview


def write_document(document: Mapping[str, Any], path: Path, *, indent: int | None = 1) -> None:
    """Write `document` in UTF-8; who reads `path` meanwhile sees the old file or the new one.

    Raises:
        TraceError: The file cannot be written.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent)
    write_text(f"{text}\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a file in UTF-8, whole or not at all.

    Raises:
        TraceError: It cannot be written.
    """
    part: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            part = Path(file.name)
            file.write(text)
        part.chmod(_mode(path))
        part.replace(path)
    except OSError as fault:
        raise TraceError(
            f"{path} cannot be written: {fault.strerror or fault}.", fix="Give another path."
        ) from fault
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _mode(path: Path) -> int:
    """The permissions of the file to be replaced, or of a new one (a temporary one's are 0600)."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def read_document(source: Path, *, kind: str, version: int) -> dict[str, Any]:
    """The document in a file, of the given format and version.

    Raises:
        TraceError: There is no such file, it is no JSON, or of another format or version.
    """
    try:
        found = json.loads(source.read_text(encoding="utf-8"))
    except OSError as fault:
        raise TraceError(
            f"{source} cannot be read: {fault.strerror or fault}.", fix="Check the path."
        ) from fault
    except (ValueError, RecursionError) as fault:  # no UTF-8, no JSON, nested without end
        raise TraceError(
            f"{source} is no JSON: {preview(str(fault), 200)}.",
            fix="The file was changed or damaged; take one that was saved.",
        ) from fault
    return checked_document(found, where=str(source), kind=kind, version=version)


def checked_document(found: Any, *, where: str, kind: str, version: int) -> dict[str, Any]:
    """`found`, if it is a document of the given format and version.

    Raises:
        TraceError: It is not.
    """
    if not isinstance(found, dict) or found.get("format") != kind:
        raise TraceError(f"{where} is no document of the format {kind!r}.", fix="Check the path.")
    given = found.get("version")
    if given != version or type(given) is not int:
        raise TraceError(
            f"{where} has version {preview(given, 40)}; this program reads {version}.",
            fix="Read it with the version of opto that wrote it.",
        )
    return found
