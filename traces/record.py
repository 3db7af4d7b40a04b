"""Recording: a run, the recorder that writes to it, and which recorder is in force here.

Lives here: `Recorder`, the ambient `recording` / `current`, and the store that keeps nothing.
Never here: SQL, files, redaction (the store does it, at the sink).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self

from traces.errors import TraceError
from traces.events import JSON, Event, clean, clean_name

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one run; a store that gave it to another honors only the newer."""

    run: str
    token: str


class Sink(Protocol):
    """Where a recorder writes. `traces.store.sqlite.Store` is one, `NullStore` another."""

    def lease(self, run: str, *, takeover: bool = False) -> Lease:
        """The only right to write `run`; LeaseError when a living writer has it."""
        ...

    def append(
        self, lease: Lease, kind: str, *, at: str, span: str | None, data: dict[str, JSON]
    ) -> Event:
        """Keep one event; when this returns, a crash no longer loses it. The event as kept."""
        ...

    def release(self, lease: Lease) -> None:
        """Give the right back; nothing happens when it is already gone."""
        ...


class NullStore:
    """Keeps nothing. Events come back with seq 0, so that callers need no branch."""

    def lease(self, run: str, *, takeover: bool = False) -> Lease:  # noqa: ARG002  (Protocol)
        return Lease(run, "")

    def append(
        self, lease: Lease, kind: str, *, at: str, span: str | None, data: dict[str, JSON]
    ) -> Event:
        return Event(lease.run, 0, at, kind, span, data)

    def release(self, lease: Lease) -> None:
        pass


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def new_run_name(clock: Clock = utc_now) -> str:
    """A fresh name that sorts by time: `20261121-232000-a1b2c3`."""
    return f"{clock().astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


class Recorder:
    """The writer of one run; any thread may call it, the order is the order of `seq`.

    `emit` returns once the event is on disk: well under a millisecond as a rule, next to seconds
    of model time, so async code calls it directly.
    """

    def __init__(
        self, store: Sink, run: str, *, clock: Clock = utc_now, takeover: bool = False
    ) -> None:
        """Take the lease of `run`, so that a second writer fails before it spends anything.

        Args:
            store: Where events go.
            run: Its name; an existing run is continued.
            clock: Time of an event, timezone-aware.
            takeover: Take the lease from a writer that seems alive; it fails at its next event.

        Raises:
            LeaseError: A living writer has the run.
            EventError: `run` cannot be a name.
        """
        self.run = clean_name(run, what="run")
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._lease: Lease | None = store.lease(self.run, takeover=takeover)

    def emit(self, kind: str, /, span: str | None = None, **data: object) -> Event:
        """Record one event and return it as it was kept (redacted, with its `seq`).

        Raises:
            EventError: `data` is not JSON.
            TraceError: The store failed, the lease is lost, or the recorder is closed.
        """
        name = clean_name(kind, what="kind")
        inside = None if span is None else clean_name(span, what="span")
        body = {key: clean(value, where=f"{name}.{key}") for key, value in data.items()}
        with self._lock:  # the clock is read in the order of seq
            if self._lease is None:
                raise TraceError(
                    f"The recorder of run {self.run!r} is closed.",
                    where=name,
                    fix="Emit inside its `with` block, or make a new Recorder for the run.",
                )
            at = self._clock().astimezone(UTC).isoformat()
            return self._store.append(self._lease, name, at=at, span=inside, data=body)

    def close(self) -> None:
        """Give the run back; may be called twice."""
        with self._lock:
            lease, self._lease = self._lease, None
        if lease is not None:
            self._store.release(lease)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Recorder(run={self.run!r}, {'closed' if self._lease is None else 'open'})"


class _NullRecorder(Recorder):
    """Shared by all who record nothing, so no one of them can close it."""

    def close(self) -> None:
        pass


NOTHING: Recorder = _NullRecorder(NullStore(), "nothing")
"""Records nothing: `current() or NOTHING` spares callers the branch."""

_active: ContextVar[Recorder | None] = ContextVar("traces_recorder", default=None)


@contextmanager
def recording(recorder: Recorder | None) -> Iterator[Recorder | None]:
    """Record onto `recorder` in this block; None pauses. Tasks inherit it, new threads do not."""
    token = _active.set(recorder)
    try:
        yield recorder
    finally:
        _active.reset(token)  # back to what it was, not to "on"


def current() -> Recorder | None:
    """The recorder in force here, if any."""
    return _active.get()
