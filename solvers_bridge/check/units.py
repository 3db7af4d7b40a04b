"""A small algebra of units as people write them: `kg`, `USD/kg`, `h per day`, `m^2`.

Lives here: text to exponents of base symbols, products, and whether two units differ.
Never here: conversion between units, dimensions; a symbol is only ever equal to itself.

Best effort, and silent in doubt: an unreadable unit, a count ("units", "items") and anything
multiplied by a literal (which may be a conversion) have no known unit: None.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

Unit = Mapping[str, int]

_MAX_LENGTH = 80
_PLAIN = {"", "1", "-", "none", "%", "percent", "fraction", "ratio", "share", "dimensionless"}
_COUNTS = {
    "unit",
    "item",
    "piece",
    "count",
    "number",
    "each",
    "binary",
    "boolean",
    "0",
    "yes",
    "no",
}
_ALIASES = {
    "$": "usd",
    "us$": "usd",
    "dollar": "usd",
    "€": "eur",
    "euro": "eur",
    "hour": "h",
    "hr": "h",
    "minute": "min",
    "second": "s",
    "kilogram": "kg",
    "gram": "g",
    "ton": "t",
    "tonne": "t",
    "liter": "l",
    "litre": "l",
    "meter": "m",
    "metre": "m",
    "kilometer": "km",
    "kilometre": "km",
    "mile": "mi",
}
_IRREGULAR = {
    "calves": "calf",
    "children": "child",
    "halves": "half",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "men": "man",
    "people": "person",
    "potatoes": "potato",
    "shelves": "shelf",
    "tomatoes": "tomato",
    "women": "woman",
}
_ENDINGS = (
    ("ies", "y"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("sses", "ss"),
    ("xes", "x"),
    ("ss", "ss"),
    ("s", ""),
)
_FACTOR = re.compile(r"^(?P<name>.*?)(?:\^|\*\*)?(?P<power>(?<=[\^*])-?\d)?$")


def parse_unit(text: str | None) -> Unit | None:
    """The exponents of the base symbols of `text`, e.g. `USD/kg` is `{"usd": 1, "kg": -1}`.

    Returns:
        None when there is no unit, when it cannot be read, or when it counts things of no name.
    """
    if text is None or len(text) > _MAX_LENGTH:
        return None
    plain = re.sub(r"\s+per\s+", "/", text.strip().casefold())
    plain = re.sub(
        r"/\s*\(([^()/]*)\)", lambda m: "/" + re.sub(r"(?<!\*)\*(?!\*)|·", "/", m[1]), plain
    )
    if re.search(r"[()]", plain):
        return None
    powers: Counter[str] = Counter()
    for place, part in enumerate(plain.split("/")):
        for factor in re.split(r"(?<!\*)\*(?!\*)|·", part):
            found = _FACTOR.match(factor.strip())
            if found is None:
                return None
            symbol = _symbol(found["name"])
            if symbol is None:
                return None
            if symbol:
                powers[symbol] += int(found["power"] or 1) * (-1 if place else 1)
    return {symbol: power for symbol, power in powers.items() if power}


def product(left: Unit | None, right: Unit | None, *, power: int = 1) -> Unit | None:
    """`left * right ** power`; unknown when either is."""
    if left is None or right is None:
        return None
    powers = Counter(left)
    for symbol, exponent in right.items():
        powers[symbol] += exponent * power
    return {symbol: exponent for symbol, exponent in powers.items() if exponent}


def differ(left: Unit | None, right: Unit | None) -> bool:
    """Whether both are known, neither is a plain number, and they are not the same."""
    return bool(left) and bool(right) and left != right


def spelled(unit: Unit | None) -> str:
    """A unit as text, e.g. `usd/kg`."""
    above = [_power(name, power) for name, power in sorted((unit or {}).items()) if power > 0]
    below = [_power(name, -power) for name, power in sorted((unit or {}).items()) if power < 0]
    return "/".join(["*".join(above) or "1", *below])


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"


def _symbol(text: str) -> str | None:
    """One base symbol in the singular; empty for a plain number, None for a nameless count."""
    words = re.sub(r"[\s_-]+", " ", text.strip()).strip() if text.strip() not in _PLAIN else ""
    if not words:
        return ""
    if not re.fullmatch(r"[^\W\d][\w ]*|us\$|[$€£¥]", words):
        return None
    singular = " ".join(_singular(word) for word in words.split())
    return None if set(singular.split()) & _COUNTS else _ALIASES.get(singular, singular)


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word.removesuffix(ending) + instead
    return word
