"""Source texts that no file holds, listed so that tracebacks can show their lines.

Lives here: `list_source`.
Never here: compiling, running.
"""

from __future__ import annotations

import linecache
from hashlib import sha256

PREFIX = "<rewritten "


def list_source(text: str, name: str) -> str:
    """The file name under which Python's tracebacks find `text`; the same for the same text."""
    file = f"{PREFIX}{name} {sha256(text.encode()).hexdigest()[:8]}>"
    lines = [f"{line}\n" for line in text.splitlines()]
    linecache.cache[file] = (len(text), None, lines, file)
    return file
