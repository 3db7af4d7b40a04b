"""What the text says is to be maximized or minimized.

Lives here: finding the clause of the goal, its direction, and what it may be about.
Never here: calls to a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from opto.modeling.guided.known import ALL, Known
from opto.modeling.guided.lexical import (
    mentions,
    named_measures,
    named_variables,
    shared,
    words,
)
from opto.modeling.guided.text import sentences

_VERB = re.compile(r"maximi[sz]|minimi[sz]|\b(?:reduce|decrease)", re.IGNORECASE)
_NOUN = re.compile(r"\b(?:minimum|maximum)\b(?!\s(?:of\s)?\$?\d)", re.IGNORECASE)
_WORD = re.compile(
    r"\bas (?:much|many|little|few|low|high|large|small)"
    r"|(?<!at )\b(?:lowest|fewest|cheapest|highest|largest|most|least)\b",
    re.IGNORECASE,
)
_UP = re.compile(
    r"maximi[sz]|as (?:much|many|high|large)\b|\b(?:highest|largest|greatest|most|maximum)\b",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"minimi[sz]|as (?:little|few|low|small)\b"
    r"|\b(?:reduce|decrease|lowest|fewest|cheapest|least|minimum)\b",
    re.IGNORECASE,
)
_CLEAR_WORDS = 3
"""Words from the verb on that say enough without what stands before it."""


def goal_quote(text: str) -> str:
    """The clause that states what to maximize or minimize.

    Verbs tell it best, then nouns; other words only where there is neither. The last sentence
    counts first: problems end with the question.
    """
    found = [text[a:b].strip() for a, b in sentences(text)]
    for rule in (_VERB, _NOUN, _WORD):
        for sentence in reversed(found):
            matches = list(rule.finditer(sentence))
            if not matches:
                continue
            start = matches[-1].start()
            if rule is _VERB and len(sentence[start:].split()) >= _CLEAR_WORDS:
                return sentence[start:]
            return sentence[max(0, sentence.rfind(",", 0, start) + 1) :].strip()
    return found[-1]


def goal_sense(text: str) -> str | None:
    """`maximize` or `minimize` when the goal's words say so, else None."""
    said = goal_quote(text)
    up, down = bool(_UP.search(said)), bool(_DOWN.search(said))
    if up == down:
        return None
    return "maximize" if up else "minimize"


def goal_choices(known: Known, limited: Iterable[str]) -> list[str]:
    """Possible objectives: those the goal's words name, all when they name none.

    Args:
        known: The text and its names.
        limited: All comparisons the limits may turn out to be. A measure that none of them holds
            would be there for nothing were it not the objective.
    """
    sense = goal_sense(known.text)
    senses = [sense] if sense else ["maximize", "minimize"]
    names = _named(known) or _unlimited(known, limited)
    names = names or [*known.measures, *known.variables, ALL]
    return [f"{sense} {name}" for sense in senses for name in names]


def _unlimited(known: Known, limited: Iterable[str]) -> list[str]:
    """The only measure that no limit can be about."""
    held = {word for comparison in limited for word in comparison.split()}
    free = [measure for measure in known.measures if measure not in held]
    return free if len(free) == 1 else []


def _named(known: Known) -> list[str]:
    """What the goal's words name: measures first, then a variable, then everything together."""
    said = re.split(r"[.?!]", goal_quote(known.text))[0]
    aim = _VERB.split(said)[-1]
    measures = named_measures(aim, known.measures) or named_measures(said, known.measures)
    if measures:
        return measures
    # "minimize the number of cars" where a variable is called car
    by_name = [
        name for name in named_variables(aim, known.variables) if mentions(aim, set(words(name)))
    ]
    if len(by_name) == 1:
        return by_name
    if re.search(r"\bnumber of\b", said) or mentions(said, shared(known.variables)):
        return [ALL]
    return []
