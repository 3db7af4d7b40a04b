"""The candidate: one value for each component of what is optimized.

Lives here: `Candidate` and its identity rule.
Never here: scores (the ledger has them), how candidates are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from opto.search.canon import JSON, clean, digest
from opto.search.errors import CandidateError
from traces.errors import EventError


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Values by component. Same values = same candidate, whoever made it and from what.

    Raises:
        CandidateError: A value is not JSON.
    """

    values: Mapping[str, JSON]
    """Component name to value; read only."""
    parents: tuple[str, ...] = ()
    """Ids of the candidates it was made from."""
    op: str = "seed"
    """How it was made: `seed`, `rewrite`, `merge`, ..."""
    id: str = field(init=False)
    """16 hexadecimal digits of BLAKE2b of the canonical JSON of `values` alone."""

    def __post_init__(self) -> None:
        try:
            values = clean(self.values, where="values")
        except EventError as error:
            raise CandidateError(
                f"The values of a candidate must be JSON: {error.what}",
                where=error.where,
                fix="Use text, numbers, booleans, None, lists and dicts with text keys.",
            ) from error
        if not isinstance(values, dict):
            raise CandidateError(
                f"The values of a candidate are a mapping, not {type(self.values).__name__}.",
                fix='Give one value per component: {"prompt": "..."}.',
            )
        object.__setattr__(self, "values", MappingProxyType(values))
        object.__setattr__(self, "parents", tuple(self.parents))
        object.__setattr__(self, "id", digest(values))

    def edited(self, changes: Mapping[str, JSON], *, op: str) -> Candidate:
        """A child of this candidate with some components changed."""
        return Candidate({**self.values, **changes}, (self.id,), op)

    def to_json(self) -> dict[str, JSON]:
        return {"values": dict(self.values), "parents": list(self.parents), "op": self.op}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Candidate:
        return cls(data["values"], tuple(data.get("parents", ())), data.get("op", "seed"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidate) and self.id == other.id

    def __hash__(self) -> int:
        return int(self.id, 16)

    def __getstate__(self) -> dict[str, Any]:
        return self.to_json()

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        for name in ("values", "parents", "op"):
            object.__setattr__(self, name, state[name])
        self.__post_init__()

    def __repr__(self) -> str:
        return f"Candidate({self.id}, {self.op}, {', '.join(self.values)})"
