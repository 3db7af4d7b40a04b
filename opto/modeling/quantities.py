"""The numbers a text states, in digits or in words, with where they stand.

Lives here: a rule-based reader of English quantities, the only one. Never here: calls to a model;
deciding what a number is for.

It is read for two uses. The audit asks whether a model uses each number (`weak` ones may be left
out); the guided pipeline gives each number a role (`percent`, `ratio`, `soft` narrow the choice).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

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
_MULTIPLES = {
    "half": Fraction(1, 2),
    "twice": Fraction(2),
    "double": Fraction(2),
    "doubled": Fraction(2),
    "thrice": Fraction(3),
    "triple": Fraction(3),
    "quadruple": Fraction(4),
}
_FACTORS = _MULTIPLES | {"dozen": Fraction(12), "couple": Fraction(2)}
_TOPS = {"a": 1, "one": 1, "two": 2, "three": 3}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6} | {
    "eighth": 8,
    "tenth": 10,
}

_SCALE = "|".join(_LARGE)
_WORD = "|".join([*_SMALL, *_LARGE])
_AND = "|".join(rf"(?<={scale})\sand\s" for scale in _LARGE)
"""Joins the words of one number only after a scale: "one hundred and ten", not "two and three"."""
_NUMBER = re.compile(
    rf"""
      \b(?P<top>{"|".join(_TOPS)})[\s-](?P<part>{"|".join(_PARTS)})s?\b
    | (?P<digits>\d+(?:,\d{{3}}(?!\d))*(?:\.\d+)?|\.\d+)
      (?:\s?(?P<scale>{_SCALE})\b|(?P<kilo>k)\b|/(?P<over>[1-9]\d*)(?![\d/]))?
    | \b(?P<words>(?:a\s(?={_SCALE}))?(?:{_WORD})(?:(?:[\s-]|{_AND})(?:{_WORD}))*)\b
    | \b(?P<multiple>{"|".join(_MULTIPLES)})\b(?!-)
    | \b(?P<collective>dozen\b(?!-)|couple(?=\sof\b))
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PERCENT = re.compile(r"\s?(?:%|percent\b|per\scent\b)", re.IGNORECASE)

_BEFORE = 40
"""Characters before a number that rules look at; longer than anything they look for."""
_LARGEST_COUNT = 4
"""Small numbers in words often count the kinds of things a text tells of: "three products"."""
_LARGEST_WEAK = 2
_FIRST_NO_LABEL = 10
"""Texts number their machines 1, 2, 3; ten and more after such a word is an amount."""

_AMOUNT_VERB = re.compile(
    r"\b(?:cost|require|take|need|contain|hold|carry|produce|earn|us|carrie)e?s?\s$", re.IGNORECASE
)
_KIND = re.compile(
    r"\s(?:types?|kinds?|different|ways?|methods?|options?|brands?|versions?|sizes?|products?)\b",
    re.IGNORECASE,
)
_TIMES = re.compile(r"[\s-](?:times(?! (?:an?|per|each|every) )|as many|as much)\b")
"""A factor ("3 times as many"), not how often something is done ("3 times a day")."""
_SHARE = re.compile(r" of (?:all|the total|total|work|the (?!number|amount))\b")
"""A part of a whole ("a third of all trips"), not of another variable ("of the number of")."""
_ONE_OF = re.compile(r"\b(?:produce|make|for|per|each|every|of) $")
_NOTHING = re.compile(r"\b(?:than|equal to) $")
_TIED = re.compile(r"[\w ]{1,40} and ")
_KIND_OF = re.compile(r"-[A-Za-z]")
"""A number of a name with a hyphen ("3-seater"); "30-minute show" has ten or more: an amount."""
_CAN_DO = re.compile(r"\b(?:can|could|may|must|to|will) [a-z]+ $", re.IGNORECASE)
"""A verb stands before the number, not a noun it names: "can process 5 cars"."""
_LABELED = re.compile(
    r"""\b(?:
        ad|alloy|brand|bus|category|chemical|class|company|design|drink|experiment|factory|farm|feed
        |fertilizer|food|formula|grade|group|item|lab|level|line|location|machine|method|mine
        |mixture|model|omega|option|ore|phase|pill|plan|plant|process|product|recipe|room|shop
        |site|snack|stage|step|store|style|supplement|system|task|team|technique|type|vaccine
        |variant|vitamin|warehouse
    )\s$""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that a number may name one of: "machine 2", "omega 3"."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a text. `value` has percentages as fractions: thirty percent is 3/10."""

    value: Fraction
    start: int
    end: int
    written: str
    percent: bool = False
    """A share of a whole: "30%", "a third of all trips"."""
    ratio: bool = False
    """A multiple of something else ("twice", "3 times", also every percentage), not an amount."""
    soft: bool = False
    """A count that need not enter a model by where it stands: "two types", "per one unit"."""
    weak: bool = False
    """Often no quantity at all: `one` and `two` in words, numbers in names such as `tank 2`."""


def quantities(text: str) -> tuple[Quantity, ...]:
    """All numbers of `text` in order.

    Left out are labels ("machine 2", "(1)", "x1") and the zero of "greater than 0", since that a
    quantity is not negative goes without saying.
    """
    found: list[Quantity] = []
    names = _numbered_names(text)
    for match in _NUMBER.finditer(text):
        if match["digits"] and _is_label(text, match):
            continue
        quantity = _quantity(text, match, earlier=found, names=names)
        if quantity.value or not _NOTHING.search(_before(text, match)):
            found.append(quantity)
    return tuple(found)


def matches(value: float, stated: float | Fraction) -> bool:
    """Can `value` in a model come from `stated` in the text without another number?

    Percentages may appear as 30 or 0.3, shares as their complement, units scaled by the usual
    factors (60 minutes, 100 cents, 1000 grams, 7 days, 12 months, 24 hours).
    """
    magnitude, known = abs(value), _forms(abs(float(stated)))
    at = bisect_left(known, magnitude)
    # of the forms on either side the nearest is the one that is close, if any is
    return any(_close(magnitude, form) for form in known[max(0, at - 1) : at + 1])


@lru_cache(maxsize=4096)
def _forms(origin: float) -> tuple[float, ...]:
    """All that `origin` may become, ascending."""
    forms = [origin, *([1 / origin] if origin else [])]
    if origin < 1:
        forms += [1 - origin, 1 + origin]
    scales = (1, 100, 60, 1000, 7, 12, 24)
    return tuple(sorted({f for form in forms for s in scales for f in (form * s, form / s)}))


def accounted(stated: Quantity, used: Iterable[float]) -> bool:
    """Is `stated` used by one of the numbers of a model?"""
    number = float(stated.value)
    return any(matches(value, number) for value in used)


def _quantity(
    text: str, match: re.Match[str], *, earlier: Sequence[Quantity], names: set[str]
) -> Quantity:
    sign = _PERCENT.match(text, match.end())
    end = sign.end() if sign else match.end()
    value = _value(match) / (100 if sign else 1)
    part = bool(match["part"] or match["over"])
    percent = bool(sign or (part and _SHARE.match(text, end)))
    ratio = percent or part or bool(match["multiple"] or _TIMES.match(text, end))
    in_words = match["words"] is not None
    count = in_words and not ratio and value <= _LARGEST_COUNT
    soft = count and not _is_amount(text, match, earlier=earlier)
    soft = soft or (value == 1 and bool(_ONE_OF.search(_before(text, match))))
    weak = (in_words and not sign and value <= _LARGEST_WEAK) or _word_before(text, match) in names
    written = text[match.start() : end]
    return Quantity(value, match.start(), end, written, percent, ratio, soft, weak)


def _is_label(text: str, match: re.Match[str]) -> bool:
    """Do these digits name something: "(1)", "x1", "type-2", "3-seater", "experiment 1"?"""
    if text[max(0, match.start() - 1) : match.end() + 1] == f"({match.group()})":
        return True
    if re.search(r"[A-Za-z]-?$", _before(text, match)):
        return True
    end = match.end()
    if _value(match) >= _FIRST_NO_LABEL or _PERCENT.match(text, end) or _TIMES.match(text, end):
        return False
    if _KIND_OF.match(text, end):
        return True
    before = _before(text, match)
    return bool(_LABELED.search(before)) and not _CAN_DO.search(before)


def _is_amount(text: str, match: re.Match[str], *, earlier: Sequence[Quantity]) -> bool:
    """Is a small number in words an amount ("costs two units"), no mere count ("two types")?

    What is tied by "and" to an amount is one too: "needs three cups of flour and two eggs".
    """
    if _KIND.match(text, match.end()):
        return False
    if _AMOUNT_VERB.search(_before(text, match)):
        return True
    if not earlier or earlier[-1].soft:
        return False
    return bool(_TIED.fullmatch(text, earlier[-1].end, match.start()))


def _numbered_names(text: str) -> set[str]:
    """Words that number things: those followed by just 1, 2, ... k, such as `tank 1`."""
    seen: dict[str, set[int]] = {}
    for word, number in re.findall(r"\b([a-z]+) (\d+)(?![\d.,]*\d|\s?%)", text.lower()):
        seen.setdefault(word, set()).add(int(number))
    return {w for w, n in seen.items() if len(n) > 1 and n == set(range(1, len(n) + 1))}


def _before(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - _BEFORE) : match.start()]


def _word_before(text: str, match: re.Match[str]) -> str:
    found = re.search(r"\b([a-z]+) $", _before(text, match).lower())
    return found[1] if found else ""


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def _value(match: re.Match[str]) -> Fraction:
    """The value of a match before any percent sign."""
    if match["part"]:
        return Fraction(_TOPS[match["top"].lower()], _PARTS[match["part"].lower()])
    if factor := match["multiple"] or match["collective"]:
        return _FACTORS[factor.lower()]
    if match["words"]:
        return _in_words(match["words"])
    value = Fraction(match["digits"].replace(",", ""))
    if match["over"]:
        return value / int(match["over"])
    if match["kilo"]:
        return value * _LARGE["thousand"]
    return value * (_LARGE[match["scale"].lower()] if match["scale"] else 1)


def _in_words(words: str) -> Fraction:
    """The value of "thirty-five" or "one hundred and ten thousand"; "a" and "and" add nothing."""
    total = group = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in _SMALL:
            group += _SMALL[word]
        elif word == "hundred":
            group = max(group, 1) * _LARGE[word]
        elif word in _LARGE:
            total += max(group, 1) * _LARGE[word]
            group = 0
    return Fraction(total + group)
