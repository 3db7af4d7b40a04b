"""What a family has to say of one of its tasks, and what its fake model has read.

Lives here: the protocols.
Never here: families, frameworks.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Value: TypeAlias = str | int
Values: TypeAlias = Mapping[str, Value]
MALFORMED = 0.03
"""Probability that the fake model says something useless."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the fake model found in a prompt."""

    text: str
    """All of it; hints and gradients are looked for here."""
    values: Mapping[str, str]
    """Component to the present value, as far as the prompt shows it."""
    allowed: tuple[str, ...]
    """Components the prompt asks to change."""
    attempts: tuple[tuple[Mapping[str, str], float], ...] = ()
    """Earlier values with their scores, in the order of the prompt."""


class World(Protocol):
    """One task of a family: scores from 0 to 1, higher is better."""

    @property
    def start(self) -> Values:
        """Component to the value a search starts from."""
        ...

    @property
    def about(self) -> Mapping[str, str]:
        """Component to what a prompt says of it."""
        ...

    @property
    def choices(self) -> Mapping[str, Sequence[Value]] | None:
        """Component to all its values, where they can be listed."""
        ...

    @property
    def size(self) -> int:
        """Number of training and of validation examples."""
        ...

    @property
    def best(self) -> float:
        """True score of the best values there are."""
        ...

    @property
    def exact(self) -> bool:
        """Does everybody know that scores repeat?"""
        ...

    def true(self, values: Values) -> float:
        """Expected score on the population."""
        ...

    def sample(self, values: Values, split: str, example: int, rep: int) -> tuple[float, str]:
        """One measurement and what is said about it; a pure function of its arguments."""
        ...

    def edit(self, shown: Shown, draw: random.Random) -> dict[str, str] | None:
        """The kernel: new values for some allowed components; None is a useless answer."""
        ...

    def figures(self, values: Values) -> dict[str, float]:
        """Further figures of a recommendation, for the table."""
        ...
