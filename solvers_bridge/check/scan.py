"""Numbers in bulk: which are not finite, too large, or too small to be kept by a solver.

Lives here: one pass over the numbers of a parameter, in Python for few and in numpy for many.
Never here: names, paths, findings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HUGE, TINY = 1e15, 1e-9
"""HiGHS 1.15 refuses a coefficient from 1e15 on and drops one up to 1e-9 (tried)."""

_FEW = 1_000


@dataclass(frozen=True, slots=True)
class Scan:
    """First position and count of each kind of unusable number; position -1 when there is none."""

    not_finite: tuple[int, int]
    huge: tuple[int, int]
    tiny: tuple[int, int]


def scan(values: Any) -> Scan | None:
    """Look at every number of a flat list or an array once; None when they are not numbers."""
    if hasattr(values, "shape") or len(values) > _FEW:
        return _scan_array(values)
    if not all(isinstance(value, (int, float)) for value in values):
        return None
    return _scan_few(values)


def _scan_few(values: Sequence[float]) -> Scan:
    sizes = [abs(value) for value in values]
    lost = [
        at for at, size in enumerate(sizes) if isinstance(size, float) and not math.isfinite(size)
    ]
    huge = [at for at, size in enumerate(sizes) if size >= HUGE and size != math.inf]
    tiny = [at for at, size in enumerate(sizes) if 0 < size <= TINY]
    return Scan(_first(lost), _first(huge), _first(tiny))


def _first(places: Any) -> tuple[int, int]:
    return (int(places[0]), len(places)) if len(places) else (-1, 0)


def _scan_array(values: Any) -> Scan | None:
    import numpy as np  # noqa: PLC0415 - small models are checked without loading numpy

    try:
        sizes = np.abs(np.asarray(values, dtype=float)).reshape(-1)
    except (TypeError, ValueError):
        return None
    except OverflowError:  # an integer beyond 1e308: say which, the slow way
        return _scan_few(list(values)) if isinstance(values, (list, tuple)) else None
    if sizes.size == 0 or (float(sizes.max()) < HUGE and float(sizes.min()) > TINY):
        return Scan((-1, 0), (-1, 0), (-1, 0))  # a NaN fails both comparisons
    lost = np.flatnonzero(~np.isfinite(sizes))
    huge = np.flatnonzero((sizes >= HUGE) & np.isfinite(sizes))
    tiny = np.flatnonzero((sizes > 0) & (sizes <= TINY))
    return Scan(_first(lost), _first(huge), _first(tiny))
