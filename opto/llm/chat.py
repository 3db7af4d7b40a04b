"""A model as a plain callable: chat messages in, text out.

Programs written for other libraries, and the optimizers, ask models this way:
`client(messages=[{"role": ..., "content": ...}], max_tokens=...)`.

Lives here: that callable around an `LM`, and the text it gives, which knows what it took.
Never here: providers, retries, parsing of answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opto.llm.errors import InvalidRequest
from opto.llm.types import Completion, Message, Request

if TYPE_CHECKING:
    from opto.llm.client import LM

_KNOWN = ("messages", "max_tokens", "temperature", "response_format", "seed", "purpose")
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


class ChatText(str):
    """The text of an answer, with the completion it came in."""

    __slots__ = ("completion",)
    completion: Completion

    @classmethod
    def of(cls, completion: Completion) -> ChatText:
        """The text of `completion`."""
        self = cls(completion.text)
        self.completion = completion
        return self


class ChatClient:
    """An `LM` as a callable; the configured model is opened at the first call."""

    def __init__(self, source: Callable[[], LM], *, name: str) -> None:
        self.name = name
        """The model spec, or `configured` for the model of the settings."""
        self._source = source
        self._lm: LM | None = None
        self._lock = threading.Lock()

    @property
    def lm(self) -> LM:
        """The model; opened now if it was not yet.

        Raises:
            OptoError: It cannot be opened: none is configured, no key, no such file.
        """
        with self._lock:
            if self._lm is None:
                self._lm = self._source()
            return self._lm

    def __call__(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> ChatText:
        """The answer to `messages`.

        Args:
            messages: Dicts with `role` (system, user or assistant) and `content` (text).
            options: `max_tokens`, `temperature`, `seed`, `purpose`, and `response_format`:
                `{"type": "json_object"}` or `{"type": "json_schema", "json_schema": {"schema":
                ...}}`.

        Raises:
            InvalidRequest: Another option, or a message that is no text.
            ModelCallError: There is no complete answer.
        """
        return ChatText.of(self.lm.complete(as_request(messages, **options)))

    def close(self) -> None:
        """Close the model if it was opened; the next call opens it again."""
        with self._lock:
            lm, self._lm = self._lm, None
        if lm is not None:
            lm.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"name": self.name, "_source": self._source, "_lm": None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> ChatClient:
        return self  # a copy of a program asks the same model

    def __repr__(self) -> str:
        return f"ChatClient({self.name!r})"


def chat_client(llm: LM | str | None = None) -> ChatClient:
    """A callable that asks `llm`: an `LM`, a model spec, or None for the configured model."""
    from opto.llm.client import LM as Model  # noqa: N811, PLC0415  (loads a provider-free client)

    if isinstance(llm, Model):
        held = llm
        return ChatClient(lambda: held, name=held.name)
    return ChatClient(Configured(llm), name=llm or "configured")


class Configured:
    """Opens a model by its spec when called; unlike a lambda it can be copied to a process."""

    def __init__(self, spec: str | None) -> None:
        self.spec = spec

    def __call__(self) -> LM:
        from opto.llm.open import open_model  # noqa: PLC0415  (reads the settings when asked)

        return open_model(self.spec)


def as_request(messages: Sequence[Mapping[str, Any]], **options: Any) -> Request:
    """Chat messages and options as a request.

    Raises:
        InvalidRequest: An option is not known, or a message cannot be sent.
    """
    if odd := [name for name in options if name not in _KNOWN]:
        raise InvalidRequest(
            f"The option {odd[0]!r} is not known.",
            where="a call of a model",
            fix=f"Known are {', '.join(_KNOWN[1:])}. Sampling beyond that belongs to the server.",
        )
    given = {name: options[name] for name in ("seed",) if options.get(name) is not None}
    if (limit := options.get("max_tokens")) is not None:
        given["max_tokens"] = limit
    return Request(
        messages=tuple(_message(item) for item in messages),
        temperature=options.get("temperature"),
        schema=_schema(options.get("response_format")),
        purpose=options.get("purpose") or "chat",
        **given,
    )


def _message(item: Mapping[str, Any]) -> Message:
    role, content = _ROLES.get(str(item.get("role"))), item.get("content")
    if role is None or not isinstance(content, str):
        raise InvalidRequest(
            f"A message has the role {item.get('role')!r} and {type(content).__name__} as content.",
            fix="Roles are system, user and assistant; the content is text.",
        )
    return Message(role, content)  # type: ignore[arg-type]  # one of the three roles


def _schema(form: Any) -> Mapping[str, Any] | None:
    kind = form.get("type") if isinstance(form, Mapping) else None
    if form is None or kind == "text":
        return None
    if kind == "json_object":
        return {"type": "object"}
    inner = form.get("json_schema") if isinstance(form, Mapping) else None
    schema = inner.get("schema") if isinstance(inner, Mapping) else None
    if kind != "json_schema" or not isinstance(schema, Mapping):
        raise InvalidRequest(
            f"The response format {form!r} is not known.",
            fix='Use {"type": "json_object"} or {"type": "json_schema", "json_schema": ...}.',
        )
    return schema
