"""Which places of the text state a limit, and in which direction.

Lives here: the rules that tell limits from other numbers, and at most from at least.
Never here: what is limited (`comparisons`), calls to a model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from opto.modeling.guided.places import NEW_CLAUSE, neighbors, sentence_start
from opto.modeling.guided.text import Limit, limits
from opto.modeling.quantities import Quantity

_AVAILABLE = re.compile(
    r"\b(?:there (?:are|is)|available|has|(?<!to )have|had|owns?|in stock|stock of"
    r"|suppl(?:y|ies) of|total of|on hand|budget|to spend|can (?:spend|afford|use|invest)|limit"
    r"|open for|operates? (?:for|on)|runs? for|access to)\b",
    re.IGNORECASE,
)
_NEEDED = re.compile(
    r"\b(?:has|have|need|needs|wants?|aims?|plans?) to\b"
    r"|\b(?:must|needs?|requires?|requiring|demands?|in need of)\b",
    re.IGNORECASE,
)
AT_HAND = re.compile(
    r"\bavailable\b|in stock|on hand|to (?:spend|invest|gamble|use)\b"
    r"|on (?:their|its|his|her) staff",
    re.IGNORECASE,
)


def listed_places(text: str) -> list[Limit]:
    """Numbers whose role the model must state: those which no comparison words govern."""
    return [
        place
        for place in limits(text)
        if not place.firm and not place.number.soft and not is_multiple(place.number)
    ]


def limit_places(text: str, *, totals: Sequence[bool]) -> list[Limit]:
    """The places to ask a comparison for: firm ones, multiples, and amounts in total.

    Args:
        text: The problem.
        totals: For each of `listed_places(text)`, whether it was said to be an amount in total.
    """
    is_total = iter(totals)
    return [
        place
        for place in limits(text)
        if place.firm or is_multiple(place.quantity) or (not place.number.soft and next(is_total))
    ]


def is_multiple(quantity: Quantity | None) -> bool:
    """Is it a factor between two things ("twice", "3 times"), not an amount or a percentage?"""
    return quantity is not None and quantity.ratio and not quantity.percent


def direction(text: str, place: Limit) -> str | None:
    """The direction of a limit: comparison words, else what is at hand (<=) or needed (>=)."""
    if place.sense:
        return place.sense
    if place.number.ratio:
        return "="
    start = sentence_start(text, place)
    if AT_HAND.search(rest_of_clause(text, place)):
        return "<="
    said = _last_said(neighbors(text, place)[0])
    if said:
        return said
    earlier = [p for p in limits(text) if p.quantity and start <= p.start and p.end <= place.start]
    if earlier and re.search(r"\band\b|,", text[earlier[-1].end : place.start]):
        return direction(text, earlier[-1])  # "has 20 trays and 9 racks"
    return None


def rest_of_clause(text: str, place: Limit) -> str:
    """What follows a place up to the next clause."""
    end = sentence_start(text, place) + len(place.sentence)
    return NEW_CLAUSE.split(text[place.end : end], maxsplit=1)[0]


def _last_said(before: str) -> str | None:
    """The direction of the last words of having or needing."""
    found = [
        (match.end(), sense)
        for sense, rule in (("<=", _AVAILABLE), (">=", _NEEDED))
        for match in rule.finditer(before)
    ]
    return max(found)[1] if found else None
