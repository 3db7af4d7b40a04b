"""Replies that hold one value between tags.

Lives here: that reader.
Never here: types of values, replies with several variables.
"""

from __future__ import annotations

import re

from opto.optimizers.reading.suggestion import Suggestion, says_stop
from opto.optimizers.reading.tag_reply import inner_text

TAG = "IMPROVED_VARIABLE"
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_OPENING = re.compile(rf"<{TAG}(?:\s[^<>\n]*)?>")
_CLOSING = re.compile(rf"</{TAG}(?:\s[^<>\n]*)?>")


def read_one(text: str, name: str, *, mark: str = "") -> Suggestion:
    """The value of `name` in a reply.

    With the mark in both tags it is exact; else it goes from the first opening to the last closing
    tag, so a tag inside the value ends nothing.
    """
    text = _THOUGHT.sub("", text)
    if mark:
        sign = rf"\s+id\s*=\s*[\"']?{re.escape(mark)}[\"']?\s*>"
        first = re.search(f"<{TAG}{sign}", text)
        last = re.compile(f"</{TAG}{sign}").search(text, first.end()) if first else None
        if first and last:
            return Suggestion({name: inner_text(text[first.end() : last.start()])})
    opening = _OPENING.search(text)
    if opening is None:
        if says_stop(text.strip().rpartition("\n")[2]):
            return Suggestion({}, no_change=True)
        return Suggestion({}, problems=(f"There is no <{TAG}> in the reply.",))
    closings = list(_CLOSING.finditer(text, opening.end()))
    if not closings:
        return Suggestion({}, bad={name: f"<{TAG}> is not closed, so it may be cut off"})
    return Suggestion({name: inner_text(text[opening.end() : closings[-1].start()])})
