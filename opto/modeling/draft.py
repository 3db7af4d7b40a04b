"""The model as a language model writes it, and its translation into the IR.

Lives here: the types asked for in structured output. Never here: prompts, calls, translation into
the IR (`opto.modeling.bind`).

A draft differs from the IR where writing it out would cost a model tokens or invite mistakes: each
parameter carries its few numbers itself, or names the table column that holds them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from solvers_bridge.ir.model import Domain, Key, Kind, Name, Number, Relation, Sense

ColumnName = Annotated[str, Field(pattern=r"^[^.]+\..+$")]


class DraftPart(BaseModel):
    """Base of the draft types: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DraftSet(DraftPart):
    """What indices run over: elements, or the integers `first` to `last`, or a table column."""

    name: Name
    elements: list[Key]
    first: int | None
    last: int | None
    column: ColumnName | None
    """`table.column` whose distinct values are the elements."""
    meaning: str


class DraftParameter(DraftPart):
    """A known number per key: `values` row-major over the index sets, or a table column."""

    name: Name
    index: list[Name]
    values: list[Number]
    column: ColumnName | None
    """`table.column` with the numbers; the sets in `index` must come from the same table."""
    unit: str | None
    meaning: str
    quote: str


class DraftVariable(DraftPart):
    """A decision."""

    name: Name
    meaning: str
    """What it counts or measures, in the problem's own nouns."""
    index: list[Name]
    why_domain: str
    domain: Domain
    lower: Number | None
    upper: Number | None
    unit: str | None


class DraftObjective(DraftPart):
    """What is optimized."""

    quote: str
    meaning: str
    sense: Sense
    expr: str
    unit: str | None


class DraftConstraint(DraftPart):
    """One rule of the text: `lhs relation rhs` for every key of `forall`."""

    quote: str
    """The words of the problem that say it; empty if it only follows from the situation."""
    meaning: str
    name: Name
    kind: Kind
    forall: str
    lhs: str
    relation: Relation
    rhs: str


class DraftAssumption(DraftPart):
    """A reading another reader might not share."""

    quote: str
    text: str
    alternatives: list[str]


class Draft(DraftPart):
    """A whole model, as asked for in one structured answer."""

    sets: list[DraftSet]
    parameters: list[DraftParameter]
    variables: list[DraftVariable]
    objective: DraftObjective
    constraints: list[DraftConstraint]
    assumptions: list[DraftAssumption]
