"""Beam search and PROMST: many children, all measured, the best few go on.

Lives here: the Specs.
Never here: the loop, strategies, rules for feedback (they belong to the guide).
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.archives import Beam
from opto.search.strategies.evidence import Ancestors, Measured
from opto.search.strategies.priorities import Mean
from opto.search.strategies.recommenders import Best
from opto.search.strategies.selectors import Top
from opto.search.strategies.stoppers import Patience


def beam(*, width: int = 3, children: int = 4, size: int = 10) -> Spec:
    """The best `width` of the beam and its children, all on the same validation slice.

    Source: R. Pryzant et al., "Automatic Prompt Optimization with Gradient Descent and Beam
    Search", EMNLP 2023.
    """
    fixed = Draw(size, "val", "fixed")
    return Spec(
        name="beam",
        selector=Top(width, Mean()),
        start=fixed,
        parents=Draw(4),
        evidence=Measured(),
        children=children,
        stages=(Stage(fixed),),
        archive=Beam(width),
        recommend=Best("val"),
    )


def promst(*, selected: int = 2, children: int = 8, size: int = 10, levels: int = 3) -> Spec:
    """PROMST's tree: each proposal sees the failures and the whole line of its ancestors.

    Level by level instead of depth first, so that children of a level are measured together; it
    ends after `levels` levels without a newcomer among the best (there, after three falling ones).
    Human rules for failures are feedback texts of the guide. The learned score model that the paper
    filters children with is not in its release and not here.

    Source: Y. Chen et al., "PRompt Optimization in Multi-Step Tasks (PROMST)", EMNLP 2024.

    Args:
        selected: Nodes of a level that get children.
        children: Children of a node.
        size: Training examples, always the same, for every node (there, the whole set).
        levels: See above.
    """
    fixed = Draw(size, source="fixed")
    return Spec(
        name="promst",
        selector=Top(selected, Mean()),
        start=fixed,
        parents=None,
        evidence=Ancestors(),
        children=children,
        stages=(Stage(fixed),),
        archive=Beam(selected),
        recommend=Best("train"),
        stop=Patience(levels),
    )
