"""How the engine treats actions, whatever the algorithm.

Lives here: `Rules`.
Never here: settings of algorithms.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from opto.search.canon import JSON
from opto.search.errors import SearchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Timeouts, retries and the share kept for the final score.

    Raises:
        SearchError: A number is out of range.
    """

    seconds: float | None = None
    """Longest time of one action, all its attempts together; then its status is `timeout`.
    Async code is cancelled. A thread cannot be stopped: its result is dropped, its slot is given
    to a new thread, and what it does goes on until it ends by itself."""
    retries: int = 1
    """Further attempts when an evaluation raises, each charged. None on deterministic tasks."""
    report: float = 0.1
    """Share of the budget, 0 to below 1, kept for scoring the recommendation on fresh data."""
    report_calls: int = 100
    """No more metric calls than this, or one per validation example if that is more, are kept."""
    same_failures: int = 10
    """Identical failures in a row that end the run with the first traceback: evaluations only if
    none succeeded so far or if at least three candidates are affected."""

    def __post_init__(self) -> None:
        good = (
            (self.seconds is None or self.seconds > 0)
            and self.retries >= 0
            and 0 <= self.report < 1
            and self.report_calls >= 0
            and self.same_failures >= 1
        )
        if not good:
            raise SearchError(
                "A rule is out of range.", where=str(self), fix="See the docstring of Rules."
            )

    def to_json(self) -> dict[str, JSON]:
        return asdict(self)
