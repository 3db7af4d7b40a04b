"""The words around a place in the text, and numbers as the prompts write them.

Lives here: clauses, snippets and phrases cut out around a number or a comparison.
Never here: what those words mean for the model, calls to a model.
"""

from __future__ import annotations

import re
from fractions import Fraction

from opto.modeling.guided.text import CLAUSE, Limit, cues, sentences
from opto.modeling.quantities import Quantity, quantities

NEW_CLAUSE = re.compile(
    r"[,;.](?:\s|$)|\s(?:but|while|whereas|if)\s"
    r"|\sand\s(?=(?:they|it|he|she|the|has|have|must|can)\b)",
    re.IGNORECASE,
)
_JOINT = re.compile(
    r"[,;] (?:but |and |so |while |whereas |if |since )?| but | while | whereas ",
)
_END = re.compile(r"[,;]| but | while | whereas | in order ")
_SIDE_ENDS = re.compile(r"[,;](?:\s|$)|\s(?:and|but|while|whereas|if|because|since)\s")
_TRAILING = re.compile(
    r"(?:\s*[,.;]\s*(?:and|but|while|whereas|or)?|\s(?:and|but|while|whereas|or))$"
)
_PHRASE_ENDS = re.compile(r"[,.;?!](?:\s|$)|\s(?:but|while|whereas|then)\s")
_SHORT = 110
"""Characters up to which a sentence is quoted whole."""
_ENOUGH_WORDS = 5
"""Fewer are mostly an item of a list ("20 pears"), which says nothing alone."""
_NEAR = 12
"""A joint closer to the mention than this many characters would leave too little to understand."""


def show(value: Fraction) -> str:
    """A number as it stands in algebra: an integer, a decimal, else a quotient."""
    if value.denominator == 1:
        return str(value.numerator)
    text = repr(float(value))
    if "e" not in text and Fraction(text) == value:
        return text
    return f"{value.numerator}/{value.denominator}"


def as_listed(quantity: Quantity) -> str:
    """A number as the table of numbers shows it: percentages as percentages."""
    return show(quantity.value * 100) + "%" if quantity.percent else show(quantity.value)


def sentence_start(text: str, place: Limit) -> int:
    """Where the sentence of a place starts: the occurrence that holds the place."""
    return next(start for start, end in sentences(text) if start <= place.start < end)


def quote(text: str, place: Limit) -> str:
    """The clause around a place, the place in brackets: what the model is asked about."""
    start = sentence_start(text, place)
    a, b = place.start - start, place.end - start
    sentence = place.sentence
    left, right = _clause(sentence, a, b)
    return f"{sentence[left:a]}[{sentence[a:b]}]{sentence[b:right]}".strip()


def words_behind(text: str, place: Limit) -> str:
    """The words that say the limit at a place, and little more: what the user is shown.

    They are cut closer than what the model is asked about, so that "they have 700 units of water"
    is not checked against "must process 800 gems" in the clause before it.
    """
    start = sentence_start(text, place)
    a, b = place.start - start, place.end - start
    right = b + len(NEW_CLAUSE.split(place.sentence[b:], maxsplit=1)[0])
    starts = [0, *(m.end() for m in NEW_CLAUSE.finditer(place.sentence, 0, a))]
    clauses = [place.sentence[left:right].strip() for left in starts]
    return next((c for c in reversed(clauses) if len(c.split()) >= _ENOUGH_WORDS), clauses[0])


def _clause(sentence: str, a: int, b: int) -> tuple[int, int]:
    """Ends of the clause around `sentence[a:b]`; short sentences are not cut."""
    if len(sentence) + 2 < _SHORT:  # 2: the brackets around the place
        return 0, len(sentence)
    left = max((m.end() for m in _JOINT.finditer(sentence, 0, a) if a - m.end() > _NEAR), default=0)
    rest = sentence[b:]
    right = min((m.start() for m in _END.finditer(rest) if m.start() >= _NEAR), default=len(rest))
    return left, b + right


def snippet(text: str, place: Limit) -> str:
    """A few words around a number, cut at neighbouring numbers and the sentence's ends.

    More words would show the model other numbers, whose role it then mixes up with this one's.
    """
    before, after = neighbors(text, place)
    before = " ".join(before.split()[-5:])
    after = _TRAILING.sub("", " ".join(after.rstrip(" $").split()[:6]))
    glue = "" if before.endswith("$") else " "
    return f"{before}{glue}[{text[place.start : place.end]}] {after}".strip()


def neighbors(text: str, place: Limit) -> tuple[str, str]:
    """Text before and after a place, up to the next number or the sentence's end."""
    start = sentence_start(text, place)
    end = start + len(place.sentence)
    found = quantities(text)
    low = max([start, *(q.end for q in found if q.end <= place.start)])
    high = min([end, *(q.start for q in found if q.start >= place.end)])
    return text[low : place.start], text[place.end : high]


def noun_phrase(text: str, place: Limit, *, joined: bool = False) -> str:
    """The words right after a number that say what is counted.

    `joined` keeps nouns after "and"/"or" ("500 acres for corn and beans"), not a new clause.
    """
    after = neighbors(text, place)[1]
    high = min([len(after), *(cue.start for cue in cues(after))])
    phrase = _PHRASE_ENDS.split(after[:high])[0]
    head, *tail = re.split(r"\s(?:and|or)\s", phrase)
    nouns = [part for part in tail if not CLAUSE.search(part)]
    return " ".join([head, *nouns]) if joined else head


def sides(text: str, place: Limit) -> tuple[str, str]:
    """The clause before and after a comparison; the X of "more X than" counts as before."""
    start = sentence_start(text, place)
    a, b = place.start - start, place.end - start
    before = _SIDE_ENDS.split(place.sentence[:a])[-1]
    after = _SIDE_ENDS.split(place.sentence[b:])[0]
    if place.quantity is None and " " in place.cue:
        return f"{before} {place.sentence[a:b]}", after
    return before, after


def in_dollars(text: str, place: Limit) -> bool:
    """Is the number at a place an amount of money?"""
    return text[max(0, place.start - 1) : place.start] == "$"
