"""MIPROv2 and `product`: choosing one instruction and one set of examples for every predictor.

Source of MIPROv2: K. Opsahl-Ong et al., "Optimizing Instructions and Demonstrations for Multi-Stage
Language Model Programs", EMNLP 2024; defaults of `dspy.MIPROv2`.

Not copied: a score of 35 examples and one of all weigh by their counts, and a combination drawn
again adds to its mean; the proposals that make the space are charged like everything else; a
failure is not a score of 0. Left to the task: bootstrapped demonstrations are choices of a
component like others, see `choices`.

Lives here: the Specs.
Never here: the loop, strategies, `optuna`.
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.components import RoundRobin
from opto.search.strategies.evidence import Measured
from opto.search.strategies.recommenders import BestInFull, Halving
from opto.search.strategies.sources import Additive
from opto.search.strategies.stoppers import Turns
from opto.search.strategies.tpe import Tpe


def miprov2(
    *, proposals: int = 12, minibatch: int = 35, every: int = 5, trials: int = 10**6
) -> Spec:
    """MIPROv2's third stage: TPE on minibatches, every fifth turn the best in full.

    Needs the package `optuna`.

    Args:
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
        components=RoundRobin(),
        source=Tpe(),
        stages=(Stage(Draw(minibatch, "val")),),
        promote=every,
        recommend=BestInFull(),
        stop=Turns(trials),
    )


def product(
    *, proposals: int = 12, minibatch: int = 20, c: float = 1.0, reserve: float = 0.25
) -> Spec:
    """Our choice for such spaces: an additive surrogate, then halving of the finalists.

    Args:
        proposals: As in `miprov2`.
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
        components=RoundRobin(),
        source=surrogate,
        stages=(Stage(Draw(minibatch, "val")),),
        recommend=Halving(entry=surrogate, judge=Additive(0.0)),
        reserve=reserve,
    )
