"""Fill a prompt file once, strictly, and split it into chat messages.

Lives here: the renderer. The templates are the `*.md` files beside it.
Never here: what a prompt says, calls to a model.

A template is cut by lines such as `=== system ===` into messages (system, user, assistant); slots
are written `{{name}}`. Slots and values must be the same set, and a value is never looked at for
slots, so text from a problem or a model cannot open a new one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from opto.errors import OptoError

_SLOT = re.compile(r"\{\{([a-z_]+)\}\}")
_CUT = re.compile(r"^=== (system|user|assistant) ===\n", re.MULTILINE)


class PromptError(OptoError):
    """A template is missing or malformed, or its slots and the values given differ."""

    code = "opto.prompt"


@dataclass(frozen=True, slots=True)
class Turn:
    """One rendered message."""

    role: str
    content: str


@cache
def template(name: str) -> str:
    """Text of `opto/prompts/NAME.md`.

    Raises:
        PromptError: There is no such template.
    """
    file = files("opto.prompts").joinpath(f"{name}.md")
    if not file.is_file():
        raise PromptError(f"There is no prompt called {name!r}.", where="opto/prompts")
    return file.read_text(encoding="utf-8")


def slots(name: str) -> frozenset[str]:
    """The names of the slots of template `name`."""
    return frozenset(_SLOT.findall(template(name)))


def render(name: str, **values: str) -> tuple[Turn, ...]:
    """Messages of template `name`, each slot filled with its value.

    Raises:
        PromptError: The template is missing, has text outside its messages, or its slots are not
            exactly the names in `values`.
    """
    text = template(name)
    if odd := set(_SLOT.findall(text)) ^ values.keys():
        raise PromptError(
            f"Slots and values differ: {', '.join(sorted(odd))}.", where=f"opto/prompts/{name}.md"
        )
    head, *pieces = _CUT.split(text)
    if head.strip() or not pieces:
        raise PromptError("Text outside any message.", where=f"opto/prompts/{name}.md")
    return tuple(
        Turn(role, _SLOT.sub(lambda slot: values[slot[1]], body).strip())
        for role, body in zip(pieces[::2], pieces[1::2], strict=True)
    )
