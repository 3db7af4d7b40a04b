"""`opto`: our default. It finds out how noisy the score is and then chooses its policy.

Where repeated measurements differ: one parent at a time, later up to four, by the upper bound of
the lineage posterior, two measurements on top for each, five for its child, no gate (a child that
looks bad is simply not picked again), and a fifth of the budget for a paired halving of the
finalists.
Where they agree: a hill climb on the latest candidate. A child must be better on the three examples
whose outcome was just shown, then on a fixed slice of 30 validation examples; so most children cost
three measurements, and the slice is paid for only by those that look good.
Chosen on seeds 100 to 119 of the test bed, see `opto/search/ALGORITHMS.md`.

Lives here: that Spec.
Never here: the loop, strategies.
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.evidence import Batch, Measured
from opto.search.strategies.gates import Better
from opto.search.strategies.priorities import Posterior
from opto.search.strategies.probes import Probe
from opto.search.strategies.recommenders import Halving, Last
from opto.search.strategies.selectors import Latest, Top


def opto(*, breadth: int = 4, reserve: float = 0.2) -> Spec:
    """Our default.

    Args:
        breadth: Parents at once where scores are noisy. 1 learns a little more from each
            proposal, 4 needs a quarter of the rounds.
        reserve: Share of the budget for the final comparison, where scores are noisy.
    """
    judges = Draw(30, "val", "fixed")
    climb = Spec(
        name="climb",
        selector=Latest(),
        start=judges,
        parents=Draw(3),
        evidence=Batch(),
        stages=(Stage(Draw(source="same"), Better()), Stage(judges, Better(), whole=True)),
        recommend=Last(),
    )
    return Spec(
        name="opto",
        selector=Top(breadth, Posterior(c=1.5, step=0.1), per=20),
        start=Draw(15),
        parents=Draw(2),
        evidence=Measured(most=20),
        stages=(Stage(Draw(5)),),
        recommend=Halving(),
        reserve=reserve,
        probe=Probe(),
        exact=climb,
    )
