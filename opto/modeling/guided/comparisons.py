"""Every comparison that may be what a limit says.

Lives here: the rules that narrow the answers to a limit question, mostly to a single one.
Never here: finding limits and their direction (`directions`), calls to a model.
"""

from __future__ import annotations

import re

from opto.modeling.guided.directions import direction, is_multiple
from opto.modeling.guided.known import ALL, Known
from opto.modeling.guided.lexical import (
    EVERYTHING,
    mentions,
    named_measures,
    named_variables,
    same,
    shared,
    stem,
    words,
)
from opto.modeling.guided.places import in_dollars, noun_phrase, show, sides
from opto.modeling.guided.text import Limit
from opto.modeling.quantities import Quantity

JOIN = " and "
"""Between the comparisons of one answer: "at least 5 of each" is one per variable."""
NONE = "none"
"""The answer that a place states no limit after all."""

_UNIT_OF = re.compile(r"(units?|[a-z]+) of\b", re.IGNORECASE)
_MONEY = re.compile(r"\b(?:dollars?|money|invest\w*|spent)\b|\$", re.IGNORECASE)
_EACH_OF = re.compile(r"\b(?:of each|each of|each (?:type|kind|sort|model|size))\b", re.IGNORECASE)
_PREPOSITION = re.compile(r"\b(?:for|to|that|which|who|from|with|at|in|on|by|per)\b")
_PER_OR_PLACE = re.compile(r"\b(?:per|each|every|in|on|by)\b")
_TWO = 2


def limit_choices(known: Known, place: Limit) -> list[str]:
    """Every comparison that may answer a limit question."""
    sense = direction(known.text, place)
    senses = [sense] if sense else ["<=", ">=", "="]
    quantity = place.quantity
    if quantity is None or is_multiple(quantity):
        found = _between_variables(known, place, senses)
    elif quantity.percent:
        found = _shares(known, place, senses=senses, quantity=quantity)
    elif _EACH_OF.search(noun_phrase(known.text, place)):
        value = show(quantity.value)
        found = [JOIN.join(f"{name} {s} {value}" for name in known.variables) for s in senses]
    else:
        found = _amounts(known, place, senses=senses, quantity=quantity)
    return found if place.firm or len(found) == 1 else [*found, NONE]


def _between_variables(known: Known, place: Limit, senses: list[str]) -> list[str]:
    """Comparisons of one variable with another or its multiple."""
    names = list(known.variables)
    times = "" if place.quantity is None else f"{show(place.quantity.value)}*"
    pair = _ordered_pair(known, place)
    pairs = [pair] if pair else [(a, b) for a in names for b in names if a != b]
    return [f"{a} {sense} {times}{b}" for a, b in pairs for sense in senses]


def _ordered_pair(known: Known, place: Limit) -> tuple[str, str] | None:
    """Left and right of a comparison of two variables: the order in which they are named."""
    before, after = sides(known.text, place)
    left = named_variables(before, known.variables)
    right = named_variables(after, known.variables)
    if len(right) == _TWO and place.quantity is not None:
        return right[0], right[1]
    if len(left) == 1 and len(right) == 1 and left != right:
        return left[0], right[0]
    return None


def _shares(known: Known, place: Limit, *, senses: list[str], quantity: Quantity) -> list[str]:
    """Comparisons with a percentage of everything."""
    before, after = sides(known.text, place)
    left = named_variables(after, known.variables) or named_variables(before, known.variables)
    if len(left) != 1:
        left = [*named_measures(before, known.measures), *known.variables]
    return [f"{a} {sense} {show(quantity.value)}*{ALL}" for a in left for sense in senses]


def _amounts(known: Known, place: Limit, *, senses: list[str], quantity: Quantity) -> list[str]:
    """Comparisons with an amount; with more than two variables also of two of them together."""
    names = list(known.variables)
    left = _amount_names(known, place)
    if len(names) > _TWO and len(left) > 1:
        left = [*left, *(f"{a} + {b}" for k, a in enumerate(names) for b in names[k + 1 :])]
    return [f"{a} {sense} {show(quantity.value)}" for a in left for sense in senses]


def _amount_names(known: Known, place: Limit) -> list[str]:
    """What an amount can be an amount of, narrowed by the words around the number."""
    anything = [*known.measures, *known.variables, ALL]
    if in_dollars(known.text, place):
        return _money_names(known, place) or anything
    phrase = noun_phrase(known.text, place)
    by_measure = named_measures(phrase, known.measures)
    by_variable = named_variables(
        noun_phrase(known.text, place, joined=not by_measure), known.variables
    )
    if by_measure:
        counted = _counted(known, phrase, by_variable)
        return _measured(known, place, phrase=phrase, names=(by_measure, counted)) or anything
    return _unmeasured(known, place, phrase=phrase, by_variable=by_variable) or anything


def _counted(known: Known, phrase: str, by_variable: list[str]) -> list[str]:
    """The variables a phrase can count: "16 grams of protein" cannot count protein bars."""
    unit = _UNIT_OF.match(phrase.strip())
    if not unit:
        return by_variable
    own = {name: [stem(word) for word in known.variables[name].split()] for name in by_variable}
    return [name for name in by_variable if stem(unit[1]) in own[name]]


def _measured(
    known: Known, place: Limit, *, phrase: str, names: tuple[list[str], list[str]]
) -> list[str]:
    """What an amount is of when its phrase names measures; empty when that is not clear."""
    by_measure, by_variable = names
    nearest = _PREPOSITION.split(phrase)[0]
    other = words(nearest) and not named_measures(nearest, known.measures)
    if place.firm and not by_variable and other:
        return [*by_measure, ALL]  # "100 helpers for guests": perhaps not guests
    head = words(phrase)[0]
    leads = any(same(head, word) for word in known.measures[by_measure[0]])
    clear = not by_variable or (leads and not named_variables(head, known.variables))
    return by_measure if len(by_measure) == 1 and clear else []


def _unmeasured(known: Known, place: Limit, *, phrase: str, by_variable: list[str]) -> list[str]:
    """What an amount is of when its phrase names no measure; empty when that is not clear."""
    together = EVERYTHING.search(phrase) or mentions(phrase, shared(known.variables))
    if not by_variable and not together:
        if words(_PER_OR_PLACE.split(phrase)[0]):
            return [*known.measures, ALL]  # "200 guests": neither a van nor a car
        before = named_variables(sides(known.text, place)[0], known.variables)
        return before if len(before) == 1 else []  # "vans: at least 5"
    if len(by_variable) == 1:
        return by_variable
    return [ALL] if len(by_variable) in (0, len(known.variables)) else []


def _money_names(known: Known, place: Limit) -> list[str]:
    """What an amount of money limits: the profit if the clause speaks of it, else the cost."""
    own = {measure: {measure} for measure in known.measures}
    clause = " ".join(sides(known.text, place))
    named = named_measures(clause, own)
    if len(named) != 1:
        said = clause if place.firm else place.sentence
        named = named_measures("cost", own) or named_variables(said, known.variables)
    if len(named) != 1 and all(_MONEY.search(meaning) for meaning in known.variables.values()):
        named = [ALL]  # dollars to be spread over the variables
    return named if len(named) == 1 else []
