"""Answers that an interrupted piece of work had paid for already.

Whoever resumes work puts its recorded calls in force here; the first question of the same words is
answered with the first of them, the second with the second, and further ones are asked.

Lives here: `Recall` and which one is in force.
Never here: reading recordings, models. Imports nothing, so that the search can hold one cheaply.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Recall:
    """Recorded completions by the key of their request; each is given once."""

    def __init__(self, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Take (key of the request, JSON of the completion) in the order they were recorded."""
        self._lock = threading.Lock()
        self._answers: defaultdict[str, deque[Mapping[str, Any]]] = defaultdict(deque)
        for key, completion in calls:
            self._answers[key].append(completion)

    def take(self, key: str) -> Mapping[str, Any] | None:
        """The next completion recorded for this request, as JSON."""
        with self._lock:
            left = self._answers.get(key)
            return left.popleft() if left else None


_in_force: ContextVar[Recall | None] = ContextVar("opto_llm_recall", default=None)


@contextmanager
def recalling(recall: Recall | None) -> Iterator[None]:
    """Answer from `recall` in this block, tasks and calls made from it included."""
    token = _in_force.set(recall)
    try:
        yield
    finally:
        _in_force.reset(token)


def recalled(key: str) -> Mapping[str, Any] | None:
    """A completion that was paid for before; None when the question must be asked."""
    recall = _in_force.get()
    return None if recall is None else recall.take(key)
