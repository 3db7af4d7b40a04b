"""A model server for each test, and an environment without the keys of whoever runs the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from model_server import ModelServer

from opto.llm import anthropic, openai
from opto.llm.types import OpenOptions, Provider, Waits

Open = Callable[..., Provider]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture(params=["openai", "anthropic"])
def open_at(request: pytest.FixtureRequest, server: ModelServer, tmp_path) -> Open:
    """Opens a provider of one of the vendors at the server."""
    module = openai if request.param == "openai" else anthropic

    def open_(
        *,
        url: str = "",
        timeout_s: float = 20.0,
        waits: Waits | None = None,
        streamed: bool = False,
    ) -> Provider:
        options = OpenOptions(
            model_dir=tmp_path,
            attempt_timeout_s=timeout_s,
            waits=waits or Waits(),
            streamed=streamed,
        )
        return module.open_provider(f"some-model@{url or server.url}", options)

    return open_


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPTO_API_KEY", "OPTO_MODEL"):
        monkeypatch.delenv(name, raising=False)
