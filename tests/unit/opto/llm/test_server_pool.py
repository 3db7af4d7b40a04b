"""Several servers of one model: shared load, one that fails, and what its name is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_server import ModelServer, fails, says

from opto.llm.client import LM
from opto.llm.errors import ServerError
from opto.llm.lanes import BreakerPolicy
from opto.llm.open import open_model
from opto.llm.pool import Pool, split_servers
from opto.llm.retry import RetryPolicy
from opto.llm.scripted import Scripted
from opto.llm.stack import CallOptions
from opto.llm.types import Capabilities, Request
from opto.settings import Settings

CALLS = CallOptions(
    retry=RetryPolicy(deadline_s=30, first_wait_s=0.01), breaker=BreakerPolicy(open_s=0.1)
)


@pytest.fixture
def other() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings(models_dir=tmp_path)


def ask_many(lm: LM, count: int) -> list[str]:
    async def all_of_them() -> list[str]:
        async with asyncio.timeout(60):
            return await asyncio.gather(*(lm.aask(f"q{number}") for number in range(count)))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_the_load_is_shared(
    vendor: str, server: ModelServer, other: ModelServer, settings: Settings
) -> None:
    for one in (server, other):
        one.choose = lambda asked: says("ok", delay_s=0.02)

    with open_model(f"{vendor}:m@{server.url},{other.url}", settings, calls=CALLS) as lm:
        assert lm.name == f"{vendor}:m@{server.url},{other.url}"
        assert ask_many(lm, 40) == ["ok"] * 40

    assert abs(len(server.asked) - len(other.asked)) <= 8


def test_a_slow_server_gets_less(
    server: ModelServer, other: ModelServer, settings: Settings
) -> None:
    server.choose = lambda asked: says("ok", delay_s=0.2)
    other.choose = lambda asked: says("ok", delay_s=0.01)

    with open_model(f"openai:m@{server.url},{other.url}", settings, calls=CALLS) as lm:
        ask_many(lm, 120)

    assert len(other.asked) > len(server.asked)


def test_a_server_that_is_down_costs_no_call_and_comes_back_after_a_health_check(
    server: ModelServer, other: ModelServer, settings: Settings
) -> None:
    server.choose = lambda asked: fails(503)
    with open_model(f"openai:m@{server.url},{other.url}", settings, calls=CALLS) as lm:
        assert ask_many(lm, 40) == ["hello"] * 40

        async def until_it_is_back() -> None:
            server.choose = None
            async with asyncio.timeout(30):
                before = len(server.asked)
                while len(server.asked) == before:
                    await lm.aask("q")
                    await asyncio.sleep(0.01)

        asyncio.run(until_it_is_back())

    assert server.health_checks >= 1


def test_a_server_that_is_not_there_costs_no_call(server: ModelServer, settings: Settings) -> None:
    nobody = "http://127.0.0.1:9/v1"

    with open_model(f"openai:m@{nobody},{server.url}", settings, calls=CALLS) as lm:
        assert ask_many(lm, 30) == ["hello"] * 30


def test_when_all_are_down_every_call_ends(
    server: ModelServer, other: ModelServer, settings: Settings
) -> None:
    for one in (server, other):
        one.choose = lambda asked: fails(500)

    with (
        open_model(f"openai:m@{server.url},{other.url}", settings, calls=CALLS) as lm,
        pytest.raises(Exception) as caught,  # noqa: PT011  (of either kind)
    ):
        ask_many(lm, 20)

    assert caught.value.code in {ServerError.code, "llm.circuit_open"}


@pytest.mark.parametrize(
    ("rest", "places"),
    [
        ("m", ("m",)),
        ("m@http://a/v1", ("m@http://a/v1",)),
        ("a,b@q4@http://a/v1, https://b/v1", ("a,b@q4@http://a/v1", "a,b@q4@https://b/v1")),
        ("m@http://a/v1,http://a/v1", ("m@http://a/v1",)),
    ],
)
def test_several_servers_are_spelled_with_commas(rest: str, places: tuple[str, ...]) -> None:
    assert split_servers(rest) == places


def test_a_pool_can_do_what_all_its_members_can() -> None:
    weak, strong = Scripted(["1"], name="x:m@http://a/v1"), Scripted(["2"], name="x:m@http://b/v1")
    weak.capabilities = Capabilities(seed=True)
    pool = Pool([weak, strong])

    async def two() -> list[str]:
        return [(await pool.complete(Request.of("q"))).text for _ in range(2)]

    assert pool.capabilities == Capabilities(seed=True)
    assert pool.name == "x:m@http://a/v1,http://b/v1"
    assert asyncio.run(two()) == ["1", "2"]  # without limits they take turns
    assert asyncio.run(pool.alive(0))
