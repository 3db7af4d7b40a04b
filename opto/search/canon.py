"""Canonical JSON and digests: the same content has the same identity in every process.

Lives here: the one way in which content becomes an identifier.
Never here: `hash()`, `id()`, clocks, anything that differs between two runs of Python.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

from traces.events import JSON, clean

__all__ = ["ID_BYTES", "JSON", "canonical", "clean", "digest"]

ID_BYTES = 8
"""Length of identifiers: 16 hexadecimal digits."""

_ENCODER = json.JSONEncoder(sort_keys=True, allow_nan=False, separators=(",", ":"))


def canonical(value: Any) -> str:
    """`value` as JSON with sorted keys, in ASCII, without spaces; NaN is a ValueError."""
    return _ENCODER.encode(value)


def digest(value: Any, *, size: int = ID_BYTES) -> str:
    """Hexadecimal BLAKE2b of the canonical JSON of `value`; `size` bytes."""
    return blake2b(canonical(value).encode("ascii"), digest_size=size).hexdigest()
