"""The two dialects: what stands in a prompt, and an answer its writer can read.

Lives here: reading and answering ours and GEPA's.
Never here: kernels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from benchmarks.peers.families.world import Shown

_VARIABLE = re.compile(r"<variable>\s*<name>(.*?)</name>\s*<value>\n?(.*?)\n?</value>", re.DOTALL)
_FENCE = re.compile(r"```[a-z]*\n(.*?)\n```", re.DOTALL)
_PRESENT, _ATTEMPTS = "# Present values", "# Earlier values with their scores"


def read_ours(text: str) -> Shown:
    """A prompt of `opto.optimizers.search.rewriter`."""
    body, _, present = text.rpartition(_PRESENT)
    values = dict(_VARIABLE.findall(present))
    asked = re.search(r"Now give better values for: (.*)\.", present)
    allowed = tuple(asked[1].split(", ")) if asked else tuple(values)
    _, _, history = body.partition(_ATTEMPTS)
    return Shown(text, values, allowed, tuple(_read_attempts(history.partition("\n\n#")[0])))


def _read_attempts(lines: str) -> list[tuple[Mapping[str, str], float]]:
    found: list[tuple[Mapping[str, str], float]] = []
    values: dict[str, str] = {}
    for line in lines.splitlines()[1:]:
        name, _, value = line.partition(": ")
        if name == "score":
            found.append((values, float(value)))
            values = {}
        elif value:
            values[name] = value
    return found


def write_ours(values: Mapping[str, str]) -> str:
    """An answer that our reader reads."""
    blocks = (
        f"<variable>\n<name>{name}</name>\n<value>\n{value}\n</value>\n</variable>"
        for name, value in values.items()
    )
    return "\n".join(("<reasoning>as hinted</reasoning>", *blocks))


def read_gepa(text: str, component: str) -> Shown:
    """A reflection prompt of gepa: the first block is the text of the component it rewrites."""
    found = _FENCE.search(text)
    return Shown(text, {component: found[1]} if found else {}, (component,))


def write_gepa(value: str) -> str:
    """An answer that gepa reads."""
    return f"Here you go\n```\n{value}\n```"
