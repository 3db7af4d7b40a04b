"""The optimization model as data: what a modeller wrote, before any solver sees it.

Lives here: the pydantic types of the intermediate representation (IR) and its JSON schema.
Never here: parsing of expressions, number crunching, solvers, language models.

Structure and numbers are apart: `sets`, `parameters`, `variables`, `constraints` and `objective`
say what the model is; `data` holds the numbers and can be replaced without touching the rest
(`Model.model_copy(update={"data": ...})`). Expressions are strings in a small grammar
(`solvers_bridge.ir.expression`), so the JSON schema is flat: every object closed, every property
required, no recursion. That is what strict structured output of model servers accepts. In Python,
what can be left unsaid has a default; the bounds of a variable cannot.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
Number = int | float
Key = str | int
Domain = Literal["real", "integer", "binary"]
Relation = Literal["<=", "<", "==", ">=", ">"]
Sense = Literal["min", "max", "satisfy"]
Kind = Literal["stated", "implied", "bound", "definition"]


class Part(BaseModel):
    """Base of all IR types: frozen, unknown keys refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class IndexSet(Part):
    """What indices run over: `elements`, or `first` to `last`, or tuples of other sets."""

    name: Name
    elements: list[Key] | None = None
    """The elements in order, for a list set."""
    first: int | None = None
    """First integer of a range such as periods 1..12."""
    last: int | None = None
    """Last integer of the range, included."""
    tuples_of: list[Name] | None = None
    """Names of the sets (lists or ranges) of whose product `rows` or `where` picks a part."""
    rows: list[list[Key]] | None = None
    """The tuples themselves, one key per set in `tuples_of`."""
    where: str | None = None
    """Or a condition over `i0, i1, ...` of the product, e.g. `i0 != i1`."""
    meaning: str = ""
    quote: str = ""
    """The words of the problem behind this item; empty when nothing there says it."""


class Parameter(Part):
    """A known number, or one per key of its index sets. Its values are in `Model.data`."""

    name: Name
    index: list[Name] = []
    unit: str | None = None
    meaning: str = ""
    quote: str = ""


class Variable(Part):
    """A decision: one number to choose per key of its index sets."""

    name: Name
    index: list[Name] = []
    domain: Domain
    why_domain: str = ""
    """Why it must, or need not, be whole."""
    lower: Number | str | None
    """Number, or expression over parameters and `i0, i1, ...`; None says there is no bound."""
    upper: Number | str | None
    unit: str | None = None
    meaning: str = ""
    quote: str = ""


class Constraint(Part):
    """One row per key of `forall`: `lhs relation rhs`. Strict relations are kept as written."""

    name: Name
    forall: str = ""
    """Index clauses, e.g. `i in I for t in T if t >= 2`; empty for a single row."""
    lhs: str
    relation: Relation
    rhs: str
    kind: Kind = "stated"
    unit: str | None = None
    meaning: str = ""
    quote: str = ""


class Objective(Part):
    """What is to be minimized or maximized; `satisfy` has the expression `0`."""

    sense: Sense
    expr: str
    unit: str | None = None
    meaning: str = ""
    quote: str = ""


class Assumption(Part):
    """A reading of the text that another reader might not share."""

    text: str
    quote: str = ""
    alternatives: list[str] = []
    """Other readings, in words; the model follows `text`."""


class Cell(Part):
    """One value of a sparse parameter."""

    key: list[Key]
    value: Number


class Values(Part):
    """The numbers of one parameter: `dense` (row-major over its index sets) or `cells`."""

    parameter: Name
    dense: list[Number] | None = None
    cells: list[Cell] | None = None
    default: Number | None = None
    """Value of keys that `cells` leaves out; None makes a missing key an error."""


class Model(Part):
    """A linear or mixed-integer model with its numbers; see the module docstring."""

    ir_version: Literal["1"] = "1"
    name: str
    sets: list[IndexSet] = []
    parameters: list[Parameter] = []
    variables: list[Variable]
    constraints: list[Constraint]
    objective: Objective
    assumptions: list[Assumption] = []
    data: list[Values] = []


def model_schema() -> dict[str, Any]:
    """JSON schema of `Model`, closed and flat, for strict structured output."""
    return Model.model_json_schema(mode="serialization")
