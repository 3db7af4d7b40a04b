"""Switches and trial values belong to a thread or task, nest, and restore what was there."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from opto.trace import GRAPH, bundle, name_scope, node, stop_tracing, trial_values
from opto.trace.bundle import disable_external_dependencies_check
from opto.trace.errors import TraceError


@pytest.fixture
def _often_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_stop_tracing_nests() -> None:
    with stop_tracing():
        with stop_tracing():
            pass
        inside = node(1) + 1
    outside = node(1) + 1

    assert inside.parents == []
    assert len(outside.parents) == 2


def test_stop_tracing_ends_with_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), stop_tracing():
        raise ZeroDivisionError

    assert GRAPH.TRACE


def test_stop_tracing_is_of_one_thread() -> None:
    stopped, done = threading.Event(), threading.Event()

    def other() -> bool:
        stopped.wait(10)
        traced = bool((node(1) + 1).parents)
        done.set()
        return traced

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(other)
        with stop_tracing():
            stopped.set()
            done.wait(10)
            mine = bool((node(1) + 1).parents)

    assert (found.result(), mine) == (True, False)


def test_stop_tracing_is_of_one_task_and_inherited_by_its_tasks() -> None:
    async def traced() -> bool:
        await asyncio.sleep(0)
        return bool((node(1) + 1).parents)

    async def stopped() -> tuple[bool, bool]:
        with stop_tracing():
            child = asyncio.create_task(traced())
            await asyncio.sleep(0)
            return bool((node(1) + 1).parents), await child

    async def both() -> tuple[bool, tuple[bool, bool]]:
        return await asyncio.gather(traced(), stopped())  # type: ignore[return-value]

    assert asyncio.run(both()) == [True, (False, False)]


@pytest.mark.usefixtures("_often_switching")
def test_names_are_unique_under_eight_threads() -> None:
    GRAPH.clear()
    names: list[list[str]] = [[] for _ in range(8)]

    def make(mine: list[str]) -> None:
        for _ in range(5000):
            mine.append(node(1, name="x").name)  # noqa: PERF401

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, names))

    assert len({name for mine in names for name in mine}) == 8 * 5000


def test_trial_values_are_seen_inside_only() -> None:
    p = node(1, trainable=True)

    with trial_values({p: 10}):
        inside = p + 1
    outside = p + 1

    assert (inside.data, outside.data, p.data) == (11, 2, 1)


def test_trial_values_nest_and_the_inner_ones_win() -> None:
    p, q = node(1, trainable=True), node(2, trainable=True)

    with trial_values({p: 10, q: 20}):
        with trial_values({p: 100}):
            inner = (p.data, q.data)
        outer = (p.data, q.data)

    assert (inner, outer, p.data) == ((100, 20), (10, 20), 1)


def test_trial_values_of_code_run_that_code() -> None:
    @bundle(trainable=True, trust=True)
    def plus(x: int) -> int:
        return x + 1

    code = plus.parameter
    assert code is not None
    with trial_values({code: code.data.replace("+ 1", "+ 5")}):
        assert plus(1) == 6
    assert plus(1) == 2


def test_trial_values_are_of_one_task() -> None:
    p = node(0, trainable=True)

    async def evaluate(value: int) -> int:
        with trial_values({p: value}):
            await asyncio.sleep(0)
            return (p * 10).data

    async def many() -> list[int]:
        return await asyncio.gather(*(evaluate(i) for i in range(20)))

    assert asyncio.run(many()) == [10 * i for i in range(20)]
    assert p.data == 0


def test_scopes_and_the_check_of_reads_are_of_one_thread() -> None:
    outside = node(1)
    sneaky = bundle()(lambda: outside.data)
    seen: list[str] = []

    def other() -> None:
        seen.append(node(1, name="y").name.partition(":")[0])
        try:
            sneaky()
        except Exception as fault:  # noqa: BLE001
            seen.append(type(fault).__name__)

    disable_external_dependencies_check(True)
    try:
        with name_scope("mine"):
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            assert node(1, name="y").name.startswith("mine/y:")
        assert sneaky() == 1
    finally:
        disable_external_dependencies_check(None)

    assert seen == ["y", "TraceMissingInputsError"]


def test_trial_values_reach_traceable_code_and_copies() -> None:
    p = node(1, trainable=True)
    inside = bundle(traceable_code=True)(lambda x: x + 1)

    with trial_values({p: 10}):
        assert inside(p) == 11
        assert p.detach().data == 10
    assert p.detach().data == 1


def test_only_parameters_have_trial_values() -> None:
    with pytest.raises(TraceError, match="no parameter"), trial_values({node(1): 2}):  # type: ignore[dict-item]
        pass
