"""What is optimized: components with texts or numbers to change, examples, and how to score.

Lives here: the `Task` protocol and the reading of examples.
Never here: programs of the trace (`opto.search.program`), guides (`opto.search.guide`).
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.cost import Cost
from opto.search.results import Outcome

Example: TypeAlias = Any
"""`(input, target)`, a mapping with the keys `input` and `target`, or the bare input."""


class Task(Protocol):
    """What is optimized. The engine calls `evaluate` from several threads at once."""

    @property
    def components(self) -> Mapping[str, str]:
        """Component name to its description or constraint, in words; fixed order."""
        ...

    @property
    def seed(self) -> Candidate:
        """Where the search starts: the values now, one per component."""
        ...

    @property
    def train(self) -> Sequence[Example]:
        """Examples that may be shown to proposers."""
        ...

    @property
    def val(self) -> Sequence[Example]:
        """Examples that choose between candidates; may be the same as `train`."""
        ...

    @property
    def deterministic(self) -> bool:
        """Does the same candidate on the same example always score the same?"""
        ...

    @property
    def worst(self) -> Cost:
        """The most one evaluation can cost, `Cost(metric=1)` at least; reserved before it starts.

        State tokens and usd where the program calls models and the budget limits them; otherwise
        the engine reserves the most that an earlier evaluation took.
        """
        ...

    def evaluate(
        self, candidate: Candidate, example: Example, rep: int, stream: random.Random
    ) -> Outcome | Awaitable[Outcome]:
        """Run the user's code once. Whatever it raises becomes the status `error`.

        Args:
            candidate: What to run.
            example: One of `train` or `val`.
            rep: Which repetition; a fake or a cache may key on it.
            stream: Random numbers of this (candidate, example, rep).
        """
        ...


@runtime_checkable
class Admits(Protocol):
    """A task that looks at proposed values before they become a candidate."""

    def admit(self, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """The values as they will be used (projected, code cleaned).

        Raises:
            ValueError, SyntaxError: They cannot be used; the proposal is `malformed`.
        """
        ...


@runtime_checkable
class Applies(Protocol):
    """A task whose program can take the values of a candidate for good."""

    def apply(self, candidate: Candidate) -> None:
        """Write the values into the program's parameters."""
        ...


def input_of(example: Example) -> Any:
    """What the program is run on."""
    if isinstance(example, tuple | list) and len(example) == 2:  # noqa: PLR2004  (input, target)
        return example[0]
    if isinstance(example, Mapping) and "input" in example:
        return example["input"]
    return example


def target_of(example: Example) -> Any:
    """What is expected; None where the example does not say."""
    if isinstance(example, tuple | list) and len(example) == 2:  # noqa: PLR2004  (input, target)
        return example[1]
    if isinstance(example, Mapping):
        return example.get("target")
    return None
