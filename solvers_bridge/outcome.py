"""What a solver answered: why it stopped, what it found, what it proved, what it said.

Lives here: `Stop`, `Outcome` and `Limits`, shared by every backend.
Never here: solver packages, models, files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from threading import Event

    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]


@unique
class Stop(StrEnum):
    """Why the solver stopped. Says nothing about whether there is a point."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible or unbounded"
    TIME_LIMIT = "time limit"
    INTERRUPTED = "interrupted"
    MEMORY_LIMIT = "memory limit"
    NUMERIC = "numeric trouble"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a solver may try; the same words for every backend."""

    time_limit_s: float = 60.0
    """Wall seconds for one solve."""
    mip_gap: float = 0.0
    """Relative gap at which a mixed-integer solve may stop; 0 asks for a proof."""
    threads: int = 1
    seed: int = 0
    interrupt: Event | None = field(default=None, compare=False, repr=False)
    """Set it from another thread, and a solve ends soon with `Stop.INTERRUPTED`."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Answer of one solve. Four questions, four fields: `stop`, `x`, `bound`, `raw_status`."""

    stop: Stop
    x: Floats | None
    """Best feasible point, shape (n,); None when the solver has none."""
    objective: float | None
    """Value at `x` in the model's sense, constant included; None without `x`."""
    bound: float | None
    """Proven limit on the objective in the model's sense, constant included."""
    gap: float | None
    """Relative gap between `objective` and `bound`; None when either is missing."""
    raw_status: str
    """The solver's own words."""
    engine: str
    """Solver and version, e.g. `HiGHS 1.15.1`."""
    seconds: float
    """Wall seconds, loading included."""
    duals: Floats | None
    """Change of the objective per unit of a row's right side, (m,); None for integer models."""
    message: str
    """One sentence for people: what to make of the above."""

    def __repr__(self) -> str:
        """One line."""
        value = "no point" if self.objective is None else f"objective {self.objective:.12g}"
        return f"Outcome({self.stop.value}, {value}, {self.engine}, {self.seconds:.2f} s)"
