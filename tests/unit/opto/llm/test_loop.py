"""The way between event loops: every result arrives, every cancellation, every context."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from opto.llm.errors import ServerError
from opto.llm.loop import Background

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


@pytest.fixture
def background() -> Background:
    return Background()


def test_many_loops_in_many_threads_each_get_their_own_results(background: Background) -> None:
    async def work(thread: int, number: int) -> tuple[int, int, str]:
        await asyncio.sleep(0.0001 * (number % 3))
        return thread, number, WHO.get()

    async def one_thread(thread: int) -> list[tuple[int, int, str]]:
        WHO.set(f"thread {thread}")
        async with asyncio.timeout(60):
            calls = (background.arun(work(thread, number)) for number in range(200))
            return await asyncio.gather(*calls)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda thread: asyncio.run(one_thread(thread)), range(8)))

    assert found == [[(t, n, f"thread {t}") for n in range(200)] for t in range(8)]


def test_an_error_arrives_and_one_that_nobody_waits_for_is_quiet(background: Background) -> None:
    release = threading.Event()

    async def fail() -> None:
        await asyncio.to_thread(release.wait)
        raise ServerError("x")

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await background.arun(fail())
        release.set()
        with pytest.raises(ServerError):
            await background.arun(fail())

    asyncio.run(give_up())
    background.run(asyncio.sleep(0))
    gc.collect()  # a warning of a lost exception would fail the test


def test_the_work_is_cancelled_with_the_one_who_waits(background: Background) -> None:
    ended = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def give_up() -> None:
        task = asyncio.create_task(background.arun(hang()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())

    assert ended.wait(10)


def test_a_loop_that_closed_meanwhile_harms_nobody(background: Background) -> None:
    release, ended = threading.Event(), threading.Event()

    async def late() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            release.wait(10)
        ended.set()
        return "too late"

    loop = asyncio.new_event_loop()
    task = loop.create_task(background.arun(late()))
    loop.run_until_complete(asyncio.sleep(0.01))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    release.set()

    assert ended.wait(10)
    assert background.run(asyncio.sleep(0, "still there")) == "still there"


def test_inside_its_own_loop_work_is_awaited_directly(background: Background) -> None:
    async def inner() -> int:
        return threading.get_ident()

    async def outer() -> tuple[int, int]:
        return await background.arun(inner()), threading.get_ident()

    one, other = background.run(outer())

    assert one == other
