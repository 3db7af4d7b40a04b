"""Replies in JSON: `{"reasoning": ..., "answer": ..., "suggestion": {"name": value}}`.

Lives here: finding the object that is the answer, and mending it as a last resort.
Never here: types of values (`values`), replies in tags.

Of all objects in a reply the last one that holds the suggestion key is the answer, wherever it
stands: bare, in any of several fences, between words. Without such an object, the last one whose
keys are variables. Of text that had to be mended only those values are taken that stand in it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from opto.optimizers.reading.suggestion import Suggestion, says_stop

_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_BAR = re.compile(r"[ \t]*(`{3,}|~{3,})([^\n`]*)\Z")
_WORD = re.compile(r"[\w.+-]+")
_DECODER = json.JSONDecoder(strict=False)  # a line break inside a string is what models write
_MAX_CHARS = 400_000
"""Longer replies are not read; no setting of a model makes one."""
_MAX_TRIES = 200
_MAX_MENDED = 100_000


Decoder = Callable[[str], Iterator[Mapping[str, Any]]]


class Keys(NamedTuple):
    """The keys of the answer."""

    reasoning: str = "reasoning"
    answer: str = "answer"
    suggestion: str = "suggestion"


USUAL = Keys()


def read_json(text: str, names: Collection[str], keys: Keys = USUAL) -> Suggestion:
    """What a reply in JSON suggests.

    Args:
        text: The reply.
        names: The variables there are; an object whose keys are among them is a suggestion.
        keys: How the parts of the answer are called.
    """
    if says_stop(text):
        return Suggestion({}, no_change=True)
    if len(text) > _MAX_CHARS:
        return Suggestion({}, problems=(f"The reply is longer than {_MAX_CHARS} characters.",))
    text = _THOUGHT.sub("", text)
    known = dict.fromkeys(names)
    for decoder in (_decoded, _python):
        best = _best(_objects(text, decoder), known, keys)
        if best is not None:
            return _as_suggestion(best, keys)
    mended = _best(_mended(text), known, keys)
    if mended is None:
        return Suggestion({}, problems=(_why(text, keys),))
    return _only_sure(_as_suggestion(mended, keys), text)


def _best(
    objects: Iterator[Mapping[str, Any]], known: Mapping[str, Any], keys: Keys
) -> Mapping[str, Any] | None:
    answer: Mapping[str, Any] | None = None
    loose: Mapping[str, Any] | None = None
    for found in objects:
        if keys.suggestion in found or says_stop(found.get(keys.answer)):
            answer = found
        elif found and any(_is_name(key, known) for key in found):
            loose = {keys.suggestion: found}
    return loose if answer is None else answer


def _is_name(key: str, known: Mapping[str, Any]) -> bool:
    return key in known or any(key.replace(":", "") == name for name in known)


def _as_suggestion(found: Mapping[str, Any], keys: Keys) -> Suggestion:
    values, reasoning = found.get(keys.suggestion), str(found.get(keys.reasoning) or "")
    stop = says_stop(found.get(keys.answer)) or says_stop(values)
    if isinstance(values, str) and not stop:  # an object written as text inside the object
        values = next(_decoded(values), values)
    if isinstance(values, list) and all(isinstance(item, Mapping) for item in values):
        values = _from_list(values)
    if values is None or says_stop(values):
        values = {}
    elif not isinstance(values, Mapping):
        what = f"{keys.suggestion!r} must be an object from variable names to values."
        return Suggestion({}, reasoning, problems=(what,))
    return Suggestion(dict(values), reasoning, no_change=not values)


def _from_list(items: list[Mapping[str, Any]]) -> dict[str, Any]:
    """`[{"name": "a", "value": 1}]`, or `[{"a": 1}]`, as `{"a": 1}`."""
    out: dict[str, Any] = {}
    for item in items:
        if "name" in item and "value" in item:
            out[str(item["name"])] = item["value"]
        else:
            out |= item
    return out


def _objects(text: str, decoder: Decoder) -> Iterator[Mapping[str, Any]]:
    """Every object in the text, in order: in fences last, since what is fenced is meant."""
    yield from decoder(text)
    for body in _fenced(text):
        yield from decoder(body)


def _fenced(text: str) -> Iterator[str]:
    """What stands in fences; a fence that is not closed goes to the end."""
    bar, body = "", list[str]()
    for line in text.split("\n"):
        found = _BAR.match(line)
        if not bar:
            bar = found[1] if found else ""
        elif found and found[1].startswith(bar) and not found[2].strip():
            yield "\n".join(body)
            bar, body = "", []
        else:
            body.append(line)
    if body:
        yield "\n".join(body)


def _decoded(text: str) -> Iterator[Mapping[str, Any]]:
    """The objects between the words of `text`."""
    at = tries = 0
    while (at := text.find("{", at)) >= 0 and tries < _MAX_TRIES:
        tries += 1
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        if isinstance(value, dict):
            yield value


def _python(text: str) -> Iterator[Mapping[str, Any]]:
    """The object in `text` as a Python literal, as models that know Python write objects."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return
    try:
        value = ast.literal_eval(text[start : end + 1])
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        yield value


def _mended(text: str) -> Iterator[Mapping[str, Any]]:
    """Objects after `json_repair`: missing quotes, trailing commas, comments."""
    from json_repair import repair_json  # noqa: PLC0415  (the last resort)

    for spot in (text, *_fenced(text)):
        start, end = spot.find("{"), spot.rfind("}")
        if start < 0 or end < start or len(spot) > _MAX_MENDED:
            continue
        try:
            found = repair_json(spot[start : end + 1], return_objects=True, skip_json_loads=True)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _only_sure(said: Suggestion, source: str) -> Suggestion:
    """`said` without the values that mending may have cut short or run into their neighbors."""
    bad = {
        name: 'the JSON around it is broken; write quotes inside a value as \\"'
        for name, value in said.values.items()
        if not _sure(value, source)
    }
    kept = {name: value for name, value in said.values.items() if name not in bad}
    return said._replace(values=kept, bad=bad, no_change=said.no_change and not bad)


def _sure(value: Any, source: str) -> bool:
    """Does every text in `value` stand in the source in quotes, with the end of a value after?"""
    if isinstance(value, str):
        return _WORD.fullmatch(value) is not None or _quoted(value, source)
    if isinstance(value, Mapping):
        return all(_sure(part, source) for part in value.values())
    return not isinstance(value, list) or all(_sure(part, source) for part in value)


def _quoted(value: str, source: str) -> bool:
    for quote in "\"'":
        if quote in value:
            continue
        for written in {value, json.dumps(value, ensure_ascii=False)[1:-1]}:
            exact = re.escape(f"{quote}{written}{quote}") + r"[ \t]*(?:[,}\]]|\n)"
            if re.search(exact, source):
                return True
    return False


def _why(text: str, keys: Keys) -> str:
    start = text.find("{")
    if start < 0:
        return f"There is no JSON object in the reply; it must hold {keys.suggestion!r}."
    try:
        _DECODER.raw_decode(text, start)
    except RecursionError:
        return "The JSON is nested too deeply."
    except json.JSONDecodeError as fault:
        return f"The JSON is not valid: {fault.msg} (line {fault.lineno}, column {fault.colno})."
    return f"The JSON object has no key {keys.suggestion!r}."
