"""The front over examples: who leads where, and who is not needed.

Means come from the ledger at the time of asking, so a lucky first score can be revised.

Lives here: `front`, `undominated`, `front_counts`.
Never here: selection.
"""

from __future__ import annotations

from collections.abc import Mapping

from opto.search.strategies.state import State


def front(state: State) -> dict[int, tuple[str, ...]]:
    """Validation example to the pool's candidates with the best mean on it, oldest first."""
    best: dict[int, float] = {}
    leaders: dict[int, list[str]] = {}
    for name in state.pool:
        for example, mean in state.ledger.example_means(name, "val").items():
            if mean > best.get(example, float("-inf")):
                best[example], leaders[example] = mean, [name]
            elif mean == best[example]:
                leaders[example].append(name)
    return {example: tuple(leaders[example]) for example in sorted(leaders)}


def undominated(fronts: Mapping[int, tuple[str, ...]], means: Mapping[str, float]) -> list[str]:
    """Candidates without whom some example has no leader left, tested worst mean first.

    A candidate is dropped when each example it leads is also led by another that is still in.

    Args:
        fronts: Example to its leaders.
        means: Mean of each leader.
    """
    alive = {name for leaders in fronts.values() for name in leaders}
    for name in sorted(alive, key=lambda n: (means[n], n)):
        led = [leaders for leaders in fronts.values() if name in leaders]
        if all(any(other in alive and other != name for other in leaders) for leaders in led):
            alive.discard(name)
    return sorted(alive, key=lambda n: (-means[n], n))


def front_counts(state: State) -> dict[str, int]:
    """Undominated candidate to the number of examples it leads, in the order of the pool."""
    fronts = front(state)
    means = {name: state.mean(name, "val") for name in state.pool}
    alive = set(undominated(fronts, means))
    counts = {name: 0 for name in state.pool if name in alive}
    for leaders in fronts.values():
        for name in leaders:
            if name in counts:
                counts[name] += 1
    return counts
