"""`opto`: our default. It finds out how noisy the score is and then chooses its policy.

Where repeated measurements differ: one parent at a time, later up to four, by the upper bound of
the lineage posterior, two measurements on top for each, five for its child, no gate (a child that
looks bad is simply not picked again), and a fifth of the budget for a paired halving of the
finalists.
Where they agree: a hill climb on the latest candidate, with a paired race on 10, then 20 examples.
Chosen on seeds 100 to 119 of the test bed, see `opto/search/ALGORITHMS.md`.

Lives here: that Spec.
Never here: the loop, strategies.
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.evidence import Measured
from opto.search.strategies.gates import Better, MaybeBetter
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
    climb = Spec(
        name="climb",
        selector=Latest(),
        start=Draw(20),
        parents=None,
        evidence=Measured(most=60),
        stages=(
            Stage(Draw(10), MaybeBetter(1.5), with_parents=True),
            Stage(Draw(10), MaybeBetter(1.5), with_parents=True, whole=True),
            Stage(Draw(0), Better(), whole=True),
        ),
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
