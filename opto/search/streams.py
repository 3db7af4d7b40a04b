"""Random numbers without shared state: each use has a stream of its own, named by what it is for.

Lives here: `stream`.
Never here: a generator that two uses share; seeds from clocks or `hash()`.
"""

from __future__ import annotations

import random
from hashlib import blake2b

from opto.search.canon import canonical


def stream(seed: int, role: str, *indices: int | str) -> random.Random:
    """The stream of (`seed`, `role`, `indices`): the same numbers in every process and order.

    Args:
        seed: Of the study.
        role: What the numbers are for, e.g. `select`.
        indices: Which use of the role, e.g. the step and the position in it.
    """
    text = canonical([seed, role, *indices])
    raw = blake2b(text.encode("ascii"), digest_size=32).digest()
    return random.Random(int.from_bytes(raw, "big"))  # noqa: S311  (not for secrets)
