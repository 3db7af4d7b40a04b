"""An algorithm as a value: which strategies, with which numbers.

A Spec is data. It is logged with the run, read back from JSON, and may itself be a component that
another search changes.

Lives here: `Spec`, its JSON.
Never here: the loop (`opto.search.loop`), proposers, named algorithms (`opto.optimizers.search`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import opto.search.strategies.components as components_of
from opto.search.canon import JSON
from opto.search.errors import SearchError
from opto.search.strategies.allocators import Draw, Stage
from opto.search.strategies.archives import Archive, Everything
from opto.search.strategies.bootstrap import Demonstrations
from opto.search.strategies.codec import decode, encode, strategy
from opto.search.strategies.evidence import Evidence, Measured
from opto.search.strategies.grounding import Ground
from opto.search.strategies.merging import Merge
from opto.search.strategies.probes import Probe
from opto.search.strategies.recommenders import Best, Recommender
from opto.search.strategies.selectors import Selector, Top
from opto.search.strategies.sources import Source
from opto.search.strategies.state import State
from opto.search.strategies.stoppers import Stopper

if TYPE_CHECKING:
    from opto.search.loop import Loop, Proposer

PROPOSER = ("opto.optimizers.search.rewriter", "Rewriter")
"""Who proposes by default; by name, because models are no business of this layer."""


def default_proposer() -> Proposer:
    """Rewriting by the default model; it is opened by its first call."""
    module, attribute = PROPOSER
    made: Proposer = getattr(import_module(module), attribute)()
    return made


@strategy
@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One turn: select parents, measure them, propose, measure the children in stages, keep.

    Raises:
        SearchError: A number is out of range.
    """

    name: str
    selector: Selector = field(default_factory=Top)
    start: Draw | None = field(default_factory=lambda: Draw(10))
    """What the seed is measured on first; None is nothing."""
    parents: Draw | None = field(default_factory=Draw)
    """What parents are measured on in their turn; None is nothing."""
    evidence: Evidence = field(default_factory=Measured)
    components: components_of.ComponentPolicy = field(default_factory=components_of.All)
    purpose: str = "rewrite"
    """What the proposer is asked for."""
    children: int = 1
    """Proposals per group of parents."""
    stages: tuple[Stage, ...] = (Stage(Draw(5)),)
    archive: Archive = field(default_factory=Everything)
    recommend: Recommender = field(default_factory=Best)
    stop: Stopper | None = None
    barren: int = 50
    """Turns in a row without a new measurement after which the proposer counts as dry."""
    reserve: float = 0.0
    """Share of the budget kept for the recommendation, 0 to below 1."""
    source: Source | None = None
    """Makes candidates without the proposer; then selector, parents and evidence are not used."""
    sow: int = 0
    """Proposals from the seed before the first turn: the space of `source`. None are asked for
    where the task has `choices`."""
    promote: int | None = None
    """Every so many turns of a source, the best mean is measured on all validation examples."""
    skip_perfect: float | None = None
    """No proposal for parents that scored at least this on every example of the turn."""
    demos: Demonstrations | None = None
    """Makes demonstrations for `source` to choose from. Not used where the task has `choices`."""
    ground: Ground | None = None
    """Has a model make notes on the data and the program before `sow`."""
    summarize: bool = False
    """Is a model asked in each turn to sum the evidence up for the proposers?"""
    merge: Merge | None = None
    """Combines two candidates of one origin, without a model."""
    probe: Probe | None = None
    """Measures first whether repeated measurements agree; needed for `exact`."""
    exact: Spec | None = None
    """What to do instead where they agree; its name, start and reserve are not used."""

    def __post_init__(self) -> None:
        if not 0 <= self.reserve < 1 or self.children < 1:
            raise SearchError(
                f"The Spec {self.name!r} has reserve={self.reserve} and children={self.children}.",
                fix="A reserve is from 0 to below 1; there is at least one child.",
            )

    def done(self, state: State) -> str | None:
        """Why the search is over although there is budget; None while it is not."""
        if state.barren >= self.barren:
            return f"nothing new was proposed for {state.barren} turns"
        return None if self.stop is None else self.stop.reason(state)

    def algorithm(self, proposer: Proposer | None = None) -> Loop:
        """The algorithm it describes.

        Args:
            proposer: Who makes children; None asks the default model.
        """
        from opto.search.loop import Loop  # noqa: PLC0415  (the loop is made of Specs)

        return Loop(self, proposer or default_proposer())

    @property
    def gated(self) -> bool:
        """Is a child kept only after passing a gate? Then one cut short is not."""
        return any(stage.gate is not None for stage in self.stages)

    def to_json(self) -> dict[str, JSON]:
        """Everything, as JSON."""
        found = encode(self)
        assert isinstance(found, dict)  # noqa: S101  (a dataclass is encoded as a mapping)
        return found

    @classmethod
    def from_json(cls, data: JSON) -> Spec:
        """What `to_json` wrote.

        Raises:
            SearchError: It is no Spec.
        """
        found = decode(data)
        if not isinstance(found, cls):
            raise SearchError("This is no Spec.", fix='A Spec has "kind": "Spec".')
        return found

    def but(self, **changes: Any) -> Spec:
        """The same with some fields changed."""
        return replace(self, **changes)
