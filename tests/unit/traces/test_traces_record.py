"""The recorder, the ambient recorder, and recording nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest

from traces.errors import EventError, LeaseError, TraceError
from traces.events import Event
from traces.read import events
from traces.record import NOTHING, Recorder, current, new_run_name, recording
from traces.store.sqlite import Store

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def noon() -> datetime:
    return NOON


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(":memory:") as store:
        yield store


def test_an_emitted_event_is_what_is_read_back(store: Store) -> None:
    with Recorder(store, "r1", clock=noon) as recorder:
        event = recorder.emit("llm.call", span="draft", kind="chat", key=None, n=(1, 2))

    assert event == Event(
        "r1",
        1,
        "2026-01-02T12:00:00+00:00",
        "llm.call",
        "draft",
        {"kind": "chat", "key": None, "n": [1, 2]},
    )
    assert list(events(store, "r1")) == [event]


def test_times_are_utc_and_order_is_seq_when_the_clock_goes_back(store: Store) -> None:
    east = timezone(timedelta(hours=2))
    times = iter([NOON.astimezone(east), NOON - timedelta(hours=1)])

    with Recorder(store, "r", clock=lambda: next(times)) as recorder:
        recorder.emit("first")
        recorder.emit("second")

    assert [(e.kind, e.at[11:13]) for e in events(store, "r")] == [
        ("first", "12"),
        ("second", "11"),
    ]


def test_a_later_recorder_continues_the_run(store: Store) -> None:
    with Recorder(store, "r") as recorder:
        recorder.emit("a")
    with Recorder(store, "r") as recorder:
        assert recorder.emit("b").seq == 2


def test_a_second_recorder_of_a_run_is_refused_in_the_same_store(store: Store) -> None:
    with Recorder(store, "r"), pytest.raises(LeaseError, match="process"):
        Recorder(store, "r")


def test_what_is_not_json_is_refused_by_path_and_nothing_is_written(store: Store) -> None:
    with Recorder(store, "r") as recorder:
        with pytest.raises(EventError) as refused:
            recorder.emit("score", values=[1.0, float("nan")])
        assert recorder.emit("next").seq == 1

    assert refused.value.where == "score.values[1]"


def test_a_closed_recorder_says_so(store: Store) -> None:
    recorder = Recorder(store, "r")
    recorder.close()
    recorder.close()

    with pytest.raises(TraceError, match="closed"):
        recorder.emit("late")
    assert "closed" in repr(recorder)


def test_threads_share_a_recorder_and_lose_nothing(store: Store) -> None:
    with Recorder(store, "r") as recorder, ThreadPoolExecutor(8) as pool:
        emitted = list(pool.map(lambda i: recorder.emit("n", i=i), range(400)))

    kept = list(events(store, "r"))
    assert [e.seq for e in kept] == list(range(1, 401))
    assert sorted(emitted, key=lambda e: e.seq) == kept
    assert [e.at for e in kept] == sorted(e.at for e in kept)


def test_the_ambient_recorder_nests_pauses_and_restores(store: Store) -> None:
    outer, inner = Recorder(store, "outer"), Recorder(store, "inner")

    with recording(outer) as given:
        with recording(inner):
            assert current() is inner
        with recording(None):
            assert current() is None
        with pytest.raises(ZeroDivisionError), recording(inner):
            raise ZeroDivisionError
        assert current() is outer is given
    assert current() is None


def test_tasks_inherit_the_recorder_and_keep_theirs_apart(store: Store) -> None:
    async def task(run: str) -> Recorder | None:
        with recording(Recorder(store, run)):
            await asyncio.sleep(0)
            return current()

    async def main() -> None:
        outer = Recorder(store, "outer")
        with recording(outer):
            seen = await asyncio.gather(task("a"), task("b"))
            assert [r.run for r in seen if r] == ["a", "b"]
            assert current() is outer

    asyncio.run(main())


def test_recording_nothing_needs_no_branch_and_cannot_be_closed() -> None:
    for _ in range(2):
        with NOTHING as recorder:
            event = recorder.emit("llm.call", span="s", n=1)
        assert (event.seq, event.kind, event.span, event.data) == (0, "llm.call", "s", {"n": 1})


def test_recording_nothing_refuses_what_a_store_would_refuse() -> None:
    with pytest.raises(EventError):
        NOTHING.emit("x", thing=object())


def test_fresh_run_names_sort_by_time_and_differ() -> None:
    first, second = new_run_name(noon), new_run_name(lambda: NOON + timedelta(seconds=1))

    assert first.startswith("20260102-120000-")
    assert first < second
    assert new_run_name(noon) != first
