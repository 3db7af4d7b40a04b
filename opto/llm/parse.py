"""An answer in words as a typed value: the parse ladder, no further call of a model.

Lives here: where in a text the JSON may be, mending it, and the message that says what is wrong.
Never here: model calls.

The rungs, first success wins: the whole text, fenced blocks, tagged parts, JSON in between words,
and the same candidates after `json_repair` (missing quotes, trailing commas, comments). Text that
was cut off must not come here: mending would pass a half answer off as a whole one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, Generic, NoReturn, TypeVar, cast

from json_repair import repair_json
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

T = TypeVar("T")
MAX_CHARS = 2_000_000
"""Longer texts are not searched for JSON."""
_MAX_PROBLEMS = 8
_MAX_TRIES = 100
_MAX_MENDED = 200_000
_OPENING = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder()
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"^[ \t]*```[ \t]*[\w+-]*[ \t]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
_TAGGED = re.compile(r"<(answer|json|output|result)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text is not the value that was asked for."""

    why: str
    """For the model as much as for people: one line per mistake, each with its path."""


class Reader(Generic[T]):
    """Reads values of one type; building it is the costly part: see `reader_of`."""

    def __init__(self, kind: type[T]) -> None:
        """Make a reader for `kind`: a pydantic model, or anything pydantic can validate."""
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of the type, as pydantic writes it; not to be changed."""
        return self._adapter.json_schema()

    def read(self, text: str) -> T | Problem:
        """The value in `text`, or what is wrong with the best candidate for it."""
        if len(text) > MAX_CHARS:
            return Problem(f"The answer is longer than {MAX_CHARS} characters.")
        spots = tuple(dict.fromkeys(_candidates(_THOUGHT.sub("", text))))
        problem: Problem | None = None
        for spot in chain(spots, filter(None, map(_mended, spots))):  # mended only when needed
            tried = self._validate(spot)
            if not isinstance(tried, ValueError):
                return tried
            if isinstance(tried, ValidationError) and problem is None:
                problem = Problem(describe(tried))  # of the first candidate that is JSON
        return problem or Problem(_no_json(text))

    def _validate(self, spot: str) -> T | ValueError:
        try:
            data = json.loads(spot, parse_constant=_refuse)  # NaN and Infinity are no JSON
        except RecursionError:
            return ValueError("nested too deeply")
        except ValueError as error:
            return error
        try:
            return self._adapter.validate_json(json.dumps(data))
        except ValidationError as error:
            return error


def reader_of(kind: type[T]) -> Reader[T]:
    """The reader of a type, made once."""
    return cast("Reader[T]", _reader(cast("Any", kind)))


@lru_cache(maxsize=64)
def _reader(kind: type[Any]) -> Reader[Any]:
    return Reader(kind)


def describe(error: ValidationError) -> str:
    """One line per mistake: `constraints[3].rhs: Field required (got {...})`."""
    mistakes = error.errors(include_url=False, include_context=False)
    lines = [_line(mistake) for mistake in mistakes[:_MAX_PROBLEMS]]
    if len(mistakes) > _MAX_PROBLEMS:
        lines.append(f"and {len(mistakes) - _MAX_PROBLEMS} more")
    return "\n".join(lines)


def _line(mistake: ErrorDetails) -> str:
    where = ""
    for step in mistake["loc"]:
        where += f"[{step}]" if isinstance(step, int) else f".{step}" if where else str(step)
    got = json.dumps(mistake["input"], default=repr)
    shown = got if len(got) <= 120 else got[:120] + "…"  # noqa: PLR2004  (a line of a screen)
    return f"{where or 'answer'}: {mistake['msg']} (got {shown})"


def _candidates(text: str) -> Iterator[str]:
    """Places where the JSON may be; of several, the last is what a model settled on."""
    yield text.strip()
    yield from (found.strip() for found in reversed(_FENCE.findall(text)))
    yield from (found[1].strip() for found in reversed(_TAGGED.findall(text)))
    yield from reversed(_values_in(text))
    start, end = _OPENING.search(text), max(text.rfind("}"), text.rfind("]"))
    if start is not None and start.start() < end:
        yield text[start.start() : end + 1]


def _values_in(text: str) -> list[str]:
    """The JSON objects and arrays between the words of `text`, in order."""
    found: list[str] = []
    at = tries = 0
    while (opening := _OPENING.search(text, at)) is not None and tries < _MAX_TRIES:
        at, tries = opening.start(), tries + 1
        try:
            _, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
        else:
            found.append(text[at:end])
            at = end
    return found


def _mended(spot: str) -> str | None:
    """`spot` as JSON after repair; None when nothing structured comes of it."""
    whole = spot.startswith(("{", "[")) and spot.endswith(("}", "]"))  # an open end is a cut
    if not whole or len(spot) > _MAX_MENDED:
        return None
    try:
        data = repair_json(spot, return_objects=True, skip_json_loads=True)
        return json.dumps(data) if data else None
    except (ValueError, RecursionError):
        return None


def _no_json(text: str) -> str:
    try:
        json.loads(text)
    except RecursionError:
        return "The JSON is nested too deeply."
    except json.JSONDecodeError as error:
        if "{" in text or "[" in text:
            return (
                f"This is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
            )
    except ValueError as error:
        return f"This is not valid JSON: {error}."
    return "There is no JSON in the answer."


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
