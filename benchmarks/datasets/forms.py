"""Answers of a gold form: real or whole variables, strict words read as `<=` or kept as `<`.

Lives here: the versions of an answer, solving them with the exact checks of the bridge.
Never here: reading files, language models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.conformance.nl4opt import VARIANTS as _VARIANTS
from benchmarks.conformance.nl4opt import model_of
from benchmarks.datasets.printed import plain
from solvers_bridge import Limits, Solved, Verdict, solve_model

VERSIONS: Mapping[str, tuple[str, bool]] = {
    name: (domain, strict) for name, (domain, strict, _) in _VARIANTS.items()
}
"""Version of an answer to the domain of the variables and whether strict rows are kept."""
ANY = "any"
"""Every version counts as right."""
_LIMITS = Limits(time_limit_s=20.0)
_MARGIN = 1e-5
OPEN = frozenset({"disputed", "undecided", "feasible", "limit"})
"""Verdicts that prove nothing, and so are nobody's right answer."""
_EQUAL: Mapping[str, Mapping[str, Any]] = {"=": {"op": "==", "strict": False}}
"""Forms write `=` as problems do; the bridge has `==`."""


def optimum(form: Mapping[str, Any], version: str) -> str:
    """The checked optimum of one version, as text; or the verdict, such as `infeasible`.

    A strict row over reals may leave an optimum that is approached but not reached: its value
    counts. `disputed` and `undecided` are verdicts too, and never equal a label.
    """
    domain, strict = VERSIONS[version]
    rows = [{**row, **_EQUAL.get(row["op"], {})} for row in form["rows"]]
    model = model_of({**form, "rows": rows}, domain=domain, strict=strict)
    return said(solve_model(model, limits=_LIMITS, second=False), form.get("offset", 0.0))


def said(solved: Solved, offset: float = 0.0) -> str:
    """A solved model as a label: its objective, and the offset of its form, or its verdict."""
    if solved.verdict in (Verdict.OPTIMAL, Verdict.LIMIT) and solved.objective is not None:
        return plain(solved.objective + offset)
    return solved.verdict.value


def optima(form: Mapping[str, Any]) -> dict[str, str]:
    """`optimum` of all versions; without strict rows there are only two to solve."""
    real, whole = optimum(form, "continuous"), optimum(form, "integer")
    if not any(row.get("strict") for row in form["rows"]):
        twice = {"continuous_strict": real, "integer_strict": whole}
    else:
        twice = {name: optimum(form, name) for name in ("continuous_strict", "integer_strict")}
    return {"continuous": real, "integer": whole, **twice}


def known_or_solved(
    form: Mapping[str, Any] | None, known: Mapping[str, Any], version: str
) -> tuple[str, ...]:
    """Accepted answers of a version: recorded ones where `known` has them, else solved now.

    Args:
        form: The gold form; None when only recorded answers exist.
        known: Recorded answers by version; may be empty.
        version: One of `VERSIONS`, or `ANY`.
    """
    found: list[str] = []
    for name in VERSIONS if version == ANY else (version,):
        if name in known:
            value = known[name]
            answer = plain(float(value)) if isinstance(value, int | float) else str(value)
        elif form is not None:
            answer = optimum(form, name)
        else:
            continue
        if answer not in OPEN and not any(_equal(answer, other) for other in found):
            found.append(answer)
    return tuple(found)


def _equal(one: str, other: str) -> bool:
    """Equal up to what a margin on strict rows or a tolerance of a solver leaves."""
    try:
        return math.isclose(float(one), float(other), rel_tol=_MARGIN, abs_tol=_MARGIN)
    except ValueError:
        return one == other
