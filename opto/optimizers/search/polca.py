"""PrioritySearch and POLCA: a queue of candidates, the most promising are measured and edited.

Source: X. Ren, A. Nie, T. Xie, C.-A. Cheng, "POLCA: Stochastic Generative Optimization with LLM",
2026; defaults of the released code.

Not copied: the memory is the true top k (there, a slice of a heap array); priorities are worked
out when asked for (there, frozen when pushed); UCB is not clipped to the range of scores (there,
most of the queue ends up at the ceiling); what is measured is known by content, so a candidate
proposed twice is not measured twice; ties do not depend on a clock.

Lives here: the Specs.
Never here: the loop, strategies, the proposer.
"""

from __future__ import annotations

from typing import Literal

from opto.search.spec import Spec
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.archives import EpsNet, Everything, TopK
from opto.search.strategies.evidence import Batch
from opto.search.strategies.priorities import Mean, Newest, Priority, Thompson, Ucb
from opto.search.strategies.recommenders import Best
from opto.search.strategies.selectors import Top

Kind = Literal["mean", "ucb", "thompson", "newest"]


def priority_search(
    *,
    priority: Kind = "mean",
    candidates: int = 5,
    minibatch: int = 2,
    children: int = 1,
    memory: int | None = None,
    c: float = 1.0,
) -> Spec:
    """PrioritySearch: the best mean and the highest priorities, measured and edited together.

    Args:
        priority: Mean as in the paper, upper confidence bound, Thompson draw, or newest first.
        candidates: Parents of a turn.
        minibatch: Training examples parents and children are measured on in a turn.
        children: Proposals per parent.
        memory: Most candidates kept; None keeps all.
        c: Width of the bound of `ucb`.
    """
    rank = _priority(priority, c)
    return Spec(
        name="priority_search",
        selector=Top(candidates, rank, exploit=True),
        start=None,
        parents=Draw(minibatch),
        evidence=Batch(),
        children=children,
        stages=(Stage(Draw(source="same")),),
        archive=Everything() if memory is None else TopK(memory, rank),
        recommend=Best("train"),
    )


def polca(  # noqa: PLR0913  (each is a setting of the paper)
    *,
    priority: Kind = "mean",
    candidates: int = 5,
    minibatch: int = 2,
    memory: int | None = None,
    eps: float = 0.1,
    embedding: str = "words",
    summarize: bool = True,
    c: float = 1.0,
) -> Spec:
    """POLCA: PrioritySearch with an ε-net around its memory and notes by a model.

    Args:
        priority: As in `priority_search`.
        candidates: Parents of a turn.
        minibatch: Training examples of a turn.
        memory: Most candidates kept; None keeps all.
        eps: A child this near to one kept is not measured.
        embedding: Its name; `words` needs no service. Others: `embedding.register`.
        summarize: Does a model write notes in every turn (one call each) for all proposals?
        c: Width of the bound of `ucb`.
    """
    base = priority_search(
        priority=priority, candidates=candidates, minibatch=minibatch, memory=memory, c=c
    )
    net = EpsNet(base.archive, eps, embedding)
    return base.but(name="polca", archive=net, summarize=summarize)


def _priority(kind: Kind, c: float) -> Priority:
    kinds: dict[str, Priority] = {
        "mean": Mean(),
        "ucb": Ucb(c),
        "thompson": Thompson(),
        "newest": Newest(),
    }
    return kinds[kind]
