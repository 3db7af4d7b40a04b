"""A model in the short form the conversation arrives at, and the same as a full draft.

Lives here: comparisons over measures, and writing them out over the variables.
Never here: calls to a model, judging a sketch (`checks`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from opto.modeling.draft import Draft, DraftConstraint, DraftObjective, DraftVariable
from opto.modeling.guided.comparisons import JOIN, NONE
from opto.modeling.guided.goal import goal_quote
from opto.modeling.guided.known import ALL, Known
from opto.modeling.guided.naming import asks_for_whole, is_whole, measured_in
from opto.modeling.guided.places import in_dollars, show, words_behind
from opto.modeling.guided.table import Entry, sums
from opto.modeling.guided.text import Limit
from solvers_bridge.ir.model import Relation

_SENSE = re.compile(r" (<=|>=|=|<|>) ")
_WORD = re.compile(r"\b[a-zA-Z]\w*")
_NAME = re.compile(r"(?<![\w.])\w+")
_RELATION: Mapping[str, Relation] = {"<=": "<=", ">=": ">=", "=": "==", "<": "<", ">": ">"}
_SAID: Mapping[Relation, str] = {
    "<=": "at most",
    ">=": "at least",
    "==": "exactly",
    "<": "less than",
    ">": "more than",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One limit; both sides are algebra over variables, measures and `count`."""

    place: Limit
    left: str
    relation: Relation
    right: str

    @property
    def names(self) -> set[str]:
        """The names on both sides."""
        return set(_WORD.findall(f"{self.left} {self.right}"))

    @property
    def meaning(self) -> str:
        """The comparison in words: vase at least 0.25 of all."""
        return f"{_spoken(self.left)} {_SAID[self.relation]} {_spoken(self.right)}"

    @property
    def name(self) -> str:
        """What to call it: clay_at_most, van_more_than_truck."""
        right = "_".join(name for name in _WORD.findall(self.right) if name != ALL)
        left = "all" if self.left == ALL else self.left.replace(" + ", "_and_")
        parts = [left, _SAID[self.relation].replace(" ", "_"), right]
        return "_".join(part for part in parts if part)[:60]


def read_answer(place: Limit, answer: str) -> list[Comparison]:
    """The comparisons of an answer to a limit question; none when it states no limit."""
    if answer == NONE:
        return []
    found = []
    for part in answer.split(JOIN):
        left, sense, right = _SENSE.split(part, maxsplit=1)
        found.append(Comparison(place, left, _RELATION[sense], right))
    return found


@dataclass(frozen=True, slots=True)
class Sketch:
    """A model of a few variables without sets."""

    known: Known
    entries: tuple[Entry, ...]
    """The table of numbers."""
    goal: str
    """`maximize NAME` or `minimize NAME`."""
    limits: tuple[Comparison, ...]

    @property
    def objective(self) -> str:
        """Name of the measure or variable to be optimized, or `count`."""
        return self.goal.partition(" ")[2]

    @property
    def totals(self) -> dict[str, dict[str, Fraction]]:
        """Each measure's sum: measure to variable to coefficient."""
        return sums(self.entries)

    def draft(self) -> Draft:
        """The sketch over the variables alone, with the words behind each part."""
        return Draft(
            sets=[],
            parameters=[],
            variables=[*self._variables()],
            objective=self._objective(),
            constraints=[*self._constraints()],
            assumptions=[],
        )

    def _variables(self) -> Iterator[DraftVariable]:
        text = self.known.text
        for name, meaning in self.known.variables.items():
            whole = is_whole(meaning, text)
            why = "counted in pieces" if whole else "can be divided"
            yield DraftVariable(
                name=name,
                meaning=meaning,
                index=[],
                why_domain="the text asks for whole numbers" if asks_for_whole(text) else why,
                domain="integer" if whole else "real",
                lower=0,
                upper=None,
                unit=measured_in(meaning),
            )

    def _objective(self) -> DraftObjective:
        name = self.objective
        paid = any(
            entry.measure == name and in_dollars(self.known.text, entry.place)
            for entry in self.entries
        )
        return DraftObjective(
            quote=goal_quote(self.known.text),
            meaning="all together" if name == ALL else _spoken(name),
            sense="max" if self.goal.startswith("max") else "min",
            expr=self._written_out(name, inside=False),
            unit="$" if paid else None,
        )

    def _constraints(self) -> Iterator[DraftConstraint]:
        taken: set[str] = set()
        for limit in self.limits:
            name, number = limit.name, 1
            while name in taken:
                number += 1
                name = f"{limit.name}_{number}"
            taken.add(name)
            yield DraftConstraint(
                quote=words_behind(self.known.text, limit.place),
                meaning=limit.meaning,
                name=name,
                kind="stated",
                forall="",
                lhs=self._written_out(limit.left, inside=False),
                relation=limit.relation,
                rhs=self._written_out(limit.right, inside="*" in limit.right),
            )

    def _written_out(self, algebra: str, *, inside: bool) -> str:
        """`algebra` over variables alone; sums get brackets `inside` a product."""
        totals = self.totals

        def meant(match: re.Match[str]) -> str:
            name = match[0]
            if name == ALL:
                form = " + ".join(self.known.variables)
            elif name in totals and name not in self.known.variables:
                form = " + ".join(f"{show(c)}*{v}" for v, c in totals[name].items())
            else:
                return name
            return f"({form})" if inside else form

        return _NAME.sub(meant, algebra)


def _spoken(algebra: str) -> str:
    """Algebra in words."""
    if algebra == ALL:
        return "all together"
    words = algebra.replace(f"*{ALL}", " of all").replace("*", " times ").replace(" + ", " and ")
    return words.replace("_", " ")
