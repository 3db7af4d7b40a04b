"""The tree-structured Parzen estimator of `optuna` as a source of candidates.

The study of optuna is made anew from the ledger for every batch, so its random numbers need no
state that a killed run would lose.

Lives here: `Tpe`.
Never here: `optuna` on the path of an import of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opto.search.candidate import Candidate
from opto.search.errors import SearchError
from opto.search.strategies.codec import strategy
from opto.search.strategies.sources import Space
from opto.search.strategies.state import State


@strategy
@dataclass(frozen=True, slots=True)
class Tpe:
    """Multivariate TPE over the choices; each measured point counts once, with its mean.

    Source: J. Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS 2011.
    """

    def make(self, state: State, size: int) -> list[Candidate]:
        """See `Source.make`.

        Raises:
            SearchError: `optuna` is not installed.
        """
        optuna = _optuna()
        space = Space.of(state)
        if space.size == 1:
            return []
        seed = state.view.stream("tpe", state.step).getrandbits(31)
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        kinds = {
            f"x{at}": optuna.distributions.CategoricalDistribution(list(range(width)))
            for at, width in enumerate(space.widths)
        }
        study.add_trials(
            [
                optuna.trial.create_trial(
                    params={f"x{at}": choice for at, choice in enumerate(point)},
                    distributions=kinds,
                    value=state.mean(name),
                )
                for point, name in space.measured(state).items()
            ]
        )
        found: list[Candidate] = []
        for _ in range(size):
            trial = study.ask(kinds)
            point = tuple(trial.params[f"x{at}"] for at in range(len(kinds)))
            found.append(space.candidate(point))
        return found


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415  (an optional extra)
    except ModuleNotFoundError as missing:
        raise SearchError(
            "The strategy Tpe needs the package 'optuna'.", fix="pip install 'optolab[optuna]'"
        ) from missing
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
