"""Numbers as people write them in problems: `twice`, `a third`, `thirty percent`, `1.5 times`.

Lives here: one function from words to a number.
Never here: finding numbers in a text.
"""

from __future__ import annotations

import re

_ONES = {
    **{"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7},
    **{"eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13},
    **{"fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18},
    **{"nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60},
    **{"seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12},
    **{"a": 1, "an": 1, "once": 1, "twice": 2, "double": 2, "thrice": 3, "triple": 3},
}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_PARTS = {
    **{"half": 2, "halves": 2, "quarter": 4, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6},
    **{"seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10},
}
_IDLE = frozenset({"and", "of", "times", "the", "as", "many", "much", "per", "cent", "cents"})
_DIGITS = re.compile(r"[-+]?(?:\d[\d,]*)?\.?\d+(?:/\d+)?")


def number(text: str) -> float:
    """The number `text` says.

    `%`, `percent` and cents divide by 100; a fraction such as `two thirds` or `1/3` divides.

    Raises:
        ValueError: No number can be read.
    """
    folded = text.casefold().strip()
    share = 0.01 if re.search(r"%|\bper ?cent\b|¢|\bcents?\b", folded) else 1.0
    words = re.findall(r"[-+]?(?:\d[\d,]*)?\.?\d+(?:/\d+)?|[a-z]+", folded)
    words = [word for word in words if word not in _IDLE and not word.startswith("percent")]
    if not words:
        raise ValueError(f"no number in {text!r}")
    digits = [word for word in words if _DIGITS.fullmatch(word)]
    if digits:
        scales = [_SCALES[word] for word in words if word in _SCALES]
        value = _digits(digits[0])
        for scale in scales:
            value *= scale
        return value * share
    return _spoken(words, text) * share


def _digits(word: str) -> float:
    above, _, below = word.replace(",", "").partition("/")
    return float(above) / (float(below) if below else 1.0)


def _spoken(words: list[str], text: str) -> float:
    total, current, divisor, heard = 0.0, 0.0, 1, False
    for word in words:
        singular = word.removesuffix("s")
        if word in _ONES:
            current += _ONES[word]
        elif word in _SCALES:
            current = (current or 1) * _SCALES[word]
            if _SCALES[word] > 100:  # noqa: PLR2004
                total, current = total + current, 0.0
        elif word in _PARTS or singular in _PARTS:
            divisor *= _PARTS.get(word, _PARTS.get(singular, 1))
            current = current or 1.0
        else:
            continue
        heard = True
    if not heard:
        raise ValueError(f"no number in {text!r}")
    return (total + current) / divisor
