"""The two records of an evaluation: a problem with its accepted answers, and what came of it.

Lives here: `Item` and `ItemResult` with their JSON; what loaders make, the runner writes, scoring
fills in and reports read.
Never here: reading data sets, comparing answers, running anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeAlias

Labels: TypeAlias = Literal["agreed", "disputed"]
"""Do independent sources of the same text give the same answer?"""
STATUSES = ("optimal", "infeasible", "unbounded", "not solved", "no model", "no answer")
"""`not solved`: a model was made and has no proved answer; `no model`: the reply could not be read
as one; `no answer`: the language model refused, was cut off or gave nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One problem of a data set."""

    id: str
    """Unique within its set."""
    set: str
    question: str
    accepted: tuple[str, ...]
    """Every answer that counts as right, as printed: numbers such as `12.50`, `infeasible`,
    `unbounded`. Empty: the source has none, so nothing can be right."""
    kind: str | None = None
    """What the source calls it, such as `linear-table`."""
    labels: Labels | None = None
    overlap: tuple[str, ...] = ()
    """Other problems with the same normalised text, as `set/id`."""
    gold_model: Mapping[str, Any] | None = None
    """Matrix form where one is known: `vars`, `sense` (max or min), `c`, and `rows` of `coef`,
    `op` (<=, >=, =), `rhs`, `strict`. Optional: `offset`, and `domain` (integer or real, for all or
    one per variable), without which whole numbers are not compared."""
    tables: tuple[str, ...] = ()
    """Paths of CSV files the question speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """One sample of one problem: answered, scored, and what it took. An event of the run."""

    id: str
    set: str
    sample: int
    """Which of several tries on the same problem, from 0."""
    accepted: tuple[str, ...]
    status: str
    """One of `STATUSES`."""
    answer: float | str | None
    """The solver's objective, `infeasible`, `unbounded`, or None."""
    strict: bool
    main: bool
    """The headline verdict."""
    lenient: bool
    error: str | None = None
    """Class of the error where `main` is false and there is a gold answer; see `scoring`."""
    why: str = ""
    findings: tuple[Mapping[str, str], ...] = ()
    """What the checks said: `code`, `path`, `message`."""
    kind: str | None = None
    labels: Labels | None = None
    overlap: tuple[str, ...] = ()
    pipeline: str = ""
    repairs: int = 0
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: str | None = None
    """Decimal as text; None where the price of a call is unknown."""
    seconds: float = 0.0
    """Wall time, model calls included."""
    span: str = ""
    """The events of the run with this span are its transcript."""
    declarations: Mapping[str, int] | None = None
    """NL4OPT's declaration-level counts `errors` and `declared`; None without a gold model."""
    same_model: bool | None = None
    """Is the model equivalent to the gold model? None without one."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further facts of a scorer, by name."""

    def to_json(self) -> dict[str, Any]:
        """All but the span, which the event has."""
        return {name: value for name, value in asdict(self).items() if name != "span"}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ItemResult:
        """The record `to_json` wrote; fields of later versions are left out."""
        known = {f.name for f in fields(cls)}
        kept = {name: value for name, value in data.items() if name in known}
        for name in ("accepted", "findings", "overlap"):
            kept[name] = tuple(kept.get(name) or ())
        return cls(**kept)
