"""ABO: a prompt written as steps; the step where the behavior first deviates is rewritten.

Source: R. Ma et al., "Are Large Language Models Good Prompt Optimizers?", arXiv 2402.02101, 2024
(automatic behavior optimization). Each step of the prompt is a component; the guide's feedback, or
the trace, names the step that went wrong.

Lives here: that Spec.
Never here: the loop, strategies.
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.components import Blamed
from opto.search.strategies.evidence import Measured
from opto.search.strategies.gates import NotWorse
from opto.search.strategies.recommenders import Best
from opto.search.strategies.selectors import Latest


def abo(*, size: int = 20, perfect: float = 1.0) -> Spec:
    """ABO; an edit stays if the score on the same training examples does not fall.

    Args:
        size: Training examples, always the same (there, the whole set).
        perfect: Score below which a measurement is a failure.
    """
    fixed = Draw(size, source="fixed")
    return Spec(
        name="abo",
        selector=Latest(),
        start=fixed,
        parents=None,
        evidence=Measured(most=10, worst_first=True),
        components=Blamed(perfect),
        stages=(Stage(fixed, NotWorse()),),
        recommend=Best("train"),
    )
