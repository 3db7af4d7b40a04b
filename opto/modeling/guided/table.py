"""What each number of the text is: an amount per unit of a variable, or an amount in total.

Lives here: the table of numbers as the model fills it in, its grammar, and what follows from it.
Never here: numbers that comparison words govern (`comparisons`), calls to a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from keyword import iskeyword

from opto.modeling.guided.directions import AT_HAND, direction, rest_of_clause
from opto.modeling.guided.known import ALL
from opto.modeling.guided.lexical import (
    distinctive,
    mentions,
    named_variables,
    same,
    shared,
    stem,
    vocabulary,
    words,
)
from opto.modeling.guided.places import as_listed, noun_phrase, sentence_start
from opto.modeling.guided.text import Limit

_LINE = re.compile(r"(\S+) ([a-z_]+) (?:per (\w+)|in total)")
_CLAUSE_STARTS = re.compile(r"[;.]\s|,\s|\s(?:while|whereas|but)\s")
_PER_OR_MOTION = re.compile(r"\b(?:per|each|every|to|from|in)\b")
_PER_UNIT_VERB = re.compile(
    r"\b(?:costs?|requires?|takes?|uses?|contains?|needs?|produces?|earns?|makes?|holds?|carry"
    r"|carries|generates?|creates?|provides?|sells? for"
    r"|can (?:hold|carry|transport|make|produce|process|bring|take))\b",
    re.IGNORECASE,
)
_WORDS_IN_NAME = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One number of the table."""

    place: Limit
    measure: str
    """What the number measures: clay."""
    variable: str | None
    """The variable of one unit of which it is the amount; None for an amount in total."""

    @property
    def line(self) -> str:
        """The entry as the model writes it."""
        role = "in total" if self.variable is None else f"per {self.variable}"
        return f"{as_listed(self.place.number)} {self.measure} {role}"


def alternatives(items: Iterable[str]) -> str:
    """The right side of a grammar rule: one of `items`, literally."""
    return " | ".join(f'"{item}"' for item in items)


def table_grammar(text: str, places: Sequence[Limit], variables: Mapping[str, str]) -> str:
    """One line per number; where the words decide the role, only the measure's name is free.

    The numbers are in the grammar, so none can be lost, invented or misspelled.
    """
    lines = []
    for place in places:
        role = _role(text, place, variables)
        tail = f'" {role}"' if role else "role"
        lines.append(f'"{as_listed(place.number)} " word {tail}')
    return "\n".join(
        [
            "root ::= " + ' "\\n" '.join(lines),
            'role ::= " per " var | " in total"',
            f"var ::= {alternatives(variables)}",
            "word ::= [a-z] [a-z_]{1,17}",
        ]
    )


def _role(text: str, place: Limit, variables: Mapping[str, str]) -> str | None:
    """What the words around a number decide about its role, None when they leave it open.

    "available" makes it a total; "a <variable> costs/takes/holds" makes it an amount per variable.
    """
    start = sentence_start(text, place)
    clause = _CLAUSE_STARTS.split(text[start : place.start])[-1]
    if AT_HAND.search(rest_of_clause(text, place)) or re.search(r"\bavailable\b", clause):
        return "in total"
    verb = _PER_UNIT_VERB.search(clause)
    named = named_variables(clause, variables)
    if verb and len(named) == 1 and named_variables(clause[: verb.start()], variables) == named:
        return f"per {named[0]}"
    if direction(text, place) and not mentions(place.sentence, _words_of(variables)):
        return "in total"  # "The clinic has 40 beds": nothing here is per variable
    return None


def _words_of(variables: Mapping[str, str]) -> set[str]:
    """Words that speak of the variables, alone or together."""
    return set().union(*distinctive(variables).values()) | shared(variables)


def read_table(
    reply: str, text: str, *, places: Sequence[Limit], variables: Mapping[str, str]
) -> list[Entry]:
    """The model's table, with measures renamed where their names would clash.

    Raises:
        ValueError: The reply does not have one line of the right form for every number.
    """
    lines = reply.split("\n")
    if len(lines) != len(places):
        raise ValueError(f"{len(lines)} lines for {len(places)} numbers")
    entries = []
    for line, place in zip(lines, places, strict=True):
        match = _LINE.fullmatch(line)
        if match is None or match[1] != as_listed(place.number):
            raise ValueError(f"{line!r} does not say what {as_listed(place.number)} is")
        if match[3] is not None and match[3] not in variables:
            raise ValueError(f"{match[3]!r} is not a variable")
        entries.append(Entry(place, match[2], match[3]))
    return _distinct(entries, text, variables)


def _distinct(entries: Sequence[Entry], text: str, variables: Mapping[str, str]) -> list[Entry]:
    """Rename a measure that would hold two numbers of one variable ("grams" of milk and of honey).

    The name then comes from the words after each number, without the shared unit. Names of
    variables are no names of measures, nor are Python's own words.
    """
    seen: dict[tuple[str, str], int] = {}
    for entry in entries:
        if entry.variable is not None:
            key = entry.measure, entry.variable
            seen[key] = seen.get(key, 0) + 1
    clashing = {measure for (measure, _), times in seen.items() if times > 1}
    by_stem: dict[str, str] = {}  # "guest" and "guests" are one measure
    out = []
    for entry in entries:
        measure = entry.measure
        if measure in clashing:
            after = words(noun_phrase(text, entry.place))
            extra = [word for word in after if not same(word, measure) and word != "available"]
            measure = "_".join(extra[:_WORDS_IN_NAME]).lower() or measure
        while measure in variables or measure == ALL or iskeyword(measure):
            measure += "_amount"  # protein of "protein bars"
        measure = by_stem.setdefault("_".join(map(stem, measure.split("_"))), measure)
        out.append(replace(entry, measure=measure))
    return out


def sums(entries: Iterable[Entry]) -> dict[str, dict[str, Fraction]]:
    """Each measure's sum over the variables: measure to variable to coefficient."""
    totals: dict[str, dict[str, Fraction]] = {}
    for entry in entries:
        if entry.variable is not None:
            totals.setdefault(entry.measure, {})[entry.variable] = entry.place.number.value
    return totals


def measure_words(
    text: str, entries: Iterable[Entry], variables: Mapping[str, str]
) -> dict[str, set[str]]:
    """Each measure's words, so that "amount of rice" finds the measure "kg" (of rice)."""
    phrases: dict[str, list[str]] = {}
    for entry in entries:
        if entry.variable is not None:
            phrase = _PER_OR_MOTION.split(noun_phrase(text, entry.place))[0]
            phrases.setdefault(entry.measure, []).append(phrase)
    owned = _words_of(variables)
    return {
        measure: (set(words(measure)) - {"amount"})
        | {word for word in found if not any(same(word, o) for o in owned)}
        for measure, found in vocabulary(phrases).items()
    }
