"""Stores as users give them, what a recorded study was, and what an interrupted one says.

Lives here: `opened`, `recorded_spec`, `interrupted`.
Never here: logging.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from opto.search.errors import ResumeError, StudyInterrupted
from opto.search.journal import SPEC, Journal

if TYPE_CHECKING:
    from traces.store.sqlite import Store


def opened(store: Store | str | os.PathLike[str]) -> Store:
    """The store itself, or the one at a path."""
    from traces.store.sqlite import Store as SqliteStore  # noqa: PLC0415  (loads SQLite)

    return SqliteStore(store) if isinstance(store, str | os.PathLike) else store


def recorded_spec(store: Store, run: str) -> dict[str, Any]:
    """What a recorded study was asked for.

    Raises:
        UnknownRunError: There is no such run; a near miss is named.
        ResumeError: It is no study.
    """
    from traces.read import events  # noqa: PLC0415  (needs SQLite)

    for event in events(store, run, kind=SPEC):
        return dict(event.data)
    raise ResumeError(f"Run {run!r} is no study.", where=str(store))


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
