"""OPRO: a model sees the best attempts with their scores, ascending, and writes better ones.

Source: C. Yang et al., "Large Language Models as Optimizers", arXiv 2309.03409, ICLR 2024; defaults
of the released code for prompts: 20 attempts shown, 8 samples a step, 200 steps, 3 exemplars.

Not copied: answers with digits or longer than 500 characters are not thrown away; sampling does not
use a random generator that the whole process shares; there is a budget.

Lives here: that Spec.
Never here: the loop, strategies, `OPRO` over traces (`opto.optimizers.opro`).
"""

from __future__ import annotations

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.archives import Everything
from opto.search.strategies.evidence import History
from opto.search.strategies.recommenders import Best
from opto.search.strategies.selectors import Together
from opto.search.strategies.stoppers import Any, Reached, Turns


def opro(
    *,
    shown: int = 20,
    samples: int = 8,
    slice_size: int = 20,
    exemplars: int = 3,
    steps: int = 200,
    target: float | None = None,
) -> Spec:
    """OPRO.

    Args:
        shown: Best attempts in the prompt.
        samples: Proposals from each prompt.
        slice_size: Training examples, the same ones for everybody, that give the score.
        exemplars: Inputs in the prompt.
        steps: Most steps.
        target: Stop when an attempt scores this.
    """
    fixed = Draw(slice_size, source="fixed")
    limit = Turns(steps)
    return Spec(
        name="opro",
        selector=Together(shown),
        start=fixed,
        parents=None,
        evidence=History(exemplars),
        children=samples,
        stages=(Stage(fixed),),
        archive=Everything(),
        recommend=Best("train"),
        stop=limit if target is None else Any((Reached(target), limit)),
    )
