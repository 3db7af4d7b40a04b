"""What a study found.

Lives here: `Result` and `Estimate`: numbers, JSON, one line of text.
Never here: drawing (`opto.search.plots`), pages (`opto.search.page`), how the score is estimated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.cost import Cost
from opto.search.errors import SearchError
from opto.search.ledger import Ledger
from opto.search.task import Applies, Task

if TYPE_CHECKING:
    from opto.search.plots import Plots
    from opto.search.session import Point


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean score with its 95 % interval."""

    mean: float | None
    low: float | None
    high: float | None
    n: int
    """Measurements it rests on."""
    basis: str
    """What was measured, in words."""
    unbiased: bool
    """Were these measurements kept out of the choice?"""

    def __str__(self) -> str:
        if self.mean is None:
            return "no score"
        if self.low is None or self.high is None:
            return f"{self.mean:.3f} (n={self.n})"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """The recommendation of a study, and how it came about."""

    best: Candidate
    estimate: Estimate
    cost: Cost
    """All that was spent, the final score included."""
    stopped: str
    """`finished`, the limits that were used up, or what else ended it."""
    ledger: Ledger
    history: tuple[Point, ...]
    """The state of the search after each step."""
    task: Task = field(compare=False)
    run: str | None = None
    """The name of the run, where it was logged."""
    lost: int = 0
    """Actions in flight when a process was killed; carried out again, so perhaps paid twice."""

    @property
    def score(self) -> float | None:
        """Mean score of the recommendation; see `estimate` for its interval and basis."""
        return self.estimate.mean

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """95 % interval of the score."""
        return self.estimate.low, self.estimate.high

    @property
    def before(self) -> Estimate:
        """The score of the values the search began with."""
        from opto.search.report import started_at  # noqa: PLC0415  (that makes results)

        return started_at(self.ledger)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should not be overlooked: failures in number, with the first note; one line each."""
        from opto.search.warnings import warnings_of  # noqa: PLC0415  (only when looked at)

        return warnings_of(self.ledger, self.stopped)

    @property
    def values(self) -> Mapping[str, JSON]:
        """The values of the recommendation by component."""
        return self.best.values

    @property
    def plot(self) -> Plots:
        """Plots as data and as SVG: `plot.history`, `plot.pareto`, `plot.lineage`."""
        from opto.search.plots import Plots  # noqa: PLC0415  (only when looked at)

        return Plots(self)

    def apply(self) -> None:
        """Write the recommended values into the program's parameters.

        Raises:
            SearchError: The task has no program that could take them.
        """
        if not isinstance(self.task, Applies):
            raise SearchError(
                f"{type(self.task).__name__} has no program to write values into.",
                fix="Use result.values.",
            )
        self.task.apply(self.best)

    def to_json(self) -> dict[str, JSON]:
        return {
            "best": self.best.to_json(),
            "id": self.best.id,
            "score": self.estimate.mean,
            "interval": [self.estimate.low, self.estimate.high],
            "n": self.estimate.n,
            "basis": self.estimate.basis,
            "unbiased": self.estimate.unbiased,
            "stopped": self.stopped,
            "cost": self.cost.to_json(),
            "digest": self.ledger.digest,
            "before": {"score": self.before.mean, "interval": [self.before.low, self.before.high]},
            "warnings": [*self.warnings],
        }

    def __repr__(self) -> str:
        doubt = "" if self.estimate.unbiased else ", biased"
        warned = "".join(f"; warning: {warning}" for warning in self.warnings)
        found = f"{self.estimate}{doubt}; {self.best.id}; {self.cost}; {self.stopped}{warned}"
        return f"Result({found})"

    def _repr_html_(self) -> str:
        from opto.search.page import result_html  # noqa: PLC0415  (only when shown)

        return result_html(self)
