"""Baselines: what any algorithm has to beat.

Lives here: random search, successive halving, the hill climb with a revert gate.
Never here: the loop, strategies.
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.evidence import Batch, Measured
from opto.search.strategies.gates import NotWorse
from opto.search.strategies.priorities import Mean
from opto.search.strategies.recommenders import Best, Halving, Last
from opto.search.strategies.selectors import Latest, Seed, Top


def random_search(*, size: int = 20, samples: int = 8) -> Spec:
    """Rewrites of the seed, each measured on `size` fixed validation examples; the best mean."""
    fixed = Draw(size, "val", "fixed")
    return Spec(
        name="random_search",
        selector=Seed(),
        start=Draw(10),
        parents=None,
        evidence=Measured(),
        children=samples,
        stages=(Stage(fixed),),
        recommend=Best("val"),
    )


def successive_halving(*, size: int = 5, beam: int = 4, reserve: float = 0.5) -> Spec:
    """Rewrites of the best few on few examples, then half of the budget for halving all of them.

    Source: K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
    Optimization", AISTATS 2016.

    Args:
        size: Training examples a candidate is measured on when it is new.
        beam: Parents of a turn.
        reserve: Share of the budget for the halving.
    """
    return Spec(
        name="successive_halving",
        selector=Top(beam),
        start=Draw(size),
        parents=None,
        evidence=Measured(),
        stages=(Stage(Draw(size)),),
        recommend=Halving(finalists=32, entry=Mean(), judge=Mean()),
        reserve=reserve,
    )


def revert(*, minibatch: int = 3, size: int = 20) -> Spec:
    """One trajectory; a child replaces its parent unless it is worse on the validation slice.

    The acceptance rule of TextGrad's prompt-optimization script: M. Yuksekgonul et al., "TextGrad:
    Automatic Differentiation via Text", arXiv 2406.07496, 2024.

    Args:
        minibatch: Training examples that are shown.
        size: Validation examples, always the same, that decide.
    """
    fixed = Draw(size, "val", "fixed")
    return Spec(
        name="revert",
        selector=Latest(),
        start=fixed,
        parents=Draw(minibatch),
        evidence=Batch(),
        stages=(Stage(fixed, NotWorse()),),
        recommend=Last(),
    )
