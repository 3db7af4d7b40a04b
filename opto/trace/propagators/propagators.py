"""Rules that turn feedback on a node into feedback on its parents.

Lives here: `Propagator` to derive from, `SumPropagator`, what a feedback value must be able to do.
Never here: the walk over the graph (`opto.trace.propagators`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import Any

from opto.trace.base import Node
from opto.trace.nodes import MessageNode


class AbstractFeedback(ABC):
    """A feedback value: it can be added to another, and to 0, which changes nothing."""

    @abstractmethod
    def __add__(self, other: Any) -> Any: ...

    def __radd__(self, other: Any) -> Any:
        return self if other == 0 else self.__add__(other)

    def is_empty(self) -> bool:
        """Does it say nothing?"""
        return False


class AbstractPropagator(ABC):
    """What `backward` needs of a rule."""

    def __call__(self, child: MessageNode[Any]) -> dict[Node[Any], Any]:
        """Feedback for each parent of `child`, from `child.feedback`."""
        return self.propagate(child)

    @abstractmethod
    def propagate(self, child: MessageNode[Any]) -> dict[Node[Any], Any]:
        """Feedback for each parent of `child`, from `child.feedback`. Changes nothing."""

    @abstractmethod
    def init_feedback(self, node: Node[Any], feedback: Any) -> Any:
        """The feedback value of the output, from what the user said about it."""


Rule = Callable[[MessageNode[Any]], dict[Node[Any], Any]]


class Propagator(AbstractPropagator):
    """A rule with exceptions for single operations: derive, write `_propagate`, `register`."""

    def __init__(self) -> None:
        self.override: dict[str, Rule] = {}

    def register(self, operator_name: str, propagate_function: Rule) -> None:
        """Use another rule for the nodes that the operation `operator_name` made."""
        self.override[operator_name] = propagate_function

    def propagate(self, child: MessageNode[Any]) -> dict[Node[Any], Any]:
        return self.override.get(child.op_name, self._propagate)(child)

    @abstractmethod
    def _propagate(self, child: MessageNode[Any]) -> dict[Node[Any], Any]: ...

    def init_feedback(self, node: Node[Any], feedback: Any) -> Any:
        del node  # the same words, whatever they are about
        return feedback


def total(parts: Sequence[Any]) -> Any:
    """Feedback added up; texts joined by lines, each once; 0 where there is none."""
    if not parts:
        return 0
    if all(isinstance(part, str) for part in parts):
        return "\n".join(dict.fromkeys(parts))
    return reduce(add, parts)


def merged(node: Node[Any]) -> Any:
    """All feedback on `node` added up; 0 where there is none."""
    return total([part for said in node.feedback.values() for part in said])


class SumPropagator(Propagator):
    """Every parent hears the sum of what the child heard. Text is joined, each text once."""

    def _propagate(self, child: MessageNode[Any]) -> dict[Node[Any], Any]:
        return dict.fromkeys(child._sources, merged(child))
