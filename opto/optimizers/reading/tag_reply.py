"""Replies in tags: `<variable><name>a</name><value>1</value></variable>`.

A request may name a mark; then values stand between `<value id=MARK>` and `</value id=MARK>` and
are exact, whatever they hold. Without it a block begins only where its whole head stands (so a
`<variable>` in prose begins nothing) and ends at the last `</value></variable>` before the next
head (so a `</value>` inside code ends nothing). Text is kept to the character; only the line
breaks next to the tags go.

Lives here: that reader, and the writer of its format.
Never here: types of values, replies in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

from opto.optimizers.reading.suggestion import STOP_WORD, Suggestion, says_stop

_MAX_CHARS = 400_000
"""Longer replies are not read; no setting of a model makes one."""
_ATTRIBUTE = re.compile(r"""\sname\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)


class Tags(NamedTuple):
    """The names of the tags."""

    variable: str = "variable"
    name: str = "name"
    value: str = "value"
    reasoning: str = "reasoning"


USUAL = Tags()


class _Patterns(NamedTuple):
    head: re.Pattern[str]
    end: re.Pattern[str]
    close: re.Pattern[str]
    opening: re.Pattern[str]


@lru_cache(maxsize=32)
def _patterns(tags: Tags) -> _Patterns:
    variable, name, value, _ = (re.escape(tag) for tag in tags)
    head = (
        rf"<{variable}(?P<attributes>\s[^<>\n]{{0,500}})?>\s*"
        rf"(?:<{name}>(?P<name>[^<>]{{0,500}})</{name}>\s*)?"
        rf"<{value}(?:\s+id\s*=\s*[\"']?(?P<mark>\w{{1,80}})[\"']?)?>"
    )
    return _Patterns(
        re.compile(head),
        re.compile(rf"</{value}(?:\s[^<>\n]*)?>\s*</{variable}>"),
        re.compile(rf"</{value}(?:\s[^<>\n]*)?>|</{variable}>"),
        re.compile(rf"<{variable}[\s>]"),
    )


def read_tags(
    text: str,
    names: Collection[str],
    tags: Tags = USUAL,
    *,
    mark: str = "",
) -> Suggestion:
    """What a reply in tags suggests.

    Args:
        text: The reply.
        names: The variables there are; an unmarked head that names none of them, inside a block
            that is not closed yet, is text of that block.
        tags: What the tags are called.
        mark: The id that was asked for, if one was.
    """
    if len(text) > _MAX_CHARS:
        return Suggestion({}, problems=(f"The reply is longer than {_MAX_CHARS} characters.",))
    find = _patterns(tags)
    text = _THOUGHT.sub("", text)
    heads = _heads(text, find, mark, names)
    reasoning, start, end = _reasoning(text, heads, tags)
    heads = [head for head in heads if not start <= head.start() < end]
    values: dict[str, str] = {}
    bad: dict[str, str] = {}
    outside = [text[:start]] if heads and start < heads[0].start() else []
    last = end
    for at, head in enumerate(heads):
        limit = heads[at + 1].start() if at + 1 < len(heads) else len(text)
        outside.append(text[last : head.start()])
        name, found = _name(head), _value(text, head, limit, find, mark)
        if found is None:
            bad[name], last = f"its <{tags.value}> is not closed, so it may be cut off", limit
        else:
            bad.pop(name, None)
            values[name], last = found
    if values or bad:
        return Suggestion(values, reasoning, bad=bad)
    if any(_stops(part) for part in (*outside, text[:start], text[last:])):
        return Suggestion({}, reasoning, no_change=True)
    return Suggestion({}, reasoning, problems=(_nothing(text, find, tags),))


def _name(head: re.Match[str]) -> str:
    named = head["name"]
    if named is None and (found := _ATTRIBUTE.search(head["attributes"] or "")):
        named = found[1] or found[2] or found[3]
    return " ".join((named or "").split())


def _reasoning(text: str, heads: list[re.Match[str]], tags: Tags) -> tuple[str, int, int]:
    """The reasons and where they stand; what looks like reasons inside a value is not."""
    opening, closing = f"<{tags.reasoning}>", f"</{tags.reasoning}>"
    start = text.find(opening)
    end = text.find(closing, start) if start >= 0 else -1
    if end < 0 or (heads and heads[0].start() < start):
        return "", 0, 0
    return text[start + len(opening) : end].strip(), start, end + len(closing)


def _heads(text: str, find: _Patterns, mark: str, names: Collection[str]) -> list[re.Match[str]]:
    """Where blocks begin. Once the mark is used, heads without it are part of a value or prose."""
    heads = [head for head in find.head.finditer(text) if _name(head)]
    marked = [head for head in heads if mark and head["mark"] == mark]
    if marked:
        return list(_after_each_other(text, marked, mark))
    return list(_plain_heads(text, heads, find, names))


def _plain_heads(
    text: str, heads: list[re.Match[str]], find: _Patterns, names: Collection[str]
) -> Iterator[re.Match[str]]:
    """Heads that follow a closed block, and those that name a variable at any place."""
    looked_to, is_open = 0, False
    for head in heads:
        if is_open and find.close.search(text, looked_to, head.start()):
            is_open = False
        looked_to = head.start()
        if not is_open or _name(head) in names:
            looked_to, is_open = head.end(), True
            yield head


def _after_each_other(text: str, heads: list[re.Match[str]], mark: str) -> Iterator[re.Match[str]]:
    """The heads that do not stand inside the value of an earlier one."""
    end, closing = 0, _closing(text, 0, len(text), mark)
    for head in heads:
        if head.start() < end:
            continue
        yield head
        if closing is not None and closing.start() < head.end():
            closing = _closing(text, head.end(), len(text), mark)
        end = closing.end() if closing else head.end()


def _closing(text: str, start: int, end: int, mark: str) -> re.Match[str] | None:
    """The closing tag that bears the mark."""
    sign = rf"</\w[\w.-]{{0,80}}\s+id\s*=\s*[\"']?{re.escape(mark)}[\"']?\s*>"
    return re.compile(sign).search(text, start, end)


def _value(
    text: str, head: re.Match[str], limit: int, find: _Patterns, mark: str
) -> tuple[str, int] | None:
    """The value that begins at `head`, and where its block ends; None where nothing closes it."""
    if mark and head["mark"] == mark:
        exact = _closing(text, head.end(), limit, mark)
        if exact is not None:
            return inner_text(text[head.end() : exact.start()]), exact.end()
    ends = list(find.end.finditer(text, head.end(), limit))
    if not ends:
        ends = list(find.close.finditer(text, head.end(), limit))
    if not ends:
        return None
    return inner_text(text[head.end() : ends[-1].start()]), ends[-1].end()


def inner_text(raw: str) -> str:
    """`raw` without the line breaks next to the tags; text on the tag's own line is stripped."""
    first, newline, rest = raw.partition("\n")
    if not newline:
        return raw.strip()
    if first.strip():
        return raw.strip()
    body, newline, last = rest.rpartition("\n")
    if not newline:
        return "" if not rest.strip() else rest
    return body if not last.strip() else rest


def _stops(part: str) -> bool:
    lines = [line for line in part.splitlines() if line.strip("`~ \t")]
    return bool(lines) and says_stop(lines[-1])


def _nothing(text: str, find: _Patterns, tags: Tags) -> str:
    if find.opening.search(text):
        return (
            f"No <{tags.variable}> block could be read; each needs <{tags.name}> and "
            f"<{tags.value}>."
        )
    return (
        f"There is no <{tags.variable}> block in the reply, and it does not end with {STOP_WORD}."
    )


def write_tags(name: str, text: str, tags: Tags = USUAL, *, mark: str = "") -> str:
    """One block as a model is asked to write it; `read_tags` gives `text` back."""
    sign = f" id={mark}" if mark else ""
    return (
        f"<{tags.variable}>\n<{tags.name}>{name}</{tags.name}>\n<{tags.value}{sign}>\n{text}\n"
        f"</{tags.value}{sign}>\n</{tags.variable}>"
    )
