"""The score a user sees: on data that did not choose the recommendation.

Lives here: which measurements are made for it, the estimate and its interval.
Never here: running, showing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from opto.search.actions import Evaluate
from opto.search.batch import Batch
from opto.search.folds import Moments
from opto.search.ledger import Ledger
from opto.search.result import Estimate, Result
from opto.search.results import Rollout
from opto.search.streams import stream

if TYPE_CHECKING:
    from opto.search.session import Session

FRESH_REPS = "fresh repetitions on the validation examples"
FRESH_EXAMPLES = "validation examples it was not measured on before"
SEEN = "the measurements it was chosen by, so it is likely too high"
SAME = (
    "the validation examples it was chosen on; repeating them gave the same scores again, so for "
    "other examples it is likely too high"
)
FEW = (
    "validation examples measured anew, too few to tell whether scores repeat; where they do, for "
    "other examples it is likely too high"
)
AGREE = 5
"""Examples, all if there are fewer, that must have repeated their score to say so."""
START = {
    "val": "the validation examples, as measured during the search",
    "train": "the training examples, as measured during the search",
}
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
    return Result(
        best=best,
        estimate=_estimate(ledger, best.id, scores, deterministic=session.task.deterministic),
        cost=ledger.spent,
        stopped=stopped,
        ledger=ledger,
        history=tuple(session.history),
        task=session.task,
        run=session.journal.run if session.journal.durable else None,
        lost=session.journal.past.lost,
    )


def _estimate(
    ledger: Ledger, name: str, fresh: Sequence[float], *, deterministic: bool
) -> Estimate:
    """The estimate on `fresh` measurements, where they say anything new; else on all there are."""
    if fresh and deterministic:
        return estimated(fresh, basis=FRESH_EXAMPLES, unbiased=True)
    if fresh and (same := _same_again(ledger, name)) is not None:
        return estimated(same, basis=SAME, unbiased=False)
    if fresh and _agreed(ledger, name)[0]:
        return estimated(fresh, basis=FEW, unbiased=False)
    if fresh:
        return estimated(fresh, basis=FRESH_REPS, unbiased=True)
    known = _scores(ledger, name)
    return estimated(known, basis=SEEN if known else NOTHING, unbiased=False)


def started_at(ledger: Ledger) -> Estimate:
    """The score of the values the search began with; they were not chosen, so nothing biases it."""
    seed = next(iter(ledger.candidates), "")
    same = _same_again(ledger, seed)
    known = _scores(ledger, seed) if same is None else same
    basis = START["val" if ledger.n(seed) else "train"] if known else NOTHING
    return estimated(known, basis=basis, unbiased=bool(known))


def _scores(ledger: Ledger, name: str) -> list[float]:
    split = "val" if ledger.n(name) else "train"
    return [r.score for r in ledger.rollouts(name) if r.split == split and r.score is not None]


def _same_again(ledger: Ledger, name: str) -> list[float] | None:
    """One score per validation example if those measured again all agreed; else None.

    A hundred repetitions of an exact score are no hundred measurements.
    """
    again, scores = _agreed(ledger, name)
    return scores if again >= max(1, min(AGREE, len(scores))) else None


def _agreed(ledger: Ledger, name: str) -> tuple[int, list[float]]:
    """How many validation examples repeated their score, and the score of each.

    Nothing as soon as one example scored differently.
    """
    found: dict[int, set[float]] = {}
    for rollout in ledger.rollouts(name, "val", ok_only=True):
        found.setdefault(rollout.example, set()).add(rollout.score or 0.0)
    if any(len(scores) > 1 for scores in found.values()):
        return 0, []
    again = sum(ledger.reps(name, example) > 1 for example in found)
    return again, [score for scores in found.values() for score in scores]


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
    return estimate_of(moments, basis=basis, unbiased=unbiased)


def estimate_of(moments: Moments, *, basis: str = SEEN, unbiased: bool = False) -> Estimate:
    """The same from count, mean and spread: O(1)."""
    n, mean = moments.n, moments.mean
    if not n:
        return Estimate(None, None, None, 0, basis, unbiased=unbiased)
    low, high = None, None
    # within 0 and 1 no other scores spread as widely as those of 0 and 1
    if 0 <= mean <= 1 and isclose(moments.squares, n * mean * (1 - mean), abs_tol=1e-9):
        low, high = wilson(mean, n)
    elif moments.sd is not None:
        half = t_quantile(n - 1) * moments.sd / sqrt(n)
        low, high = mean - half, mean + half
    return Estimate(mean, low, high, n, basis, unbiased=unbiased)


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
