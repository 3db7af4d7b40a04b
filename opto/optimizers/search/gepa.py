"""GEPA: reflective evolution on the front over validation examples.

Source: L. A. Agrawal et al., "GEPA: Reflective Prompt Evolution Can Outperform Reinforcement
Learning", arXiv 2507.19457, 2025; defaults of the package `gepa`.

Not copied: the budget is kept (the package looks only between turns and goes over by up to a
validation set); a run resumes to the same end (there, the random numbers and the order of examples
are lost); the score of a candidate is a mean that more measurements can revise.

Lives here: that Spec.
Never here: the loop, strategies.
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.archives import Everything
from opto.search.strategies.components import RoundRobin
from opto.search.strategies.evidence import Batch
from opto.search.strategies.gates import Better
from opto.search.strategies.merging import Merge
from opto.search.strategies.priorities import Mean
from opto.search.strategies.recommenders import Best
from opto.search.strategies.selectors import FrontFrequency, Top


def gepa(
    *,
    minibatch: int = 3,
    current_best: bool = False,
    merge: bool = False,
    perfect: float | None = 1.0,
) -> Spec:
    """GEPA with the package's defaults.

    Args:
        minibatch: Training examples a parent and its child are compared on.
        current_best: Is the best mean the parent, instead of a draw from the front?
        merge: Are undominated candidates of one origin merged? The paper's GEPA+Merge.
        perfect: Parents that score this on all of the minibatch are not rewritten.
    """
    return Spec(
        name="gepa",
        selector=Top(1, Mean("last", "val")) if current_best else FrontFrequency(),
        start=Draw(source="all", split="val"),
        parents=Draw(minibatch),
        evidence=Batch(),
        components=RoundRobin(),
        stages=(
            Stage(Draw(source="same"), Better()),
            Stage(Draw(source="all", split="val")),
        ),
        archive=Everything(),
        recommend=Best("val"),
        skip_perfect=perfect,
        merge=Merge() if merge else None,
    )
