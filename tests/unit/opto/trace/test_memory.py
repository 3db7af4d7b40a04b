"""A trace lives as long as somebody holds its output, and no longer."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from opto.trace import ExecutionError, bundle, node
from opto.trace.nodes import Node


@pytest.fixture(autouse=True)
def _counting_only() -> Iterator[None]:
    """Without the collector, only reference counts free anything."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def nodes_alive() -> int:
    return sum(isinstance(found, Node) for found in gc.get_objects())


@bundle()
def double(x: int) -> int:
    """Twice x."""
    return 2 * x


def test_a_dropped_forward_pass_frees_everything_but_the_parameter() -> None:
    p = node(1, trainable=True)
    before = nodes_alive()

    out = double(p + 1) * double(p)
    seen = weakref.ref(out)
    assert nodes_alive() > before
    del out

    assert seen() is None
    assert nodes_alive() == before
    assert p.children == []


def test_a_long_chain_is_freed_without_recursion() -> None:
    p = node(0, trainable=True)
    before = nodes_alive()

    out = p
    for _ in range(100_000):
        out = out + 1
    assert out == 100_000
    del out

    assert nodes_alive() == before


def test_backward_through_a_long_chain_does_not_recurse() -> None:
    p = node(0, trainable=True)
    out = p
    for _ in range(100_000):
        out = out + 1

    out.backward("shorter")

    [[heard]] = p.feedback.values()
    assert len(heard.nodes) == 200_001


def test_feedback_keeps_its_trace_until_it_is_zeroed() -> None:
    p = node(1, trainable=True)
    out = double(p)
    seen = weakref.ref(out)

    out.backward("more")
    del out
    assert seen() is not None

    p.zero_feedback()
    assert seen() is None


def test_a_thousand_untrained_passes_leave_nothing_behind() -> None:
    p = node(1, trainable=True)

    for _ in range(1000):
        double(p) + 1

    assert p._kids == {}


def test_other_rules_leave_nothing_behind_either() -> None:
    from opto.trace.propagators import SumPropagator  # noqa: PLC0415

    p = node(1, trainable=True)
    before = nodes_alive()

    (double(p) * 2).backward("more", propagator=SumPropagator())
    p.zero_feedback()

    assert nodes_alive() == before


def test_a_caught_error_is_freed_with_its_variables() -> None:
    @bundle()
    def fail(x: int) -> int:
        raise ValueError("no")

    p = node(1, trainable=True)
    before = nodes_alive()

    def attempt() -> Any:
        try:
            fail(p + 1)
        except ExecutionError as error:
            return error.exception_node.data

    assert attempt() == "(ValueError) no"
    assert nodes_alive() == before


def test_bundles_keep_neither_their_arguments_nor_their_output() -> None:
    x = node([1])
    seen = weakref.ref(x)

    double(x)
    del x

    assert seen() is None


def test_methods_of_dropped_objects_are_freed() -> None:
    class Tool:
        @bundle(trainable=True)
        def use(self, x: int) -> int:
            return x

    tool = Tool()
    tool.use(1)
    seen = weakref.ref(tool)
    del tool
    gc.collect()  # an object and the node of itself are a cycle

    assert seen() is None
