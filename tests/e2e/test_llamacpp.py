"""A real, tiny model in a real child process: serving, constraints, crashes, clean-up.

What the model says is poor and is not judged; that answers obey their form is.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from opto.llm import store
from opto.llm.client import LM
from opto.llm.errors import ContextTooLong, InvalidRequest, Truncated
from opto.llm.llamacpp import LlamaCpp, open_provider
from opto.llm.llamacpp_process import LlamaProcess, LocalModelError, Pool
from opto.llm.loop import BACKGROUND
from opto.llm.store import ModelStoreError
from opto.llm.types import Completion, Message, OpenOptions, Request

NAME = "smollm2-135m-instruct-q4_1"
pytestmark = pytest.mark.local_model
SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["lp", "milp"]},
        "share": {"type": "number", "minimum": 0.25, "maximum": 0.75},
        "names": {"type": "array", "items": {"type": "string", "maxLength": 6}, "maxItems": 2},
    },
    "required": ["kind", "share", "names"],
    "additionalProperties": False,
}
COLOR = Request(
    messages=(Message("user", "Name a color and say why you like it."),),
    max_tokens=8,
    temperature=0.0,
)


@pytest.fixture(scope="module")
def model_file() -> Path:
    pytest.importorskip("xllamacpp")
    try:
        return store.path_of(NAME)
    except ModelStoreError:
        pytest.skip(f"needs the model: opto model pull {NAME}")


def opened(file: Path, options: str = "") -> LlamaCpp:
    spec = f"{NAME}?threads=1&slots=2&context=1024{options}"
    return open_provider(spec, OpenOptions(model_dir=file.parent, attempt_timeout_s=1800))


@pytest.fixture(scope="module")
def model(model_file: Path) -> Iterator[LlamaCpp]:
    provider = opened(model_file)
    yield provider
    BACKGROUND.run(provider.aclose())


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Processes that a test may kill."""
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture
def own(model_file: Path, pool: Pool) -> Iterator[LlamaCpp]:
    provider = LlamaCpp(opened(model_file)._model, timeout_s=1800, pool=pool)
    yield provider
    BACKGROUND.run(provider.aclose())


def ask(provider: LlamaCpp, request: Request) -> Completion:
    return BACKGROUND.run(provider.complete(request))


def process_of(provider: LlamaCpp) -> LlamaProcess:
    assert provider._process is not None
    return provider._process


def pid_of(provider: LlamaCpp) -> int:
    pid = process_of(provider).pid
    assert pid is not None
    return pid


def wait_until_gone(pid: int) -> None:
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail(f"process {pid} is still there")


# --- answers --------------------------------------------------------------------------------


def test_an_answer_costs_nothing_but_its_tokens_count(model: LlamaCpp) -> None:
    answer = ask(model, COLOR)

    assert answer.finish == "length"
    assert answer.usage.output_tokens == 8
    assert answer.usage.input_tokens > 8
    assert answer.usage.usd == Decimal(0)
    assert answer.model == NAME  # and not the path of the file


def test_a_repeated_beginning_comes_from_the_prefix_cache(model: LlamaCpp) -> None:
    ask(model, COLOR)

    again = ask(model, COLOR)

    assert again.usage.cached_tokens > again.usage.input_tokens // 2


def test_the_same_seed_gives_the_same_answer(model: LlamaCpp) -> None:
    hot = replace(COLOR, temperature=1.5, seed=7, max_tokens=16)

    assert ask(model, hot).text == ask(model, hot).text
    assert len({ask(model, replace(hot, seed=seed)).text for seed in range(4)}) > 1


@pytest.mark.parametrize("mode", ["native", "compact"])
def test_a_schema_binds_the_answer(mode: str, model_file: Path) -> None:
    provider = opened(model_file, f"&json={mode}")
    wish = replace(COLOR, schema=SCHEMA, max_tokens=200, temperature=1.0, seed=3)

    answer = ask(provider, wish)
    BACKGROUND.run(provider.aclose())

    value = json.loads(answer.text)
    assert set(value) == {"kind", "share", "names"}
    assert value["kind"] in {"lp", "milp"}
    assert len(value["names"]) <= 2
    if mode == "compact":
        assert 0.25 <= value["share"] <= 0.75
        assert "\n" not in answer.text


def test_a_grammar_binds_the_answer_and_the_given_start_is_not_repeated(model: LlamaCpp) -> None:
    wish = replace(COLOR, grammar='root ::= "A" | "B" | "C"', prefill='{"label": "')

    answer = ask(model, wish)

    assert answer.text in {"A", "B", "C"}
    assert answer.finish == "stop"


def test_a_free_answer_goes_on_from_its_given_start(model: LlamaCpp) -> None:
    start = "The color is"

    answer = ask(model, replace(COLOR, prefill=start))

    assert answer.text
    assert not answer.text.startswith(start)


def test_a_schema_and_a_given_start_go_together(model: LlamaCpp) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}

    answer = ask(model, replace(COLOR, schema=schema, prefill='{"x": 4', max_tokens=60))

    assert json.loads('{"x": 4' + answer.text)["x"] >= 4


def test_white_space_without_end_is_cut_and_reported(model: LlamaCpp) -> None:
    flood = replace(COLOR, grammar='root ::= " " root', max_tokens=40)

    with pytest.raises(Truncated) as cut:
        LM(model).complete(flood)

    assert cut.value.completion is not None
    assert cut.value.completion.text.isspace()


def test_more_requests_than_slots_are_all_answered(model: LlamaCpp) -> None:
    async def many() -> list[Completion]:
        questions = [replace(COLOR, messages=(Message("user", f"Say {n}."),)) for n in range(6)]
        return await asyncio.gather(*(model.complete(question) for question in questions))

    assert all(answer.usage.output_tokens for answer in BACKGROUND.run(many()))


# --- faults ---------------------------------------------------------------------------------


def test_a_request_longer_than_the_context_says_how_to_get_more(model: LlamaCpp) -> None:
    long = replace(COLOR, messages=(Message("user", "word " * 3000),))

    with pytest.raises(ContextTooLong, match="1024 tokens") as refusal:
        ask(model, long)

    assert "context=2048" in refusal.value.fix


@pytest.mark.parametrize("grammar", ["root ::= nowhere", "no grammar at all ("])
def test_a_broken_grammar_is_the_callers_fault(grammar: str, model: LlamaCpp) -> None:
    with pytest.raises(InvalidRequest):
        ask(model, replace(COLOR, grammar=grammar))

    assert ask(model, COLOR).text  # and harms nobody else


def test_a_killed_server_is_an_error_that_says_so_and_the_next_call_gets_a_new_one(
    own: LlamaCpp,
) -> None:
    ask(own, COLOR)
    first = pid_of(own)

    async def killed_while_answering() -> None:
        answer = asyncio.create_task(own.complete(replace(COLOR, max_tokens=900)))
        await asyncio.sleep(0.5)
        os.kill(first, signal.SIGKILL)
        await answer

    with pytest.raises(LocalModelError, match="killed by SIGKILL"):
        BACKGROUND.run(killed_while_answering())
    assert ask(own, COLOR).text
    assert pid_of(own) != first


def test_a_file_that_is_no_model_is_explained_with_the_servers_own_words(
    tmp_path: Path, model_file: Path
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(model_file.read_bytes()[:100_000])
    provider = open_provider(str(broken), OpenOptions(model_dir=tmp_path))

    with pytest.raises(LocalModelError, match="ended with status 1") as failure:
        ask(provider, COLOR)

    assert "Failed to init server" in failure.value.where


# --- the process ----------------------------------------------------------------------------


def test_two_providers_of_one_model_share_a_process_until_the_last_is_closed(
    model_file: Path, pool: Pool
) -> None:
    described = opened(model_file)._model
    one, two = (LlamaCpp(described, timeout_s=1800, pool=pool) for _ in range(2))
    ask(one, COLOR)
    ask(two, COLOR)
    pid = pid_of(one)
    assert pid_of(two) == pid

    BACKGROUND.run(one.aclose())
    BACKGROUND.run(one.aclose())  # twice is harmless
    assert ask(two, COLOR).text
    BACKGROUND.run(two.aclose())

    wait_until_gone(pid)


def test_the_server_listens_on_loopback_only_and_wants_its_key(model: LlamaCpp) -> None:
    ask(model, COLOR)
    address = process_of(model).address
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
    stranger = urllib.request.Request(  # noqa: S310 - checked above
        f"{address}/v1/chat/completions",
        data=json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode(),
        headers={"Content-Type": "application/json", "Origin": "http://elsewhere.example"},
    )

    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(stranger, timeout=600)  # noqa: S310

    with refusal.value as answer:
        assert answer.code == 401
        assert answer.headers["Access-Control-Allow-Origin"] in {None, ""}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_keys_are_neither_in_the_arguments_nor_in_the_environment_of_the_child(
    own: LlamaCpp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-in-the-environment")
    ask(own, COLOR)
    place = Path(f"/proc/{pid_of(own)}")

    seen = (place / "environ").read_bytes() + (place / "cmdline").read_bytes()

    assert b"canary" not in seen
    assert process_of(own).key.reveal().encode() not in seen


def test_no_server_outlives_a_killed_parent(model_file: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from opto.llm.llamacpp import open_provider
from opto.llm.loop import BACKGROUND
from opto.llm.types import OpenOptions, Request
folder = Path({str(model_file.parent)!r})
provider = open_provider("{NAME}?threads=1", OpenOptions(model_dir=folder))
request = Request(messages=Request.of("hi").messages, max_tokens=4)
BACKGROUND.run(provider.complete(request))
print(provider._process.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()

    wait_until_gone(pid)


def test_a_program_that_forgets_to_close_leaves_no_server(model_file: Path) -> None:
    program = f"""
from pathlib import Path
from opto.llm.llamacpp import open_provider
from opto.llm.loop import BACKGROUND
from opto.llm.types import OpenOptions, Request
folder = Path({str(model_file.parent)!r})
provider = open_provider("{NAME}?threads=1", OpenOptions(model_dir=folder))
BACKGROUND.run(provider.complete(Request(messages=Request.of("hi").messages, max_tokens=4)))
print(provider._process.pid)
"""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    wait_until_gone(int(done.stdout))
    assert done.stderr == ""
