"""Small helpers under the names that users of Trace know.

Lives here: printing for `verbose`, and reading tags without an optimizer.
Never here: anything the optimizers could not do without.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from opto.optimizers.problem import middle_cut
from opto.optimizers.reading.tag_reply import Tags, read_tags

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COLORS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}


def say(text: str) -> None:
    """Print text from a model: without the control characters that steer terminals."""
    sys.stdout.write(_CONTROL.sub("", text) + "\n")


def print_color(message: str, color: str | None = None, logger: Any = None) -> None:
    """Print `message` in a color where output is a terminal; and log it."""
    plain = _CONTROL.sub("", message)
    if color in _COLORS and sys.stdout.isatty():
        sys.stdout.write(f"\x1b[{_COLORS[color]}m{plain}\x1b[0m\n")
    else:
        say(plain)
    if logger is not None:
        logger.log(plain)


def extract_xml_like_data(
    text: str,
    reasoning_tag: str = "reasoning",
    improved_variable_tag: str = "variable",
    name_tag: str = "name",
    value_tag: str = "value",
) -> dict[str, Any]:
    """`{"reasoning": text, "variables": {name: text}}` of a reply in tags."""
    said = read_tags(text, (), Tags(improved_variable_tag, name_tag, value_tag, reasoning_tag))
    return {"reasoning": said.reasoning, "variables": dict(said.values)}


def truncate_expression(value: Any, limit: int) -> str:
    """`value` as text of about `limit` characters, cut in its middle."""
    return middle_cut(str(value), limit)
