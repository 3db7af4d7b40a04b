"""Values as short text, and the text about operations.

Lives here: `preview`, taking a description apart.
Never here: rendering of traces for a model (`opto.trace.render`), HTML.
"""

from __future__ import annotations

from typing import Any

from opto.trace.errors import NodeError


def preview(value: Any, limit: int) -> str:
    """`repr(value)` on one line, cut in the middle to `limit` characters; never raises."""
    if isinstance(value, str) and len(value) > 2 * limit:
        value = value[:limit] + value[-limit:]
    try:
        text = repr(value)
    except Exception as fault:  # noqa: BLE001  (anybody's __repr__ may be broken)
        text = f"<{type(value).__name__} whose repr raises {type(fault).__name__}>"
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    half = (limit - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def get_op_name(description: str) -> str:
    """The operation of `"[operation] text"`.

    Raises:
        NodeError: The description does not start with an operation in brackets.
    """
    return split_description(description)[0]


def split_description(description: str) -> tuple[str, str]:
    """The operation and the text of `"[operation] text"`."""
    head, bracket, text = description.partition("]")
    if not description.startswith("[") or not bracket or not head[1:]:
        raise NodeError(
            f"The description {description!r} does not name an operation.",
            fix='Start it with the operation in brackets: "[add] Adds two numbers."',
        )
    return head[1:], text.strip()


def clean_doc(doc: str) -> str:
    """A docstring without the indentation of its source and blank lines at its ends."""
    first, *rest = doc.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first.strip(), *(line[margin:].rstrip() for line in rest)]).strip()
