"""Random numbers that depend on nothing but what they are for.

Lives here: hashes as uniform and normal numbers, and as seeds.
Never here: a generator that anybody shares.
"""

from __future__ import annotations

import random
from hashlib import blake2b
from statistics import NormalDist

_NORMAL = NormalDist()


def number(*parts: object) -> int:
    """64 bits from the parts."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def unit(*parts: object) -> float:
    """Uniform, above 0 and below 1."""
    return ((number(*parts) >> 11) + 0.5) / 2**53


def normal(*parts: object) -> float:
    """Standard normal."""
    return _NORMAL.inv_cdf(unit(*parts))


def stream(*parts: object) -> random.Random:
    """A generator of its own for these parts."""
    return random.Random(number(*parts))  # noqa: S311  (simulation)
