"""Which runs there are, and their events in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from traces.errors import UnknownRunError
from traces.read import RunInfo, events, runs
from traces.record import Recorder
from traces.store.lease import this_process
from traces.store.sqlite import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(":memory:") as store:
        yield store


def at(hour: int) -> datetime:
    return datetime(2026, 1, 2, hour, tzinfo=UTC)


def test_runs_are_listed_by_beginning_with_their_writer(store: Store) -> None:
    hours = iter(range(10))
    recorder = Recorder(store, "zebra", clock=lambda: at(next(hours)))
    recorder.emit("a")
    with Recorder(store, "ant", clock=lambda: at(next(hours))) as other:
        other.emit("a")
    recorder.emit("b")
    Recorder(store, "without events")

    assert runs(store) == [
        RunInfo("zebra", 2, at(0).isoformat(), at(2).isoformat(), "a", str(this_process())),
        RunInfo("ant", 1, at(1).isoformat(), at(1).isoformat(), "a", None),
    ]


def test_events_are_chosen_by_kind_and_position(store: Store) -> None:
    with Recorder(store, "r") as recorder:
        for n in range(6):
            recorder.emit("odd" if n % 2 else "even", n=n)

    assert [e.seq for e in events(store, "r", kind="odd")] == [2, 4, 6]
    assert [e.seq for e in events(store, "r", after=4)] == [5, 6]
    assert [e.seq for e in events(store, "r", kind="even", after=2)] == [3, 5]
    assert list(events(store, "r", kind="none such")) == []


def test_long_runs_come_in_pages_without_gaps_and_see_what_is_added(store: Store) -> None:
    with Recorder(store, "r") as recorder:
        for _ in range(450):
            recorder.emit("x")
        reading = events(store, "r")
        assert next(reading).seq == 1
        recorder.emit("late")

    assert [e.seq for e in reading] == list(range(2, 452))


def test_runs_do_not_mix(store: Store) -> None:
    with Recorder(store, "a") as a, Recorder(store, "b") as b:
        a.emit("x", who="a")
        b.emit("x", who="b")
        a.emit("x", who="a")
    assert [(e.seq, e.data["who"]) for e in events(store, "a")] == [(1, "a"), (2, "a")]


def test_an_unknown_run_is_refused_at_once_and_a_near_miss_named(store: Store) -> None:
    with Recorder(store, "chairs") as recorder:
        recorder.emit("x")

    with pytest.raises(UnknownRunError, match="chiars") as near:
        events(store, "chiars")
    with pytest.raises(UnknownRunError) as far:
        events(store, "xyz")

    assert near.value.fix == "Did you mean 'chairs'?"
    assert "1 other" in far.value.fix


def test_a_run_that_has_only_begun_has_no_events(store: Store) -> None:
    with Recorder(store, "r"):
        assert list(events(store, "r")) == []
