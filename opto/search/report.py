"""The score a user sees: on data that did not choose the recommendation.

Lives here: which measurements are made for it, the estimate and its interval.
Never here: running, showing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from opto.search.actions import Evaluate
from opto.search.batch import Batch
from opto.search.folds import Moments
from opto.search.result import Estimate, Result
from opto.search.results import Rollout
from opto.search.streams import stream

if TYPE_CHECKING:
    from opto.search.session import Session

FRESH_REPS = "fresh repetitions on the validation examples"
FRESH_EXAMPLES = "validation examples it was not measured on before"
SEEN = "the measurements it was chosen by, so it is likely too high"
NOTHING = "nothing: it was never measured"


@dataclass(frozen=True, slots=True)
class _Plan:
    actions: tuple[Evaluate, ...]
    basis: str


def report_actions(session: Session) -> tuple[Evaluate, ...]:
    """The measurements for the final score; as many of them are made as the kept share allows.

    Where repetitions differ they are new repetitions, each example once before any twice; where
    they do not, examples the recommendation was not measured on.
    """
    return _plan(session).actions


def scored(session: Session, report: Batch | None, *, stopped: str) -> Result:
    """The result of a study; without a recommendation, the best so far."""
    ledger = session.ledger
    best = session.best
    if best is None:
        ranked = ledger.ranked(at_least=2) or ledger.ranked() or ledger.ranked("train")
        best = ledger.candidates[ranked[0]] if ranked else session.task.seed
    fresh = [] if report is None else [r for r in report.results() if isinstance(r, Rollout)]
    scores = [rollout.score for rollout in fresh if rollout.score is not None]
    if scores:
        session_basis = FRESH_EXAMPLES if session.task.deterministic else FRESH_REPS
        estimate = estimated(scores, basis=session_basis, unbiased=True)
    else:
        split = "val" if ledger.n(best.id) else "train"
        seen = [r.score for r in ledger.rollouts(best.id) if r.split == split]
        known = [score for score in seen if score is not None]
        estimate = estimated(known, basis=SEEN if known else NOTHING, unbiased=False)
    return Result(
        best=best,
        estimate=estimate,
        cost=ledger.spent,
        stopped=stopped,
        ledger=ledger,
        history=tuple(session.history),
        task=session.task,
        run=session.journal.run if session.journal.durable else None,
        lost=session.journal.past.lost,
    )


def _plan(session: Session) -> _Plan:
    best, size = session.best, session.size("val")
    left = session.report_meter.left()
    if best is None or session.rules.report == 0 or not size:
        return _Plan((), NOTHING)
    most = max(session.rules.report_calls, size)
    wanted = most if left.metric is None else min(most, left.metric)
    order = list(range(size))
    stream(session.seed, "report").shuffle(order)
    if session.task.deterministic:
        seen = session.ledger.example_means(best.id)
        unseen = [example for example in order if example not in seen]
        return _Plan(tuple(Evaluate(best, example) for example in unseen[:wanted]), FRESH_EXAMPLES)
    first = session.ledger.max_rep() + 1
    slots = [(order[i % size], first + i // size) for i in range(wanted)]
    return _Plan(tuple(Evaluate(best, example, "val", rep) for example, rep in slots), FRESH_REPS)


def estimated(scores: Sequence[float], *, basis: str, unbiased: bool) -> Estimate:
    """Mean and 95 % interval: Wilson's for scores of 0 and 1, else Student's t.

    Source: E. B. Wilson, JASA 22, 1927; t quantile by the expansion of Abramowitz and Stegun,
    26.7.5.
    """
    moments = Moments()
    for score in scores:
        moments.add(score)
    if not moments.n:
        return Estimate(None, None, None, 0, basis, unbiased=unbiased)
    low, high = None, None
    if all(score in {0.0, 1.0} for score in scores):
        low, high = wilson(moments.mean, moments.n)
    elif moments.sd is not None:
        half = t_quantile(moments.n - 1) * moments.sd / sqrt(moments.n)
        low, high = moments.mean - half, moments.mean + half
    return Estimate(moments.mean, low, high, moments.n, basis, unbiased=unbiased)


def wilson(mean: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of `n` trials."""
    z = NormalDist().inv_cdf(0.975)
    center = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(mean * (1 - mean) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, center - half), min(1.0, center + half)


def t_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t; exact for 1 and 2 degrees of freedom, else to 0.5 %."""
    if freedom <= 2:  # noqa: PLR2004  (closed forms)
        return 12.7062 if freedom == 1 else 4.3027
    z = NormalDist().inv_cdf(0.975)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    total: float = z
    for power, term in enumerate(terms, start=1):
        total += term / freedom**power
    return total
