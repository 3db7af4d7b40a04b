"""A step that updates weights: your training, on preference pairs of all steps before.

Lives here: `Tune`, an algorithm of one action.
Never here: training itself; making pairs (`preferences`); what comes after (`sequence`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Several
from typing import TypeAlias

from opto.optimizers.search.preferences import Of, Preference, preference_pairs
from opto.search.actions import Propose
from opto.search.algorithm import Steps, View
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.cost import NOTHING, Cost
from opto.search.errors import SearchError
from opto.search.results import Proposal

Trainer: TypeAlias = Callable[[Several[Preference]], str | None]
"""Gets the pairs and trains; returns the name of the new model, or None if there is none."""
TUNE = "tune"
"""The purpose of its proposal."""


class Tune:
    """Has a model trained, once. For use in a `Sequence`.

    The training is one proposal: it is logged when it ends, and a resumed run takes the model's
    name from the log. A training that was interrupted starts again.
    """

    name, reserve = TUNE, 0.0

    def __init__(
        self,
        train: Trainer,
        *,
        component: str | None = None,
        of: Of = "outputs",
        power: float = 3.0,
        size: int | None = 2000,
        worst: Cost = NOTHING,
    ) -> None:
        """Hold the training.

        Args:
            train: See `Trainer`. Called in a worker thread; time limits of the study hold for it.
            component: The component whose value is the name of the program's model; the new name
                is a candidate that is measured like any other. None changes no value: then the
                name is for the algorithms after it in the sequence.
            of: See `preference_pairs`; `candidates` to train whoever proposes.
            power: See `preference_pairs`.
            size: See `preference_pairs`; 2000 as published.
            worst: The most that training costs, where dollars or tokens are limited; it is charged.
        """
        self.train, self.component = train, component
        self._of, self._power, self._size, self._worst = of, power, size, worst

    def describe(self) -> Mapping[str, JSON]:
        return {
            "component": self.component,
            "of": self._of,
            "power": self._power,
            "size": self._size,
        }

    def run(self, view: View) -> Steps:
        """See `Algorithm.run`.

        Raises:
            SearchError: The task has no such component.
        """
        seed = view.task.seed
        if self.component is not None and self.component not in seed.values:
            raise SearchError(
                f"There is no component {self.component!r} to hold the model's name.",
                fix=f"Name one of: {', '.join(seed.values)}.",
            )
        pairs = preference_pairs(
            view.ledger,
            view.task,
            of=self._of,
            power=self._power,
            size=self._size,
            seed=view.stream(TUNE).getrandbits(31),
        )
        if not pairs:
            return seed
        payload: dict[str, JSON] = {"pairs": [pair.to_json() for pair in pairs]}
        results = yield [Propose(TUNE, payload, (seed.id,), worst=self._worst)]
        made = [c for r in results if isinstance(r, Proposal) for c in r.candidates]
        return made[0] if made else seed

    def propose(
        self, action: Propose, parents: Several[Candidate], stream: random.Random
    ) -> Proposal:
        """Train; the note is the new model's name."""
        del stream
        payload = action.payload if isinstance(action.payload, dict) else {}
        pairs = payload.get("pairs")
        shown = [Preference.from_json(p) for p in _mappings(pairs)]
        model = self.train(shown)
        if model is None or self.component is None:
            return Proposal((parents[0],), model or "", action.worst)
        return Proposal((parents[0].edited({self.component: model}, op=TUNE),), model, action.worst)


def _mappings(value: JSON) -> list[Mapping[str, JSON]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
