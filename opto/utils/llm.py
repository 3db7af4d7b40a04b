"""Models under the names that programs written for Trace use.

Lives here: `LLM`, `AbstractModel`, `DummyLLM`, and what to use instead of the names left out.
Never here: providers, keys, retries (`opto.llm`). No environment variable is read but those of the
settings: `TRACE_DEFAULT_LLM_BACKEND`, `TRACE_LITELLM_MODEL` and the like do nothing here, because a
model that costs money must not be picked by a variable another program needed. `OPTO_MODEL` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from opto.errors import OptoError

if TYPE_CHECKING:
    from opto.llm.chat import ChatClient
    from opto.llm.client import LM

_INSTEAD = {
    "LiteLLM": "LLM('openai:NAME@http://host:port/v1'), or any callable that takes messages=",
    "CustomLLM": "LLM('openai:NAME@http://host:port/v1')",
    "AutoGenLLM": "any callable that takes messages=",
    "LLMFactory": "LLM('PROVIDER:NAME'), once per model",
    "embed": "the client library of your embedding model",
}


class AbstractModel:
    """Base of models that users write: implement `__call__(messages, **options)`.

    The answer is text, or an object with `.choices[0].message.content`.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The answer to `messages=[{"role": ..., "content": ...}]`."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(messages, ...).")


class _Message:
    def __init__(self, content: str) -> None:
        self.content = content


class _Choice:
    def __init__(self, content: str) -> None:
        self.message = _Message(content)


class Response:
    """An answer in the shape of chat servers: `.choices[0].message.content`."""

    def __init__(self, content: str) -> None:
        self.choices = [_Choice(content)]


class DummyLLM(AbstractModel):
    """A function that returns text, as a model: for tests and tutorials without a key."""

    def __init__(self, callable: Callable[..., str], **_options: Any) -> None:  # noqa: A002
        """Wrap `callable`, which is called with what the model is called with."""
        self.__wrapped__ = callable  # so that its signature is the one that is looked at

    def __call__(self, *args: Any, **kwargs: Any) -> Response:
        return Response(self.__wrapped__(*args, **kwargs))


def LLM(model: str | LM | None = None, **options: Any) -> ChatClient:  # noqa: N802  (Trace's name)
    """A model as a callable that takes `messages=` and gives text.

    Args:
        model: A spec such as `openai:gpt-4.1` or `llamacpp:NAME`, an open `LM`, or None for the
            configured model (`OPTO_MODEL`, `opto.toml`), opened at the first call.
        options: None are taken; `profile=` and `backend=` of Trace name servers, as `model` does.

    Raises:
        OptoError: An option was given.
    """
    if options:
        raise OptoError(
            f"LLM takes no {', '.join(sorted(options))}.",
            fix="Name provider and model: LLM('openai:gpt-4.1'). Timeouts are settings.",
        )
    from opto.llm.chat import chat_client  # noqa: PLC0415  (the model layer loads when used)

    return chat_client(model)


def __getattr__(name: str) -> NoReturn:
    """Say what to use instead of a name of Trace that has no counterpart."""
    if name in _INSTEAD:
        raise ImportError(f"opto.utils.llm has no {name}; use {_INSTEAD[name]}.")
    raise AttributeError(f"module 'opto.utils.llm' has no attribute {name!r}")
