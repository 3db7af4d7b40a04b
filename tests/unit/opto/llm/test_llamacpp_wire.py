"""What llama.cpp's server is sent, and how its answers are read; the server is a fake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from model_server import ModelServer, fails, says

from opto.errors import InputError, SettingsError
from opto.llm.errors import ContextTooLong, InvalidRequest, ServerError
from opto.llm.llamacpp import LlamaCpp, open_provider
from opto.llm.llamacpp_process import LlamaProcess, LocalModelError, Pool, Tell
from opto.llm.llamacpp_server import ServerConfig
from opto.llm.loop import BACKGROUND
from opto.llm.store import ModelStoreError
from opto.llm.types import Completion, OpenOptions, Request

SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 1},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    },
    "required": ["n", "tags"],
    "additionalProperties": False,
}
PLAIN = Request.of("How many?")


class Elsewhere(Pool):
    """A pool whose processes are a server that somebody else runs."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.open = 0

    def acquire(self, config: ServerConfig, tell: Tell | None = None) -> LlamaProcess:
        process = LlamaProcess(config)
        process.address = self.address
        self.open += 1
        return process

    def release(self, process: LlamaProcess) -> None:
        process._log.close()
        self.open -= 1


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    file = tmp_path / "toy.gguf"
    file.write_bytes(b"GGUF toy")
    return file


@pytest.fixture
def pool(server: ModelServer) -> Elsewhere:
    return Elsewhere(server.url.removesuffix("/v1"))


def provider(gguf: Path, pool: Pool, options: str = "") -> LlamaCpp:
    opened = open_provider(f"{gguf}{options}", OpenOptions(model_dir=gguf.parent))
    return LlamaCpp(opened._model, timeout_s=60, pool=pool)


@pytest.fixture
def model(gguf: Path, pool: Elsewhere) -> Iterator[LlamaCpp]:
    yield (opened := provider(gguf, pool))
    BACKGROUND.run(opened.aclose())
    assert pool.open == 0


def ask(model: LlamaCpp, request: Request) -> Completion:
    return BACKGROUND.run(model.complete(request))


def test_the_prompt_cache_is_on_and_the_key_goes_along(
    model: LlamaCpp, server: ModelServer
) -> None:
    answer = ask(model, PLAIN)

    assert server.asked[0].body["cache_prompt"] is True
    assert server.asked[0].headers["authorization"].removeprefix("Bearer ")
    assert answer.usage.cached_tokens == 5
    assert answer.usage.usd == Decimal(0)


def test_a_schema_is_sent_natively_without_what_the_server_would_ignore(
    gguf: Path, pool: Elsewhere, server: ModelServer
) -> None:
    model = provider(gguf, pool, "?json=native")

    ask(model, replace(PLAIN, schema=SCHEMA))
    BACKGROUND.run(model.aclose())

    body = server.asked[0].body
    sent = body["response_format"]["json_schema"]["schema"]
    assert "grammar" not in body
    assert sent["properties"]["n"] == {"type": "integer"}
    assert sent["properties"]["tags"] == {"type": "array", "items": {"type": "string"}}
    assert model.name.endswith("?json=native")  # another answer needs another name


def test_a_compact_schema_is_a_grammar_that_keeps_ranges_of_numbers(
    model: LlamaCpp, server: ModelServer
) -> None:
    ask(model, replace(PLAIN, schema=SCHEMA))

    body = server.asked[0].body
    assert "response_format" not in body
    assert body["grammar"].startswith("%llguidance {}\nstart: %json {")
    assert '"minimum": 1' in body["grammar"]
    assert "uniqueItems" not in body["grammar"]  # it would switch the whole grammar off, silently
    assert "json=" not in model.name


@pytest.mark.parametrize("constraint", [{"schema": SCHEMA}, {"grammar": 'root ::= " " root'}])
def test_a_constrained_answer_is_capped(
    constraint: dict[str, object], model: LlamaCpp, server: ModelServer
) -> None:
    ask(model, replace(PLAIN, max_tokens=100_000, **constraint))  # type: ignore[arg-type]
    ask(model, replace(PLAIN, max_tokens=100_000))

    assert [asked.body["max_tokens"] for asked in server.asked] == [2048, 100_000]


def test_a_given_start_is_the_last_message_and_is_taken_off_the_answer(
    model: LlamaCpp, server: ModelServer
) -> None:
    server.plan = [says('{"label": "B'), says('{"label":"B'), says("B")]
    wish = replace(PLAIN, prefill='{"label": "')

    answers = [ask(model, wish).text for _ in range(3)]

    assert server.asked[0].body["messages"][-1] == {"role": "assistant", "content": '{"label": "'}
    assert answers == ["B", '{"label":"B', "B"]


def test_a_schema_and_a_grammar_exclude_each_other(model: LlamaCpp, server: ModelServer) -> None:
    with pytest.raises(InvalidRequest, match="not both"):
        ask(model, replace(PLAIN, schema=SCHEMA, grammar="root ::= [a-z]"))

    assert server.asked == []


def test_a_full_context_is_named_with_its_size(model: LlamaCpp, server: ModelServer) -> None:
    said = "request (9031 tokens) exceeds the available context size (8192 tokens)"
    server.plan = [fails(400, said)]

    with pytest.raises(ContextTooLong, match="8192 tokens") as refusal:
        ask(model, PLAIN)

    assert "context=16384" in refusal.value.fix


def test_an_error_of_a_living_server_is_passed_on(model: LlamaCpp, server: ModelServer) -> None:
    server.plan = [fails(500)]

    with pytest.raises(ServerError):
        ask(model, PLAIN)


def test_options_of_the_spec_reach_the_process(gguf: Path) -> None:
    spec = f"{gguf}?threads=3&slots=4&context=512"

    config = open_provider(spec, OpenOptions(model_dir=gguf.parent, threads=7))._model.config

    assert (config.threads, config.slots, config.context_tokens) == (3, 4, 512)


def test_threads_come_from_the_settings_when_the_spec_names_none(gguf: Path) -> None:
    options = OpenOptions(model_dir=gguf.parent, threads=7)

    assert open_provider(str(gguf), options)._model.config.threads == 7


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("?thread=1", "Did you mean 'threads'"),
        ("?threads=0", "above zero"),
        ("?threads=two", "above zero"),
        ("?threads=1&threads=2", "one value"),
        ("?threads", "one value"),
        ("?json=nice", "neither native nor compact"),
    ],
)
def test_a_wrong_option_is_named(options: str, said: str, gguf: Path) -> None:
    with pytest.raises(SettingsError, match=said):
        open_provider(f"{gguf}{options}", OpenOptions(model_dir=gguf.parent))


def test_two_files_of_one_name_are_two_models(tmp_path: Path) -> None:
    names = set()
    for content in (b"one", b"two"):
        file = tmp_path / content.decode() / "model.gguf"
        file.parent.mkdir()
        file.write_bytes(content)
        names.add(open_provider(str(file), OpenOptions(model_dir=tmp_path)).name)

    assert len(names) == 2
    assert not any(str(tmp_path) in name for name in names)


def test_what_is_not_there_is_explained_before_anything_starts(tmp_path: Path) -> None:
    options = OpenOptions(model_dir=tmp_path)

    with pytest.raises(InputError, match="no model file"):
        open_provider("no/such.gguf", options)
    with pytest.raises(ModelStoreError, match="not in the cache"):
        open_provider("smollm2-135m-instruct-q4_1", options)
    with pytest.raises(ModelStoreError, match="Did you mean"):
        open_provider("smollm", options)


def test_a_child_that_cannot_start_is_explained_with_its_last_words(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"this is not a model")
    model = open_provider(f"{file}?threads=1", OpenOptions(model_dir=tmp_path))

    with pytest.raises(LocalModelError, match="ended with status 1") as failure:
        ask(model, PLAIN)

    assert "Failed to init server" in failure.value.where
    assert BACKGROUND.run(model.aclose()) is None
