"""Where a model file goes: a path, or a text stream that is already open.

Lives here: opening a target. Never here: formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TextIO

Target = str | PathLike[str] | TextIO


@contextmanager
def writing(target: Target) -> Iterator[TextIO]:
    """A UTF-8 stream on `target`; a path is opened and closed here, a stream is left open."""
    if isinstance(target, (str, PathLike)):
        with Path(target).open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
    else:
        yield target
