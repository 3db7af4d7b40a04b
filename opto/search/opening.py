"""Stores as users give them, and what an interrupted study says.

Lives here: `opened`, `interrupted`.
Never here: logging.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opto.search.errors import StudyInterrupted

if TYPE_CHECKING:
    from opto.search.journal import Journal
    from traces.store.sqlite import Store


def opened(store: Store | str | os.PathLike[str]) -> Store:
    """The store itself, or the one at a path."""
    from traces.store.sqlite import Store as SqliteStore  # noqa: PLC0415  (loads SQLite)

    return SqliteStore(store) if isinstance(store, str | os.PathLike) else store


def interrupted(journal: Journal | None, results: int) -> StudyInterrupted:
    """What to raise after Ctrl-C: what is safe, where, and how to go on."""
    if journal is None or not journal.durable:
        return StudyInterrupted(
            "The study was interrupted; nothing was logged.",
            fix="Give it a store (store='runs.db') to be able to continue.",
        )
    return StudyInterrupted(
        f"The study was interrupted; its {results} results so far are logged.",
        where=journal.where,
        fix=f"Run it again with run={journal.run!r} and the same store, or "
        f"Study.resume(store, {journal.run!r}, task=..., algorithm=...).",
    )
