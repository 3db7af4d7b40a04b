"""Values as short text.

Lives here: `preview`.
Never here: rendering of traces for a model (`opto.trace.render`), HTML.
"""

from __future__ import annotations

from typing import Any


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
