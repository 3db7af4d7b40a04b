"""Errors of data sets: what is wrong with which file, and what to do.

Lives here: the error of this package. Never here: anything else.
"""

from __future__ import annotations

from opto.errors import OptoError


class DatasetError(OptoError):
    """A set is unknown, not here, cannot be fetched, or is not of a shape we can read."""

    code = "bench.dataset"
