"""Where a word problem states limits: sentences, comparison words, and the numbers they govern.

Lives here: rules that find every place a limit may be stated, and the direction its words give.
Never here: calls to a model, reading numbers (`quantities`), deciding what is limited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from opto.modeling.quantities import Quantity, quantities

_CANNOT_BE = r"(?:cannot|can not|can't|must not|should not) be"
_NOT = (
    r"(?:cannot|can not|can't|must not|should not|could not|may not|do not|does not|not|never)"
    r"(?: \w+){0,3} "
)
"""A negation up to three words before a comparison turns it: "cannot make more than"."""
_CUES = {
    "<=": (
        r"(?:less|fewer|smaller) than or equal to",
        r"at most",
        r"at maximum",
        r"(?:a )?maximum of",
        r"maximum(?=\s\d)",
        r"no (?:more|greater|larger) than",
        r"not (?:be )?(?:more|larger|greater) than",
        r"(?:cannot|can not|can't|must not|should not|does not|do not|not) exceed",
        _CANNOT_BE + r" (?:more|larger|greater|higher) than",
        r"not to exceed",
        r"(?:without|not) exceeding",
        r"limits? (?:[\w'-]+ ){1,9}?to(?: only)?",
        r"up to",
        r"or (?:less|fewer)\b",
        r"limited to",
        r"(?:upper |a )?limit of",
        r"budget of",
        r"capacity of",
        r"a total of only",
        r"only",
        _NOT + r"(?:more|larger|greater|higher|bigger)(?: [\w-]+){0,2} than",
    ),
    ">=": (
        r"(?:greater|more|larger) than or equal to",
        r"at least",
        r"at the very least",
        r"(?:a )?minimum of",
        r"minimum(?=\s\d)",
        r"no (?:less|fewer) than",
        r"not (?:be )?(?:less|fewer) than",
        _CANNOT_BE + r" (?:less|fewer) than",
        r"or more\b",
        r"lower limit of",
        r"not fall below",
        r"demands? (?:of|for)",
        _NOT + r"(?:less|fewer|smaller|lower)(?: [\w-]+){0,2} than",
    ),
    ">": (
        r"(?<!times )more(?: [\w-]+){0,3} than",
        r"(?:larger|greater|higher|bigger) than",
        r"exceeds?",
        r"outnumber",
    ),
    "<": (
        r"(?:less|fewer)(?: [\w-]+){0,3} than",
        r"(?:smaller|lower) than",
        r"below",
        r"under(?=\s\$?\d)",
    ),
}
"""Direction to its phrases, read in this order: weak forms hold the words of strict ones."""
_GROUPS = {f"sense{index}": sense for index, sense in enumerate(_CUES)}
_CUE = re.compile(
    r"\b(?:"
    + "|".join(f"(?P<{group}>{'|'.join(_CUES[sense])})" for group, sense in _GROUPS.items())
    + ")",
    re.IGNORECASE,
)
_TRAILING = ("or more", "or less", "or fewer")
"""The only comparisons that stand after their number: "40 or more"."""
_NOT_FIRM = ("only", "up to")
"""Words that also describe what things can do: "a van carries up to 9 boxes"."""
_NEAR = 25
"""Most characters between a number and "or more" after it."""
_CLOSE_BY = 45
"""Most characters between a comparison and the number it governs; more is another thought."""

_PER_UNIT = re.compile(
    r"\b(?:each|every|per|takes?|requires?|uses?|contains?|costs?|needs?|earns?|profits?|while"
    r"|whereas|carry|carries|holds?|can)\b",
    re.IGNORECASE,
)
"""Words after which a number says what one unit takes or gives, so it is no limit."""
CLAUSE = re.compile(
    r"\b(?:they|it|he|she|there|which|that|have|has|is|are|must|should)\b", re.IGNORECASE
)
"""Words that begin a new statement; a comparison does not reach past one over "and"."""
_JOINT = re.compile(r"\band\b|,|\bor\b")
_SENTENCE_END = re.compile(r"(?<=[a-zA-Z\d%)][.?!;])\s+(?=[A-Z\"(])|\n+")
_ABBREVIATIONS = ("Mr.", "Dr.", "Mrs.", "sq.", "St.")
_ZERO = re.compile(r"\s*(?:0|zero)\b")
_COMPARES = re.compile(r"exceed|than")
"""Weak comparisons that need no number ("not exceed the number of vans"); "at most" needs one."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A comparison phrase and its direction."""

    start: int
    end: int
    sense: str
    text: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A place which seems to state a limit: a number, or a comparison without one."""

    start: int
    end: int
    sentence: str
    quantity: Quantity | None
    sense: str | None
    """What the comparison words say: <=, >=, < or >; None when there are none."""
    cue: str
    """The comparison words as written, or nothing."""

    @property
    def number(self) -> Quantity:
        """The quantity of a place that has one.

        Raises:
            ValueError: The place compares without a number.
        """
        if self.quantity is None:
            raise ValueError(f"{self.cue!r} compares without a number")
        return self.quantity

    @property
    def firm(self) -> bool:
        """Do the comparison words alone show that a limit is stated ("only" does not)?"""
        soft = self.quantity is not None and self.quantity.soft
        return self.sense is not None and self.cue.lower() not in _NOT_FIRM and not soft


def cues(text: str) -> list[Cue]:
    """Every comparison phrase of `text` in order."""
    return [
        Cue(match.start(), match.end(), _GROUPS[str(match.lastgroup)], match.group())
        for match in _CUE.finditer(text)
    ]


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of every sentence; a line break ends one too, a title ("Mr.") does not."""
    found, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if text.endswith(_ABBREVIATIONS, 0, match.start()):
            continue
        if text[start : match.start()].strip():
            found.append((start, match.start()))
        start = match.end()
    if text[start:].strip():
        found.append((start, len(text)))
    return found


def limits(text: str) -> list[Limit]:
    """Every number (with the comparison that governs it, if any) and every bare comparison.

    Soft counts without a comparison are left out: they state nothing.
    """
    numbers, phrases = quantities(text), cues(text)
    found: list[Limit] = []
    for start, end in sentences(text):
        sentence = _Sentence(
            text,
            start,
            end,
            tuple(number for number in numbers if start <= number.start < end),
            tuple(phrase for phrase in phrases if start <= phrase.start < end),
        )
        found += sentence.limits()
    return sorted(found, key=lambda limit: limit.start)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """One sentence of `text` with what was found in it; positions are those of the whole text."""

    text: str
    start: int
    end: int
    numbers: tuple[Quantity, ...]
    phrases: tuple[Cue, ...]

    def limits(self) -> Iterator[Limit]:
        words = self.text[self.start : self.end].strip()
        used: set[Cue] = set()
        for number in self.numbers:
            cue = self.governing(number)
            if cue:
                used.add(cue)
                yield Limit(number.start, number.end, words, number, cue.sense, cue.text)
            elif not number.soft:
                yield Limit(number.start, number.end, words, number, None, "")
        for cue in self.phrases:
            if cue not in used and self.compares_alone(cue):
                yield Limit(cue.start, cue.end, words, None, cue.sense, cue.text)

    def governing(self, number: Quantity) -> Cue | None:
        """The comparison for `number`: "or more" after it, right before it, or shared over "and".

        Shared: in "at most 30 vans and 20 cars" the words "at most" govern both numbers.
        """
        for cue in self.phrases:
            if cue.text.lower() in _TRAILING and 0 <= cue.start - number.end < _NEAR:
                return cue
        before = [cue for cue in self.phrases if cue.end <= number.start]
        if not before:
            return None
        cue = before[-1]
        between = [p for p in self.numbers if cue.end <= p.start and p.end <= number.start]
        hard = [p for p in between if not p.soft]
        gap = self.text[hard[-1].end if hard else cue.end : number.start]
        if _PER_UNIT.search(gap):
            return None
        if not hard:
            return cue if len(gap) < _CLOSE_BY else None
        shared = _JOINT.search(gap) and not CLAUSE.search(gap)
        return cue if shared and self.governing(hard[-1]) is cue else None

    def compares_alone(self, cue: Cue) -> bool:
        """Does `cue` compare two amounts without a number ("more vans than cars")?

        "Greater than 0" does not: that amounts are not negative goes without saying.
        """
        if _ZERO.match(self.text, cue.end):
            return False
        return cue.sense in ("<", ">") or bool(_COMPARES.search(cue.text))
