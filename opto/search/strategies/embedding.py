"""Where a candidate lies: a vector of its text, without any service.

Lives here: the word embedding, the registry for others, distance.
Never here: calls to embedding services; register one under a name of your own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from math import dist, sqrt
from typing import TypeAlias

from opto.search.candidate import Candidate
from opto.search.canon import canonical
from opto.search.errors import SearchError

Vector: TypeAlias = Sequence[float]
Embedding: TypeAlias = Callable[[str], Vector]
_SIZE = 128
_WORD = re.compile(r"\w+|[^\w\s]")
_KNOWN: dict[str, Embedding] = {}


def register(name: str, embedding: Embedding) -> None:
    """Make an embedding known by name, so that a Spec can name it; text in, vector out."""
    _KNOWN[name] = embedding


def embedded(candidate: Candidate, by: str) -> Vector:
    """The vector of the values of a candidate.

    Raises:
        SearchError: No embedding is called `by`.
    """
    values = candidate.values
    only = next(iter(values.values())) if len(values) == 1 else None
    text = only if isinstance(only, str) else canonical(dict(values))
    if by == "words":
        return _words(text)
    if by not in _KNOWN:
        raise SearchError(
            f"No embedding is called {by!r}.", fix="Give its name to `embedding.register` first."
        )
    return _KNOWN[by](text)


def distance(a: Vector, b: Vector) -> float:
    """Euclidean."""
    return dist(a, b)


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[float, ...]:
    """Counts of words and neighboring pairs, hashed into 128 signed places, unit length."""
    words = _WORD.findall(text.lower())
    found = [0.0] * _SIZE
    for part in (*words, *(" ".join(pair) for pair in pairwise(words))):
        raw = blake2b(part.encode(), digest_size=4).digest()
        at = int.from_bytes(raw[:3], "big") % _SIZE
        found[at] += 1.0 if raw[3] & 1 else -1.0
    length = sqrt(sum(x * x for x in found))
    return tuple(x / length for x in found) if length else tuple(found)
