"""What goes to a language model and what comes back, the same for every provider.

Lives here: requests, completions, usage, the `Provider` Protocol and the options a provider is
opened with.
Never here: I/O, SDKs, prompts, parsing of answers, retries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "filter", "tool"]
JSON = dict[str, Any]
FREE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str

    def to_json(self) -> JSON:
        return {"role": self.role, "content": self.content}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        return cls(role=data["role"], content=data["content"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to a model: everything that decides the answer, and a tag for reports."""

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    """JSON Schema the answer must follow; a provider sends what its server understands of it."""
    grammar: str | None = None
    """GBNF grammar for constrained decoding; only where `Capabilities.grammar` is true."""
    temperature: float | None = None
    """None leaves it to the server (some models accept no other value)."""
    max_tokens: int = 4096
    """Most tokens the answer may have."""
    seed: int | None = None
    sample: int = 0
    """Which of several answers to the same question; it changes the key and nothing else."""
    purpose: str = ""
    """What the call is for (`formulate`, `repair`, ...), for cost reports; not part of the key."""
    prefill: str | None = None
    """How the answer starts; `Completion.text` is what follows and does not repeat it."""

    @classmethod
    def of(cls, text: str, *, system: str = "", purpose: str = "") -> Request:
        """A request with one user message and, if given, a system message."""
        head = (Message("system", system),) if system else ()
        return cls(messages=(*head, Message("user", text)), purpose=purpose)

    def to_json(self) -> JSON:
        return {
            "messages": [message.to_json() for message in self.messages],
            "schema": None if self.schema is None else dict(self.schema),
            "grammar": self.grammar,
            "temperature": None if self.temperature is None else float(self.temperature),
            "max_tokens": self.max_tokens,
            "seed": self.seed,
            "sample": self.sample,
            "purpose": self.purpose,
            "prefill": self.prefill,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Request:
        rest = {name: value for name, value in data.items() if name != "messages"}
        return cls(messages=tuple(Message.from_json(item) for item in data["messages"]), **rest)

    def key(self, endpoint: str) -> str:
        """SHA-256 (hex) of the request and of who is asked, normally `Provider.name`.

        Two requests share a key only if the same model at the same place gets the same question
        with the same sampling settings and sample index. `key("")` compares questions alone.
        """
        asked = self.to_json()
        del asked["purpose"]
        body = {"version": 1, "endpoint": endpoint, "request": asked}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one answer took."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Part of `input_tokens` the server already had in its prompt cache."""
    seconds: float = 0.0
    """Wall time of the call, seconds, retries and waits included."""
    usd: Decimal | None = None
    """Price in US dollars; None when it is unknown, 0 for a model on this machine."""

    def to_json(self) -> JSON:
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "seconds": self.seconds,
            "usd": None if self.usd is None else str(self.usd),
        }

    def plus(self, other: Usage) -> Usage:
        """Both together; the price is unknown as soon as one is."""
        known = self.usd is not None and other.usd is not None
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            seconds=self.seconds + other.seconds,
            usd=(self.usd or FREE) + (other.usd or FREE) if known else None,
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Usage:
        usd = data.get("usd")
        return cls(**{**data, "usd": None if usd is None else Decimal(usd)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer of a model."""

    text: str
    finish: Finish = "stop"
    """`length`: cut off at `max_tokens`; `filter`: refused; `tool`: it asked for a tool."""
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    """The model as the server named it."""
    attempts: int = 1
    """How often the server was asked until it answered."""
    saved: Usage | None = None
    """Of an answer from the cache: what it took when a model gave it. `usage` is nothing then."""
    damaged: bool = False
    """It came with bytes that are not UTF-8, replaced by U+FFFD."""

    def to_json(self) -> JSON:
        """As a record keeps it; the last two fields appear where they say something."""
        data: JSON = {
            "text": self.text,
            "finish": self.finish,
            "usage": self.usage.to_json(),
            "model": self.model,
            "attempts": self.attempts,
        }
        if self.saved is not None:
            data["saved"] = self.saved.to_json()
        if self.damaged:
            data["damaged"] = True
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Completion:
        saved = data.get("saved")
        read = {"usage": Usage.from_json(data["usage"])}
        if saved is not None:
            read["saved"] = Usage.from_json(saved)
        return cls(**{**data, **read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a provider does by itself; callers make up for the rest."""

    schema: bool = False
    """The answer is held to `Request.schema` while it is written."""
    grammar: bool = False
    prefill: bool = False
    seed: bool = False


class Provider(Protocol):
    """Something that answers requests. Stateless as seen from outside; safe for parallel calls."""

    @property
    def name(self) -> str:
        """Who answers: the model spec, with the base URL unless it is the vendor's own."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def complete(self, request: Request) -> Completion:
        """The answer, also when it was cut off or refused (see `Completion.finish`).

        Raises:
            opto.llm.errors.ModelCallError: There is no answer; the subclass says why.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections, files and processes. Calling it twice is harmless."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long a server may be silent, seconds. None: as long as the whole attempt may take."""

    connect_s: float = 10.0
    first_byte_s: float | None = None
    """Of an answer sent as a whole: it is written before its first byte is sent."""
    first_token_s: float | None = 120.0
    """Of a streamed answer; models that think first send nothing meanwhile."""
    idle_s: float | None = 30.0
    """Between two pieces of text of a stream. Comments and pings are no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOptions:
    """What `open_provider(rest, options)` of a provider module may need from the settings."""

    model_dir: Path
    """Folder in which downloaded models are kept."""
    attempt_timeout_s: float = 300.0
    """Longest wait for one answer of a server, seconds."""
    waits: Waits = field(default_factory=Waits)
    streamed: bool = False
    """Ask servers for streams also where nobody reads along: silence is then noticed sooner."""
    threads: int = 0
    """CPU threads of a model on this machine; 0 means one per core this process may use."""
    progress: Callable[[str], None] | None = None
    """Told, in one line, what is being waited for; called from another thread."""
