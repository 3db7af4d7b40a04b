"""ZOPO: a pool of prompts, a Gaussian process over their embeddings, and a walk along its gradient.

Source: W. Hu et al., "Localized Zeroth-Order Prompt Optimization", NeurIPS 2024; 165 queries of
which 40 are random, 20 nearest points in the fit, as in the released script.

Lives here: that Spec.
Never here: the process (`opto.search.strategies.ntk`), embedding services.
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.ntk import NtkGradient
from opto.search.strategies.recommenders import Best
from opto.search.strategies.stoppers import Tried


def zopo(
    *, queries: int = 165, proposals: int = 100, size: int = 20, embedding: str = "words"
) -> Spec:
    """ZOPO; the model is asked only to make the pool.

    Args:
        queries: Most texts measured.
        proposals: Rewrites of the seed that make the pool; none where the task has `choices`.
        size: Validation examples, always the same, that a text is measured on.
        embedding: Its name, see `opto.search.strategies.embedding`.
    """
    fixed = Draw(size, "val", "fixed")
    return Spec(
        name="zopo",
        start=fixed,
        sow=proposals,
        source=NtkGradient(embedding),
        stages=(Stage(fixed),),
        recommend=Best("val"),
        stop=Tried(queries),
    )
