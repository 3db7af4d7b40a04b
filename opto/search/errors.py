"""Errors of the search: what happened, where, and how to fix it.

Lives here: every exception the engine raises. What an evaluation or a model does wrong is a status
in the ledger, not one of these.
Never here: imports of the package.
"""

from __future__ import annotations

from typing import ClassVar

from opto.errors import OptoError


class SearchError(OptoError):
    """Something about the search cannot be done as asked."""

    code: ClassVar[str] = "opto.search"


class BudgetError(SearchError, ValueError):
    """A budget without a limit, or a limit that is no amount."""

    code = "opto.search.budget"


class CandidateError(SearchError, ValueError):
    """The values of a candidate are not JSON, or not those of the task's components."""

    code = "opto.search.candidate"


class AlgorithmError(SearchError):
    """The algorithm raised, or asked for or returned something that cannot be; names the step."""

    code = "opto.search.algorithm"


class EvaluationError(SearchError):
    """The user's code fails in the same way every time; `first` is the first traceback."""

    code = "opto.search.evaluation"

    def __init__(self, what: str, *, where: str = "", fix: str = "", first: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.first = first


class ResumeError(SearchError):
    """The recorded run is another one: `differences` has (path, recorded, given)."""

    code = "opto.search.resume"

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        fix: str = "",
        differences: tuple[tuple[str, object, object], ...] = (),
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.differences = differences


class UnknownOptimizerError(SearchError, LookupError):
    """No optimizer has this name; a near miss is named."""

    code = "opto.search.unknown_optimizer"


class StudyHalted(BaseException):
    """Raised by a task or a proposer when going on is of no use: no key, no credit, no server.

    The study ends as after Ctrl-C: other actions may finish, this one is not logged as a result,
    and a resumed study carries it out again. The cause is `__cause__`.
    """


class StudyInterrupted(KeyboardInterrupt):
    """Ctrl-C: everything finished so far is logged; `fix` says how to go on."""

    code = "opto.search.interrupted"

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__("\n".join(part for part in (what, where, fix) if part))
