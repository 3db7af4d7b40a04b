"""Searches over demonstrations alone: bootstrapped sets at random, and BRIDGE.

Lives here: the Specs.
Never here: the loop, strategies; instructions and demonstrations together (`product`).
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.bootstrap import Bootstrap
from opto.search.strategies.priorities import Mean
from opto.search.strategies.recommenders import Best, Halving
from opto.search.strategies.sources import Listed
from opto.search.strategies.stoppers import Turns
from opto.search.strategies.subsets import Generate, Subsets


def bootstrap_random_search(
    *,
    candidates: int = 16,
    bootstrapped: int = 4,
    labeled: int = 16,
    threshold: float = 1.0,
    eliminate: int | None = None,
) -> Spec:
    """BootstrapFewShotWithRandomSearch: 16 random sets and 3 fixed ones on all validation examples.

    Source: O. Khattab et al., "DSPy: Compiling Declarative Language Model Calls into Self-Improving
    Pipelines", arXiv 2310.03714, ICLR 2024; defaults of dspy.

    Args:
        candidates: Random sets; the others are none, labeled only, and bootstrapped in order.
        bootstrapped: Most demonstrations of a set that the program made itself.
        labeled: Sets are filled up to this size with inputs and targets.
        threshold: Least score of a run that becomes a demonstration.
        eliminate: Ours: measure the sets on this many validation examples first and let them halve
            each other with the rest of the budget, instead of all on everything.
    """
    sets = candidates + 3
    fixed = Draw(source="all", split="val")
    if eliminate is not None:
        fixed = Draw(eliminate, "val", "fixed")
    halving = Halving(finalists=sets, entry=Mean(split="val"), judge=Mean(split="val"))
    return Spec(
        name="bootstrap_random_search",
        start=fixed,
        demos=Bootstrap(sets, bootstrapped, labeled, threshold),
        source=Listed(),
        children=sets,
        stages=(Stage(fixed),),
        recommend=Best("val") if eliminate is None else halving,
        stop=Turns(1),
        reserve=0.0 if eliminate is None else 0.5,
    )


def bridge(
    *,
    rounds: int = 3,
    evaluations: int = 32,
    size: int = 20,
    most: int = 100,
    threshold: float = 1.0,
) -> Spec:
    """BRIDGE: the few demonstrations that matter are found, then used to make new ones.

    Each round optimizes which of the pool are in (a Gaussian process over inclusion vectors, traded
    against their number at a random rate) and then generates: the best subset answers the training
    inputs, and its right answers are the next pool. Components that take no demonstrations keep
    their values.

    Source: X. Wan, H. Zhou, R. Sun, H. Nakhost, K. Jiang, S. Ö. Arik, "From Few to Many:
    Self-Improving Many-Shot Reasoners Through Iterative Optimization and Generation",
    arXiv 2502.00330, ICLR 2025. No code was published; the process here is additive with pairs, and
    the two objectives are added at a random rate.

    Args:
        rounds: Of optimizing, with a generation before each; the first is without demonstrations.
        evaluations: Subsets measured in a round.
        size: Validation examples, always the same, that a subset is measured on.
        most: Largest pool.
        threshold: Least score of an answer that becomes a demonstration.
    """
    fixed = Draw(size, "val", "fixed")
    return Spec(
        name="bridge",
        start=fixed,
        demos=Generate(rounds, evaluations, most, threshold),
        source=Subsets(),
        stages=(Stage(fixed),),
        recommend=Best("val"),
        stop=Turns(rounds * evaluations),
    )
