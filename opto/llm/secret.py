"""Keys that cannot be printed by accident, and text from which they are removed.

Lives here: the one type that holds an API key, the environment variables keys come from, and the
redactor that knows them.
Never here: requests, files; a key is never read from or written to one.
"""

from __future__ import annotations

import os
from typing import ClassVar, NoReturn, final
from weakref import WeakSet

from traces.redact import Redactor

KEY_VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPTO_API_KEY")
"""`OPTO_API_KEY` is for servers named by a base URL, so that a vendor's key goes to no one else."""

HIDDEN = "[key]"


@final
class Secret:
    """A key. Shown as `[key]` everywhere; only `reveal()` gives the text."""

    __slots__ = ("__weakref__", "_text")

    _alive: ClassVar[WeakSet[Secret]] = WeakSet()

    def __init__(self, text: str) -> None:
        self._text = text
        self._alive.add(self)  # so that redaction covers keys given in Python, too

    @classmethod
    def alive(cls) -> tuple[Secret, ...]:
        """Every secret this process still holds."""
        return tuple(cls._alive)

    @classmethod
    def from_environment(cls, variable: str) -> Secret | None:
        """The key in an environment variable; None when it is unset or blank."""
        text = os.environ.get(variable, "").strip()
        return cls(text) if text else None

    def reveal(self) -> str:
        """The key itself, for the line that hands it to an SDK or to a redactor."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written anywhere")


def redactor() -> Redactor:
    """A redactor of the keys in the environment right now and of all keys in use."""
    named = [Secret.from_environment(variable) for variable in KEY_VARIABLES]
    held = (*Secret.alive(), *named)
    return Redactor(secret.reveal() for secret in held if secret is not None)


def redact(text: str) -> str:
    """`text` without keys and without what looks like one."""
    return redactor().text(text)
