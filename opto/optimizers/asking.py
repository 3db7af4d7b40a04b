"""Asking a model, whatever shape the model has.

Lives here: `Asker`: chat messages in, text or the reason why there is none out.
Never here: prompts, reading of answers, retries (the model's own business).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opto.errors import OptoError
from opto.optimizers.errors import OptionError

_PROGRAM_FAULTS = (AssertionError, TypeError, NameError, AttributeError, ImportError, MemoryError)
"""Errors that asking again cannot cure and that hide a mistake of the program; they are raised."""
_SETUP_CODES = frozenset(
    {"llm.no_model", "llm.unknown_model", "llm.missing_package", "llm.auth", "llm.invalid_request"}
)

Message = Mapping[str, str]


class Said(NamedTuple):
    """One answer of a model."""

    text: str | None
    """None where there is none."""
    why: str = ""
    """Why there is no text."""
    usage: Any = None
    cut: bool = False
    """Did the answer end at the limit of tokens?"""


class Asker:
    """A model and what it understands. Nothing is opened or imported before the first call."""

    def __init__(self, llm: Any = None) -> None:
        """Hold `llm`: None, an `LM`, a provider, a model spec, or a callable with messages=.

        Raises:
            OptionError: It is none of these.
        """
        known = llm is None or isinstance(llm, str) or callable(llm)
        if not (known or hasattr(llm, "ask") or hasattr(llm, "complete")):
            raise OptionError(
                f"{type(llm).__name__} is no language model.",
                fix="Give an opto.LM, a spec such as 'openai:gpt-4.1', or a callable that takes "
                'messages=[{"role": ..., "content": ...}] and gives text.',
            )
        self.llm = llm
        self._client: Any = None
        self._takes: frozenset[str] | None = None

    def __call__(self, messages: Sequence[Message], **options: Any) -> Said:
        """Ask once. Options the model does not take (a temperature, a format) are left out.

        Raises:
            OptoError: The model cannot be opened, or the call can never work.
            TypeError: And the like: the callable is broken.
        """
        client = self._opened()
        given = {k: v for k, v in options.items() if v is not None and self.takes(k)}
        try:
            reply = client(messages=alternating(messages), **given)
        except _PROGRAM_FAULTS:
            raise
        except OptoError as fault:
            if fault.code in _SETUP_CODES:
                raise
            return Said(None, fault.what, usage=_usage(getattr(fault, "completion", None)))
        except Exception as fault:  # noqa: BLE001  (clients raise what they like; it is reported)
            return Said(None, f"{type(fault).__name__}: {fault}")
        return said(reply)

    def open(self) -> None:
        """Open the model now, so that a wrong name or a missing key shows before work is done.

        Raises:
            OptoError: The model cannot be opened.
        """
        getattr(self._opened(), "lm", None)

    def close(self) -> None:
        """Let go of the model that was opened here; one that was given stays open."""
        if (self.llm is None or isinstance(self.llm, str)) and self._client is not None:
            self._client.close()
            self._client = None

    def takes(self, option: str) -> bool:
        """Does the model's callable take the keyword `option`?"""
        self._opened()
        return self._takes is None or option in self._takes

    def _opened(self) -> Any:
        if self._client is None:
            self._client = self._open()
            self._takes = _keywords(self._client)
        return self._client

    def _open(self) -> Any:
        llm = self.llm
        if callable(llm):
            return llm
        from opto.llm.chat import chat_client  # noqa: PLC0415  (the model layer loads when used)

        if llm is None or isinstance(llm, str) or hasattr(llm, "ask"):
            return chat_client(llm)
        from opto.llm.client import LM  # noqa: PLC0415

        return chat_client(LM(llm))

    def __deepcopy__(self, memo: dict[int, Any]) -> Asker:
        return self  # a copy of an optimizer asks the same model

    def __getstate__(self) -> dict[str, Any]:
        return {"llm": self.llm, "_client": None, "_takes": None}


def alternating(messages: Sequence[Message]) -> list[dict[str, str]]:
    """`messages` with neighbors of one role joined: some servers refuse two user turns in a row."""
    out: list[dict[str, str]] = []
    for message in messages:
        if out and out[-1]["role"] == message["role"]:
            out[-1]["content"] += f"\n\n{message['content']}"
        else:
            out.append(dict(message))
    return out


def said(reply: Any) -> Said:
    """The answer in a reply: text itself, `.choices[0].message.content`, or `.text`."""
    if isinstance(reply, str):
        return Said(str(reply), usage=_usage(getattr(reply, "completion", None)))
    choices = getattr(reply, "choices", None)
    first = choices[0] if choices else None
    content = first.message.content if first is not None else getattr(reply, "text", None)
    usage = _usage(reply)
    if not isinstance(content, str):
        refusal = getattr(getattr(first, "message", None), "refusal", None)
        kind = "nothing" if content is None else type(content).__name__
        why = f"The model gave no text but {kind}: a refusal or a tool call."
        return Said(None, f"{why} It said: {refusal}" if refusal else why, usage=usage)
    cut = getattr(first, "finish_reason", None) == "length"
    return Said(content, usage=usage, cut=cut)


def _usage(reply: Any) -> Any:
    usage: Any = getattr(reply, "usage", None)
    return usage.to_json() if hasattr(usage, "to_json") else usage


def _keywords(function: Any) -> frozenset[str] | None:
    """The keywords a callable takes; None for any."""
    import inspect  # noqa: PLC0415  (at the first call of a model only)

    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(about.kind is about.VAR_KEYWORD for about in found):
        return None
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(about.name for about in found if about.kind in kinds)
