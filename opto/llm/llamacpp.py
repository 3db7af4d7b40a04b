"""`llamacpp:NAME` and `llamacpp:/path/file.gguf`: a model on this machine, run by llama.cpp.

Options go into the spec, `llamacpp:NAME?threads=1&slots=2&context=8192&json=compact`:

- `threads`: CPU threads; default one per core. With other work on the cores, fewer are faster.
- `slots`: requests worked on at the same time (default 2); others wait for their turn.
- `context`: tokens of prompt and answer together, per slot (default 8192).
- `json`: how a schema is enforced. `compact` (default): a grammar without free white space, about
  half the tokens, ranges of numbers obeyed, but a pattern it cannot read means free text, which
  then fails in parsing. `native`: llama.cpp's own way, which ignores ranges of numbers and lets
  the model write any white space.

Lives here: the provider and what llama.cpp's server takes beyond the OpenAI protocol.
Never here: the child process (`llamacpp_process`), the cache of files (`store`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from opto.errors import InputError, SettingsError
from opto.llm import store
from opto.llm.errors import (
    BadResponse,
    ContextTooLong,
    InvalidRequest,
    ModelCallError,
    UnreachableServer,
)
from opto.llm.llamacpp_process import POOL, LlamaProcess, Pool, Tell
from opto.llm.llamacpp_server import ServerConfig
from opto.llm.openai import OpenAIProvider
from opto.llm.schema import COMPATIBLE, reduce_schema
from opto.llm.secret import Secret
from opto.llm.spec import positive, split_options
from opto.llm.stream import LISTENER
from opto.llm.types import Capabilities, Completion, OpenOptions, Request, Waits
from opto.llm.vendor import Endpoint

JsonMode = Literal["native", "compact"]
_log = logging.getLogger("opto.llm")
_CONTEXT_TOKENS = 8192
_SLOTS = 2
_CONSTRAINED_TOKENS = 2048
"""Most tokens of an answer under a schema or grammar: models can fall into endless white space."""
_GUIDANCE = COMPATIBLE | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_SAMPLED = 1 << 20


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF file and how to run it."""

    file: Path
    name: str
    """The provider's name: the spec without options that do not change answers."""
    config: ServerConfig
    json_mode: JsonMode = "compact"


def open_provider(rest: str, options: OpenOptions) -> LlamaCpp:
    """The provider for `llamacpp:REST`; the model is loaded by the first request.

    Raises:
        InputError: There is no such file.
        ModelStoreError: The name is unknown, or the model was not pulled.
        SettingsError: An option is unknown or has no usable value.
    """
    model = _local_model(rest, options)
    return LlamaCpp(model, timeout_s=options.attempt_timeout_s, tell=options.progress)


class LlamaCpp:
    """One GGUF behind a server of our own. Use it from one event loop."""

    capabilities = Capabilities(schema=True, grammar=True, prefill=True, seed=True)

    def __init__(
        self, model: LocalModel, *, timeout_s: float, tell: Tell | None = None, pool: Pool = POOL
    ) -> None:
        """Take a model without loading it.

        Args:
            model: What to run.
            timeout_s: Longest wait for one answer once its turn has come, seconds.
            tell: Told how the loading goes.
            pool: Where running processes are shared.
        """
        self.name = model.name
        self._model, self._timeout_s, self._tell, self._pool = model, timeout_s, tell, pool
        self._turn = asyncio.Semaphore(model.config.slots)
        self._starting = asyncio.Lock()
        self._process: LlamaProcess | None = None
        self._client: _Client | None = None

    async def complete(self, request: Request) -> Completion:
        """The answer; starts the server when it does not run, also after a crash.

        Raises:
            LocalModelError: The server cannot start, or died while it answered.
            ModelCallError: As every provider.
        """
        async with self._turn:  # waiting for a slot does not count against the time limit
            client, process = await self._ready()
            try:
                return await client.complete(request)
            except ModelCallError as error:
                broken = isinstance(error, UnreachableServer | BadResponse)
                if broken and await asyncio.to_thread(process.gone, within_s=2.0):
                    raise process.crash() from error
                if isinstance(error, ContextTooLong):
                    raise self._too_long(error) from None
                raise

    async def aclose(self) -> None:
        """Close the connection; the last user of the process ends it."""
        async with self._starting:
            await self._let_go()

    async def _ready(self) -> tuple[_Client, LlamaProcess]:
        """The client of a running server."""
        async with self._starting:
            if self._process is not None and self._process.died():
                _log.warning("%s died and is started again.", self.name)
                await self._let_go()
            if self._client is None or self._process is None:
                start = asyncio.to_thread(self._pool.acquire, self._model.config, self._tell)
                self._process = await start
                self._client = _Client(self._model, self._process, timeout_s=self._timeout_s)
            return self._client, self._process

    async def _let_go(self) -> None:
        client, process = self._client, self._process
        self._client = self._process = None
        if client is not None:
            await client.aclose()
        if process is not None:
            await asyncio.to_thread(self._pool.release, process)

    def _too_long(self, error: ContextTooLong) -> ContextTooLong:
        tokens = self._model.config.context_tokens
        return ContextTooLong(
            f"The request does not fit into the {tokens} tokens of context.",
            where=error.where,
            fix=f"Shorten the input, or add ?context={2 * tokens} to the model (more memory).",
        )


class _Client(OpenAIProvider):
    """The OpenAI protocol with the extras of llama.cpp's server."""

    def __init__(self, model: LocalModel, process: LlamaProcess, *, timeout_s: float) -> None:
        endpoint = Endpoint("llamacpp", model.config.alias, f"{process.address}/v1", custom=True)
        key = Secret(process.key.reveal())
        waits = Waits(first_token_s=None, idle_s=None)  # a busy machine may be very slow
        super().__init__(endpoint, key=key, timeout_s=timeout_s, waits=waits)
        self.name = model.name
        self._json_mode = model.json_mode

    async def _send(self, request: Request) -> Completion:
        start = request.prefill or ""
        token = LISTENER.set(None if start else LISTENER.get())  # pieces would begin with it
        try:
            completion = await super()._send(request)
        finally:
            LISTENER.reset(token)
        for told in (start, start.rstrip()):  # the server repeats the start it was given
            if completion.text.startswith(told):
                return replace(completion, text=completion.text[len(told) :])
        return completion

    def _wire_body(self, request: Request) -> dict[str, Any]:
        if request.schema is not None and request.grammar is not None:
            raise InvalidRequest(
                "A request has a schema or a grammar, not both.", where=request.purpose
            )
        extra: dict[str, Any] = {"cache_prompt": True}
        plain = replace(request, grammar=None, prefill=None)
        if request.grammar is not None:
            extra["grammar"] = request.grammar
        elif request.schema is not None and self._json_mode == "compact" and not request.prefill:
            extra["grammar"] = _compact_grammar(request)
            plain = replace(plain, schema=None)
        if request.schema is not None or request.grammar is not None:
            plain = replace(plain, max_tokens=min(request.max_tokens, _CONSTRAINED_TOKENS))
        body = super()._wire_body(plain)
        if request.prefill:
            body["messages"].append({"role": "assistant", "content": request.prefill})
        return body | extra


def _compact_grammar(request: Request) -> str:
    """The schema as a grammar of llguidance, which llama.cpp's server reads as well."""
    schema = reduce_schema(request.schema or {}, keywords=_GUIDANCE).schema
    text = json.dumps({**schema, "x-guidance": _COMPACT}, ensure_ascii=False)
    return f"%llguidance {{}}\nstart: %json {text}\n"


def _local_model(rest: str, options: OpenOptions) -> LocalModel:
    place, given = split_options(rest, known=("threads", "slots", "context", "json"))
    mode = given.get("json", "compact")
    if mode not in ("native", "compact"):
        raise SettingsError(f"json={mode} is neither native nor compact.", where=f"llamacpp:{rest}")
    if place.endswith(".gguf") or "/" in place or os.sep in place:
        file = Path(place).expanduser()
        if not file.is_file():
            raise InputError(
                f"There is no model file {place!r}.",
                where=f"llamacpp:{rest}",
                fix="`opto model list` shows the models that can be named without a path.",
            )
        alias = file.stem
        name = f"llamacpp:{alias}@{_fingerprint(file)}"
    else:
        file = store.path_of(place, folder=options.model_dir)
        alias, name = place, f"llamacpp:{place}"
    config = ServerConfig(
        model=str(file.resolve()),
        alias=alias,
        context_tokens=positive(given, "context", int, default=_CONTEXT_TOKENS),
        slots=positive(given, "slots", int, default=_SLOTS),
        threads=positive(given, "threads", int, default=options.threads or cores()),
    )
    if mode == "native":
        return LocalModel(file, f"{name}?json=native", config, json_mode="native")
    return LocalModel(file, name, config)


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _fingerprint(file: Path) -> str:
    """12 hex digits that tell model files apart: of the size and of both ends of the file."""
    size = file.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as data:
        digest.update(data.read(_SAMPLED))
        data.seek(max(0, size - _SAMPLED))
        digest.update(data.read(_SAMPLED))
    return digest.hexdigest()[:12]
