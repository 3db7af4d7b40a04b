"""One process at a time: an advisory lock on a file that the operating system frees on death.

Lives here: `exclusive`, a context manager for Linux, macOS and Windows.
Never here: what is protected by the lock; locks made of leftover files (a killed process would
hold those forever).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_POLL_S = 0.2

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        """Lock the first byte of `file`, or say that another process has it."""
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        """Lock `file`, or say that another process has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def exclusive(path: Path, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock file `path` in this block; the file stays behind, empty, on purpose.

    Args:
        path: Lock file, made when absent; deleting it would let two holders in.
        waiting: Called about five times a second while another holder has the lock; it may raise
            to give up. None gives up at once.

    Raises:
        BlockingIOError: Another holder has it and `waiting` is None.
    """
    with path.open("ab") as file:
        while not _try_lock(file):
            if waiting is None:
                raise BlockingIOError(f"{path} is locked by another process")
            waiting()
            time.sleep(_POLL_S)
        yield  # closing the file frees the lock
