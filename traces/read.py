"""Reading: which runs a store holds, and their events in order.

Lives here: all SELECTs for readers. They hold no lock between two pages, so writers never wait.
Never here: writing, folding events into a view.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from traces.errors import StoreError, UnknownRunError
from traces.events import Event
from traces.store.lease import COLUMNS, Owner
from traces.store.sqlite import Store

_PAGE = 200


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a list of runs shows of one."""

    run: str
    events: int
    first_at: str
    """Time of its first event, ISO 8601 in UTC."""
    last_at: str
    first_kind: str
    """The kind of its first event, which tells what the run is."""
    writer: str | None
    """The process that is writing it, or None when no living process is."""


def runs(store: Store) -> list[RunInfo]:
    """The runs with at least one event, in the order of their beginning."""
    leases = store.rows(f"SELECT run, {COLUMNS} FROM lease")  # noqa: S608  (a constant)
    writers = {run: Owner(*owner) for run, *owner in leases}
    found = store.rows(
        """WITH part AS (
            SELECT run, count(*) AS n, min(seq) AS low, max(seq) AS high FROM event GROUP BY run
        )
        SELECT part.run, part.n, first.at, last.at, first.kind FROM part
        JOIN event AS first ON first.run = part.run AND first.seq = part.low
        JOIN event AS last ON last.run = part.run AND last.seq = part.high
        ORDER BY first.rowid"""
    )
    living = {run: str(owner) for run, owner in writers.items() if owner.alive()}
    return [
        RunInfo(run, n, begun, last, kind, living.get(run)) for run, n, begun, last, kind in found
    ]


def events(store: Store, run: str, *, kind: str | None = None, after: int = 0) -> Iterator[Event]:
    """The events of `run` in the order of seq; what is appended meanwhile is included.

    Args:
        store: Where it was recorded.
        run: Its name.
        kind: Only events of this kind.
        after: Only events with a greater seq: how a viewer asks for what is new.

    Raises:
        UnknownRunError: At once, when there is no such run; a near miss is named.
        StoreError: When reached, an event cannot be read.
    """
    if not store.rows(
        "SELECT 1 FROM event WHERE run = :run UNION SELECT 1 FROM lease WHERE run = :run LIMIT 1",
        {"run": run},
    ):
        known = [str(name) for (name,) in store.rows("SELECT DISTINCT run FROM event")]
        near = get_close_matches(run, known, n=1)
        raise UnknownRunError(
            f"No run is called {run!r}.",
            where=str(store),
            fix=f"Did you mean {near[0]!r}?" if near else f"It holds {len(known)} other runs.",
        )
    return _pages(store, {"run": run, "kind": kind, "after": after})


def _pages(store: Store, wanted: dict[str, str | int | None]) -> Iterator[Event]:
    while page := store.rows(
        f"""SELECT run, seq, at, kind, span, data FROM event
        WHERE run = :run AND seq > :after AND (:kind IS NULL OR kind = :kind)
        ORDER BY seq LIMIT {_PAGE}""",  # noqa: S608  (a constant)
        wanted,
    ):
        for row in page:
            yield _event(store, row)
        wanted = wanted | {"after": page[-1][1]}


def _event(store: Store, row: tuple[Any, ...]) -> Event:
    run, seq, at, kind, span, text = row
    try:
        return Event(run, seq, at, kind, span, json.loads(text))
    except ValueError as error:
        raise StoreError(
            f"Event {seq} of run {run!r} is damaged: {error}.",
            where=str(store),
            fix="Keep a copy of the file; the events before it are good.",
        ) from error
