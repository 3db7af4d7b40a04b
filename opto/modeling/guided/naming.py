"""The decision variables: how they may be named, and which of them are whole.

Lives here: the shape of the answer about variables, and reading it.
Never here: calls to a model, what the variables are used for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from keyword import iskeyword

from opto.modeling.guided.known import ALL
from opto.modeling.guided.lexical import same, words

VARIABLES_GRAMMAR = r"""root ::= line "\n" line ("\n" line)? ("\n" line)?
line ::= [a-z] [a-zA-Z0-9_]{0,13} ": " [a-zA-Z0-9' -]{3,44}"""
"""Two to four lines `name: meaning`."""

_LINE = re.compile(r"([a-z]\w*): (.*\w.*)")
_FEWEST = 2
_NOT_A_CHOICE = re.compile(r"^(?:total|cost|profit|revenue|minimi|maximi)", re.IGNORECASE)
_DIVISIBLE = re.compile(
    r"^(?:total )?(?:amount|quantity|volume|weight|mass)s?\b"
    r"|^(?:number of )?(?P<unit>acres?|hectares?|kg|kilograms?|kgs|grams?|g|mg|milligrams?|tons?"
    r"|tonnes?|pounds?|lbs?|ounces?|oz|liters?|litres?|ml|milliliters?|gallons?|meters?|metres?"
    r"|feet|foot|yards?|miles?|km|dollars?|money|hours?|minutes?)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"\bintegers?\b|\bwhole (?:number|kilogram|hour|acre)|\bintegral\b", re.IGNORECASE
)


def read_variables(reply: str) -> dict[str, str]:
    """Name to meaning; totals and goals named as variables are dropped if enough others are left.

    Raises:
        ValueError: A line is not `name: meaning`, or there are fewer than two names.
    """
    lines: dict[str, str] = {}
    for line in reply.split("\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"{line!r} is not a name and a meaning")
        lines[match[1]] = match[2]
    if len(lines) < _FEWEST:
        raise ValueError("fewer than two variables were named")
    kept = {
        name: meaning
        for name, meaning in lines.items()
        if not _NOT_A_CHOICE.search(name) and not _NOT_A_CHOICE.search(meaning) and name != ALL
    }
    return _fitting(kept if len(kept) >= _FEWEST else lines)


def _fitting(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables renamed where the name is not in the meaning ("red: number of experiment 1").

    Later rules find a variable by the words of its name and its meaning, so a name that has
    nothing to do with the meaning would be found in the wrong places.
    """
    out: dict[str, str] = {}
    for given, meaning in variables.items():
        name = given
        said = words(meaning)
        if len(name) > 1 and said and not any(same(a, b) for a in words(name) for b in said):
            name = re.sub(r"\W", "", "_".join(said).lower())[:20]
        if not name[:1].isalpha() or name in out or iskeyword(name):
            name = f"v{len(out) + 1}_{name}"
        out[name] = meaning
    return out


def is_whole(meaning: str, text: str) -> bool:
    """Counted things are whole; measured stuff (kilograms, dollars) only if the text says so."""
    return asks_for_whole(text) or not _DIVISIBLE.search(meaning)


def asks_for_whole(text: str) -> bool:
    """Does the text say that numbers have to be whole?"""
    return bool(_WHOLE.search(text))


def measured_in(meaning: str) -> str | None:
    """The unit a meaning starts with: kilograms of rye."""
    match = _DIVISIBLE.search(meaning)
    return match["unit"].lower() if match and match["unit"] else None
