"""Which variable or measure a phrase speaks about, by the words they share.

Lives here: word overlap rules that narrow a model's choices.
Never here: calls to a model, positions in a text (`text`), knowledge of a single problem.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

_STOP_WORDS = """
    a an the of in on for to be by as at and or is are must should can may that this these those
    number amount quantity total unit units each per more most less least than all any used use
    made make many much have has there with their its his her it they he she
"""
STOP = frozenset(_STOP_WORDS.split())
"""Words that tell nothing of what is spoken about."""
FAMILIES = (
    frozenset({"time", "minute", "hour", "second", "day", "duration"}),
    frozenset({"cost", "price", "pay", "wage", "expense", "spending", "spend", "salary"})
    | {"budget", "expenditure", "dollar"},
    frozenset({"profit", "revenue", "earning", "income", "return", "money", "gain", "dollar"}),
    frozenset({"mass", "weight", "kilogram", "gram", "ton", "pound"}),
    frozenset({"calorie", "calory", "caloric"}),
    frozenset({"pollution", "pollutant"}),
)
"""Stems that measure the same, so that "30 hours" finds the measure "time"."""
EVERYTHING = re.compile(
    r"\b(?:total|both|all|combined|together|altogether|either type|overall|in all)\b", re.IGNORECASE
)
"""Words that speak about all variables at once."""

_TELLING_PREFIX = 4
"""Letters after which a shared beginning means a shared word: "transport", "transportation"."""
_SHORT_IES = 4
"""Words of this length keep their "ie": "ties" are not "ty"."""
_SHORT_S = 3
"""Words of this length keep their "s": "gas" is not "ga"."""
_WORDS = re.compile(r"[A-Za-z]+|\d+")
_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z\d])")
"""Where the parts of a name meet: "pillA", "process1"."""
_SIBILANT_PLURAL = re.compile(r"(?:ch|sh|ss|x|z)es$")


def stem(word: str) -> str:
    """A crude singular, enough to match "sandwiches" with "sandwich"; a lone letter stays."""
    if len(word) <= 1:
        return word
    word = word.lower()
    if word.endswith("ies") and len(word) > _SHORT_IES:
        return word[:-3] + "y"
    if _SIBILANT_PLURAL.search(word):
        return word[:-2]
    plural = word.endswith("s") and not word.endswith("ss") and len(word) > _SHORT_S
    return word[:-1] if plural else word


def words(text: str) -> list[str]:
    """Content words of a phrase or name, stemmed.

    Single capitals and digits stay, since they may be all that tells things apart ("pill A",
    "process 1"); other single letters, and the article "A" at the start, go.
    """
    found = []
    for index, word in enumerate(_WORDS.findall(_SEAM.sub(" ", text.replace("_", " ")))):
        if len(word) == 1 and word.isalpha():
            article = word == "A" and index == 0
            if word.isupper() and not article:
                found.append(word)
        elif word.lower() not in STOP:
            found.append(stem(word))
    return found


def same(a: str, b: str) -> bool:
    """Equal stems, one the beginning of the other (4 letters or more), or one family."""
    if a == b:
        return True
    if min(len(a), len(b)) >= _TELLING_PREFIX and (a.startswith(b) or b.startswith(a)):
        return True
    return any(a in family and b in family for family in FAMILIES)


def distinctive(variables: Mapping[str, str]) -> dict[str, set[str]]:
    """For each variable (name to meaning) the words which no other variable shares.

    What all share ("trips" of "van trips" and "truck trips") cannot tell which one is meant.
    """
    every = {name: set(words(name)) | set(words(meaning)) for name, meaning in variables.items()}
    for name, own in every.items():
        if len(name) == 1:  # "a: number of pills of kind A" is named by the letter A
            own.add(name.upper())
    return {
        name: {
            word
            for word in own
            if not any(same(word, w) for other in every if other != name for w in every[other])
        }
        for name, own in every.items()
    }


def shared(variables: Mapping[str, str]) -> set[str]:
    """Words which the meanings of all variables share: "trip", "pill".

    Raises:
        TypeError: There are no variables.
    """
    return set.intersection(*(set(words(meaning)) for meaning in variables.values()))


def mentions(phrase: str, keys: Set[str]) -> int:
    """Position + 1 of the first content word of `phrase` that matches a key, 0 for none."""
    for position, word in enumerate(words(phrase), start=1):
        if any(same(word, key) for key in keys):
            return position
    return 0


def named_variables(phrase: str, variables: Mapping[str, str]) -> list[str]:
    """Variables whose distinctive words occur in `phrase`, in order of first mention."""
    places = {name: mentions(phrase, keys) for name, keys in distinctive(variables).items()}
    return sorted((name for name, place in places.items() if place), key=lambda name: places[name])


def named_measures(phrase: str, measures: Mapping[str, Set[str]]) -> list[str]:
    """Measures (name to its words) which `phrase` names; those with most matching words win."""
    found = set(words(phrase))
    scores = {
        measure: sum(any(same(word, key) for key in keys) for word in found)
        for measure, keys in measures.items()
    }
    best = max(scores.values(), default=0)
    return [measure for measure, score in scores.items() if score and score == best]


def vocabulary(phrases: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """The words of each measure: its name, and what stands after its numbers and no other's."""
    said = {
        measure: {word for phrase in own for word in words(phrase)}
        for measure, own in phrases.items()
    }
    return {
        measure: set(words(measure))
        | {word for word in own if not any(word in said[o] for o in said if o != measure)}
        for measure, own in said.items()
    }
