"""Which rows a family has, with what budget, and what the peers need.

Lives here: names and numbers only; imported in every environment.
Never here: adapters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

GROUPS: Mapping[str, tuple[str, ...]] = {
    "C": ("C1", "C2"),
    "D": ("D1", "D2"),
    "E": ("E1", "E2"),
    "F": ("F",),
    "tsp": ("tsp10", "tsp15", "tsp20", "tsp50"),
}
"""What `--family` takes, and the families it stands for; one of those may be named as well."""
TITLES: Mapping[str, str] = {
    "C1": "sphere, 2 to 10 dimensions, noisy printed gradient",
    "C2": "Rosenbrock, 2 to 10 dimensions, noisy printed gradient",
    "D1": "pool of 500 embedded texts",
    "D2": "subset of 30 demonstrations, three of which matter",
    "E1": "rules in three components, noisy scores",
    "E2": "rules in three components, exact scores",
    "F": "an optimizer's own instructions",
    **{f"tsp{n}": f"tours of {n} cities" for n in (10, 15, 20, 50)},
}
BUDGETS: Mapping[str, int] = {"C": 1000, "D1": 3300, "D2": 2000, "E": 2000, "F": 20000, "tsp": 1000}
"""Metric calls by family, or by the first letters of its name."""

_REWRITING = (
    *("opto", "our_gepa", "our_ps_mean", "our_ps_ucb", "our_polca", "our_opro", "our_revert"),
    *("our_beam", "our_random", "our_halving"),
)
_SOURCES = ("product", "our_miprov2", "our_random_points")
OURS: Mapping[str, tuple[str, ...]] = {
    "C": _REWRITING,
    "D1": ("our_zopo", *_SOURCES, *_REWRITING),
    "D2": (*_SOURCES, *_REWRITING),
    "E": (*_REWRITING, "our_gepa_merge", "our_gepa_all", "sequence"),
    "F": ("opto", "meta_climb", "meta_search", "meta_random"),
    "tsp": ("opto", "our_gepa", "our_ps_mean", "our_opro", "our_revert", "our_beam", "our_random"),
}
VALIDATION = 20
"""Validation examples of gepa, ours and theirs: with 100 it has none left to search with."""
_GEPA, _OPTUNA = ("gepa", "gepa_best"), ("optuna_tpe", "optuna_random")
PEERS: Mapping[str, tuple[str, ...]] = {
    "C": (*_GEPA, *_OPTUNA),
    "D": (*_GEPA, *_OPTUNA),
    "E": (*_GEPA, "gepa_merge"),
    "F": (),
    "tsp": ("gepa_best", *_OPTUNA, "nearest_neighbor", "farthest_insertion"),
}
NEEDS: Mapping[str, tuple[str, ...]] = {
    "gepa": ("gepa==0.1.4", "numpy"),
    "optuna": ("optuna==5.0.0", "numpy"),
}
"""First word of a peer's row to what its environment holds; others run in ours."""
THEIRS = frozenset(row for found in PEERS.values() for row in found)


def of(table: Mapping[str, tuple[str, ...]], family: str) -> tuple[str, ...]:
    """The entry of a family, by its name or by the longest beginning of it."""
    return table[_key(table, family)]


def budget(family: str) -> int:
    """Metric calls."""
    return BUDGETS[_key(BUDGETS, family)]


def expand(names: Iterable[str]) -> tuple[str, ...]:
    """Families by their names and the names of groups.

    Raises:
        ValueError: One is not known.
    """
    found: list[str] = []
    for name in names:
        if name not in TITLES and name not in GROUPS:
            raise ValueError(f"no family {name!r}; there are {', '.join([*GROUPS, *TITLES])}")
        found += [name] if name in TITLES else GROUPS[name]
    return tuple(dict.fromkeys(found))


def _key(table: Mapping[str, object], family: str) -> str:
    return max((key for key in table if family.startswith(key)), key=len)
