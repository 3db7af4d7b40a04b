"""Solvers behind one Protocol; each package is imported in one file only.

Lives here: the `Backend` Protocol and the registry that loads a backend on first use.
Never here: a solver's own API.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Protocol

from solvers_bridge.errors import MissingSolverError
from solvers_bridge.form import StandardForm
from solvers_bridge.outcome import Limits, Outcome


class Backend(Protocol):
    """One solver. Stateless: the same form and limits may be solved again and again."""

    name: str

    def solve(self, form: StandardForm, limits: Limits) -> Outcome:
        """Solve within limits.

        A limit, infeasibility or numeric trouble is an `Outcome`, never an exception;
        `DataError` and `SolverError` mean that the solver must not be trusted with this form.
        """
        ...


def _highs() -> Backend:
    from solvers_bridge.backends.highs import Highs  # noqa: PLC0415 - loads the solver on demand

    return Highs()


def _ortools() -> Backend:
    from solvers_bridge.backends.ortools import OrTools  # noqa: PLC0415 - loads on demand

    return OrTools()


_KNOWN: dict[str, tuple[Callable[[], Backend], str]] = {
    "highs": (_highs, "pip install highspy"),
    "ortools": (_ortools, "pip install 'optolab[ortools]'"),
}
"""Backend name to its loader and the line that installs what it needs."""


def backend_names() -> tuple[str, ...]:
    """Names `get_backend` knows, installed or not."""
    return tuple(_KNOWN)


def get_backend(name: str) -> Backend:
    """The backend called `name`.

    Raises:
        MissingSolverError: no such backend, or its package is not installed.
    """
    if name not in _KNOWN:
        near = get_close_matches(name, _KNOWN, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise MissingSolverError(
            f"No backend is called {name!r}.", fix=f"{hint}Known: {', '.join(_KNOWN)}."
        )
    load, install = _KNOWN[name]
    try:
        return load()
    except ModuleNotFoundError as missing:
        raise MissingSolverError(
            f"Backend {name!r} needs the package {missing.name!r}.", fix=install
        ) from missing
