"""The numbers a text states, in digits or in words, with where they stand.

Lives here: a rule-based reader of English quantities. Never here: calls to a model; deciding what
a number is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL = {word: number for number, word in enumerate(_UNITS)} | {
    word: 10 * number for number, word in enumerate(_TENS, start=2)
}
_LARGE = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_FACTORS = {
    "half": 0.5,
    "twice": 2,
    "double": 2,
    "doubled": 2,
    "thrice": 3,
    "triple": 3,
    "quadruple": 4,
    "dozen": 12,
    "couple": 2,
}
_PARTS = {"third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}

_WORD = "|".join([*_SMALL, *_LARGE])
_NUMBER = re.compile(
    rf"""
      (?P<digits>(?<![\w.])\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|(?<![\w.])\.?\d+(?:\.\d+)?)
      (?P<scale>\s?(?:thousand|million|billion)\b|k\b)?
      (?:/(?P<over>\d+)(?!\d|/))?
      (?P<percent>\s?%|\s?per\s?cent\b)?
    | \b(?P<top>a|one|two|three)[\s-](?P<part>{"|".join(_PARTS)})s?\b
    | \b(?P<factor>{"|".join(_FACTORS)})\b
    | \b(?P<words>(?:{_WORD})(?:[\s-]+(?:and\s+)?(?:{_WORD}))*)\b(?P<wordpercent>\s+per\s?cent\b)?
    """,
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a text. `value` has percentages as fractions: thirty percent is 0.3."""

    value: float
    start: int
    end: int
    written: str
    weak: bool = False
    """Often no quantity at all: `one` and `two` in words, numbers in names such as `machine 2`."""


def quantities(text: str) -> tuple[Quantity, ...]:
    """All numbers of `text` in order."""
    found = []
    names = _numbered_names(text)
    for match in _NUMBER.finditer(text):
        value = _value(match)
        weak = match["words"] is not None and value <= 2 and not match["wordpercent"]  # noqa: PLR2004
        weak = weak or _word_before(text, match.start()) in names
        found.append(Quantity(value, match.start(), match.end(), match[0].strip(), weak))
    return tuple(found)


def matches(value: float, stated: float) -> bool:
    """Can `value` in a model come from `stated` in the text without another number?

    Percentages may appear as 30 or 0.3, shares as their complement, units scaled by the usual
    factors (60 minutes, 100 cents, 1000 grams, 7 days, 12 months, 24 hours).
    """
    magnitude, origin = abs(value), abs(stated)
    forms = [origin, *([1 / origin] if origin else [])]
    if origin < 1:
        forms += [1 - origin, 1 + origin]
    scales = (1, 100, 60, 1000, 7, 12, 24)
    return any(
        _close(magnitude, form * scale) or _close(magnitude, form / scale)
        for form in forms
        for scale in scales
    )


def accounted(stated: Quantity, used: Iterable[float]) -> bool:
    """Is `stated` used by one of the numbers of a model?"""
    return any(matches(value, stated.value) for value in used)


def _numbered_names(text: str) -> set[str]:
    """Words that number things: those followed by just 1, 2, ... k, such as `machine 1`."""
    seen: dict[str, set[int]] = {}
    for word, number in re.findall(r"\b([a-z]+) (\d+)(?![\d.,]*\d|\s?%)", text.lower()):
        seen.setdefault(word, set()).add(int(number))
    return {w for w, n in seen.items() if len(n) > 1 and n == set(range(1, len(n) + 1))}


def _word_before(text: str, start: int) -> str:
    found = re.search(r"\b([a-z]+) $", text[max(0, start - 40) : start].lower())
    return found[1] if found else ""


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def _value(match: re.Match[str]) -> float:
    if match["part"]:
        top = {"a": 1, "one": 1, "two": 2, "three": 3}[match["top"].lower()]
        return top / _PARTS[match["part"].lower()]
    if match["factor"]:
        return _FACTORS[match["factor"].lower()]
    if match["words"]:
        return _words(match["words"]) / (100 if match["wordpercent"] else 1)
    value = float(match["digits"].replace(",", ""))
    if match["scale"]:
        scale = match["scale"].strip().lower()
        value *= 1_000 if scale == "k" else _LARGE[scale]
    if match["over"] and float(match["over"]):
        value /= float(match["over"])
    return value / 100 if match["percent"] else value


def _words(words: str) -> float:
    total = group = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in _SMALL:
            group += _SMALL[word]
        elif word == "hundred":
            group = max(group, 1) * 100
        elif word in _LARGE:
            total += max(group, 1) * _LARGE[word]
            group = 0
    return float(total + group)
