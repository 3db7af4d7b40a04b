"""What would the answer be if whole numbers were read the other way?

Lives here: the twin of a solved model, for naming an error after it happened.
Never here: anything that puts the twin's value in place of the answer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solvers_bridge import Limits, StandardForm, Stop
from solvers_bridge.backends import get_backend


def twin_objective(form: StandardForm, *, limits: Limits | None = None) -> float | None:
    """Optimum of `form` with every variable whole, or, if all are, with none; None without one.

    For `error_class`, where an answer is wrong and there is no gold model. One solve.
    """
    if not form.n:
        return None
    whole = np.zeros(form.n) if form.integer.all() else np.ones(form.n)
    twin = replace(form, integer=whole.astype(np.int32))
    outcome = get_backend("highs").solve(twin, limits or Limits(time_limit_s=5.0))
    return outcome.objective if outcome.stop is Stop.OPTIMAL else None
