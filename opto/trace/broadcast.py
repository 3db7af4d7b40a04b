"""Applying an operator over whole trees of values.

Lives here: `apply_op`, `recursive_conversion`.
Never here: operators.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from opto.trace.base import Node
from opto.trace.gather import NodeContainer


def apply_op(op: Callable[..., Any], output: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply `op` leaf by leaf over lists, tuples, dicts and `NodeContainer`s of the same shape.

    Args:
        op: An operator on nodes.
        output: Gives the shape; lists, dicts and containers are filled in place. Where a leaf is no
            node, `output` keeps its own value.
        args: Trees of that shape, or single nodes and values used at every leaf.
        kwargs: Likewise.

    Returns:
        `output`; for tuples and leaves a new object.
    """
    trees = [*args, *kwargs.values()]
    if isinstance(output, Node) or any(isinstance(tree, Node) for tree in trees[:1]):
        return op(*args, **kwargs)

    def at(step: Callable[[Any], Any], old: Any) -> Any:
        own = [step(tree) if _same(tree, output) else tree for tree in args]
        named = {key: step(tree) if _same(tree, output) else tree for key, tree in kwargs.items()}
        return apply_op(op, old, *own, **named)

    if isinstance(output, list):
        output[:] = [at(lambda tree, i=i: tree[i], old) for i, old in enumerate(output)]  # type: ignore[misc]
    elif isinstance(output, tuple):
        return tuple(at(lambda tree, i=i: tree[i], old) for i, old in enumerate(output))  # type: ignore[misc]
    elif isinstance(output, dict):
        for key, old in output.items():
            output[key] = at(lambda tree, key=key: tree[key], old)  # type: ignore[misc]
    elif isinstance(output, NodeContainer):
        for name, old in vars(output).items():
            setattr(output, name, at(lambda tree, name=name: getattr(tree, name), old))  # type: ignore[misc]
    return output


def _same(tree: Any, output: Any) -> bool:
    """Has `tree` the shape of `output`, so that one descends into it as well?"""
    return isinstance(tree, type(output)) or isinstance(output, type(tree))


def recursive_conversion(
    true_func: Callable[[Node[Any]], Any], false_func: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    """A function that maps the leaves of a tree of containers.

    Args:
        true_func: Applied to nodes.
        false_func: Applied to the other leaves.
    """

    def convert(tree: Any) -> Any:
        if isinstance(tree, Node):
            return true_func(tree)
        if isinstance(tree, dict):
            return {key: convert(item) for key, item in tree.items()}
        if isinstance(tree, list | tuple | set):
            return type(tree)(convert(item) for item in tree)
        if isinstance(tree, NodeContainer):
            twin = copy.copy(tree)
            for name, item in vars(twin).items():
                setattr(twin, name, convert(item))
            return twin
        return false_func(tree)

    return convert
