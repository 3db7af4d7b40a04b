"""MIPROv2 and `product`: an instruction or a set of demonstrations for every component.

Source of MIPROv2: K. Opsahl-Ong et al., "Optimizing Instructions and Demonstrations for Multi-Stage
Language Model Programs", EMNLP 2024; defaults of `dspy.MIPROv2`, setting "medium".

Which components are demonstrations is told by their first value, see `opto.search.demos`. All
others get instructions.

Not copied: a score of 35 examples and one of all weigh by their counts, and a combination drawn
again adds to its mean; what makes the space is charged like everything else; a failure is not a
score of 0; demonstrations of an example never help with that example. Demonstrations are inputs
and outputs of the whole program, not of its single predictors.

Lives here: the Specs.
Never here: the loop, strategies, `optuna`.
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.bootstrap import Bootstrap
from opto.search.strategies.components import Instructions
from opto.search.strategies.evidence import Measured
from opto.search.strategies.grounding import Ground
from opto.search.strategies.recommenders import BestInFull, Halving
from opto.search.strategies.sources import Additive
from opto.search.strategies.stoppers import Turns
from opto.search.strategies.tpe import Tpe


def miprov2(  # noqa: PLR0913  (each is a setting of the paper)
    *,
    proposals: int = 12,
    sets: int = 12,
    bootstrapped: int = 4,
    labeled: int = 4,
    threshold: float = 1.0,
    minibatch: int = 35,
    every: int = 5,
    trials: int = 10**6,
    ground: bool = True,
) -> Spec:
    """MIPROv2: sets of demonstrations, grounded instructions, then TPE on minibatches.

    Needs the package `optuna`.

    Args:
        sets: Sets of demonstrations per component that takes some: none, labeled only,
            bootstrapped in order, then at random.
        bootstrapped: Most demonstrations of a set that the program made itself.
        labeled: Sets are filled up to this size with inputs and targets.
        threshold: Least score of a run that becomes a demonstration.
        ground: Does a model make notes on the training data (one call per ten examples, ten at
            most) and on the program (one call) before it writes instructions?
        proposals: Rewrites of the seed, of one component after the other, whose values are the
            choices; none where the task has an attribute `choices` (component to values).
        minibatch: Validation examples of a trial.
        every: Trials between two measurements on all validation examples.
        trials: Most trials.
    """
    return Spec(
        name="miprov2",
        start=Draw(source="all", split="val"),
        sow=proposals,
        evidence=Measured(),
        components=Instructions(),
        demos=Bootstrap(sets, bootstrapped, labeled, threshold),
        ground=Ground() if ground else None,
        source=Tpe(),
        stages=(Stage(Draw(minibatch, "val")),),
        promote=every,
        recommend=BestInFull(),
        stop=Turns(trials),
    )


def product(
    *,
    proposals: int = 12,
    sets: int = 12,
    threshold: float = 1.0,
    minibatch: int = 20,
    c: float = 1.0,
    reserve: float = 0.25,
) -> Spec:
    """Our choice for such spaces: an additive surrogate, then halving of the finalists.

    Args:
        proposals: As in `miprov2`.
        sets: As in `miprov2`.
        threshold: As in `miprov2`.
        minibatch: Validation examples of a combination.
        c: How far unknown combinations are preferred.
        reserve: Share of the budget for the halving.
    """
    surrogate = Additive(c)
    return Spec(
        name="product",
        start=Draw(minibatch, "val"),
        sow=proposals,
        evidence=Measured(),
        components=Instructions(),
        demos=Bootstrap(sets, threshold=threshold),
        source=surrogate,
        stages=(Stage(Draw(minibatch, "val")),),
        recommend=Halving(entry=surrogate, judge=Additive(0.0)),
        reserve=reserve,
    )
