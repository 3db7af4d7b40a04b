"""What an algorithm is, and all that it may see.

Lives here: the `Algorithm` protocol and `View`.
Never here: the engine; anything that differs between two runs with the same seed (clocks, worker
counts, seconds left).
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from opto.search.actions import Action, Propose, Split
from opto.search.budget import Left
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.results import ActionResult, Proposal
from opto.search.task import Task

if TYPE_CHECKING:
    from opto.search.ledger import Ledger

Steps: TypeAlias = Generator[Sequence[Action], Sequence[ActionResult], Candidate]
"""Yields a batch of actions, is sent their results in the same order, returns its recommendation.

A batch the budget cannot carry is cut: fewer results come back than were asked for, those of the
first actions, and `view.exhausted` is true from then on."""


class View(Protocol):
    """What an algorithm sees of the study. Read only; the same in every replay."""

    @property
    def task(self) -> Task:
        """What is optimized. Call nothing expensive on it: ask for an `Evaluate` instead."""
        ...

    @property
    def ledger(self) -> Ledger:
        """All results so far, with statistics."""
        ...

    @property
    def step(self) -> int:
        """Number of the batch that is to be asked for next, from 0."""
        ...

    @property
    def left(self) -> Left:
        """What the search may still spend; without seconds, which no replay could repeat."""
        ...

    @property
    def exhausted(self) -> bool:
        """Was a batch cut? From then on the algorithm's `reserve` is open, to recommend."""
        ...

    @property
    def seed(self) -> int:
        """Seed of the study."""
        ...

    def size(self, split: Split) -> int:
        """Number of examples."""
        ...

    def stream(self, role: str, *indices: int | str) -> random.Random:
        """Random numbers for one purpose; the current step is not added by itself."""
        ...


class Algorithm(Protocol):
    """A search algorithm. One object may serve many studies: it keeps no state between calls."""

    @property
    def name(self) -> str:
        """For logs and errors."""
        ...

    @property
    def reserve(self) -> float:
        """Share of the budget, 0 to 1, kept back until `view.exhausted`, for its recommendation."""
        ...

    def describe(self) -> Mapping[str, JSON]:
        """All settings that change what it does; a run is resumed only with the same."""
        ...

    def run(self, view: View) -> Steps:
        """The algorithm: a deterministic generator. Its memory is its local variables.

        Resuming runs it again from the start on logged results, so it must read no clock, no
        shared random numbers and no set order; whatever costs money goes through an action.
        """
        ...

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal | Awaitable[Proposal]:
        """Carry out one `Propose`: the expensive half, called from several threads at once.

        Args:
            action: What `run` asked for; all that it depends on is in here.
            parents: The candidates of `action.parents`.
            stream: Random numbers of this action.

        Returns:
            The children, or a status that says why there are none, and what it cost.

        Raises:
            Exception: A model's failure (`llm.*`) becomes the status `model_failed`, anything else
                `error`; both are charged `action.worst.llm` model calls.
        """
        ...
