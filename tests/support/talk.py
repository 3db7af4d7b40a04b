"""Replies of models, written the way optimizers ask for them, and the last prompt a model saw."""

from __future__ import annotations

import json
import re
from typing import Any

from opto.llm.scripted import Scripted
from opto.optimizers.reading.tag_reply import write_tags

_MARK = re.compile(r"<value id=(\w+)> and </value")


def as_json(values: dict[str, Any], reasoning: str = "because") -> str:
    """A reply to OptoPrime."""
    return json.dumps({"reasoning": reasoning, "answer": "", "suggestion": values})


def as_tags(values: dict[str, Any], *, mark: str = "") -> str:
    """A reply to OptoPrimeV2."""
    blocks = [write_tags(name, str(value), mark=mark) for name, value in values.items()]
    return "\n".join(["<reasoning>\nbecause\n</reasoning>", *blocks])


def asked_mark(prompt: str) -> str:
    """The id that a prompt of OptoPrimeV2 asks for."""
    found = _MARK.search(prompt)
    return found[1] if found else ""


def prompt_of(model: Scripted, at: int = -1) -> str:
    """All of what the model saw in call `at`."""
    return "\n".join(message.content for message in model.asked[at].messages)
