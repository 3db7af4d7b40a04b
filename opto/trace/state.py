"""What surrounds the running code: is it traced, under which scope, which nodes may it read.

Everything that changes with time is a context variable, so threads and asyncio tasks never see each
other's. The only process-wide state is the counter that numbers names.

Lives here: `GRAPH`, `stop_tracing`, name scopes, the record of reads, trial values of parameters.
Never here: nodes; a list of all nodes, which would keep every trace alive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any

from opto.trace.errors import TraceError

if TYPE_CHECKING:
    from opto.trace.nodes import Node, ParameterNode

tracing: ContextVar[bool] = ContextVar("opto.tracing", default=True)
scope: ContextVar[tuple[str, ...]] = ContextVar("opto.scope", default=())
reads: ContextVar[Reads | None] = ContextVar("opto.reads", default=None)
trial: ContextVar[Mapping[Any, Any] | None] = ContextVar("opto.trial", default=None)
inbox: ContextVar[Mapping[int, dict[Any, list[Any]]] | None] = ContextVar(
    "opto.inbox", default=None
)
next_serial = count().__next__
"""Numbers nodes in the order they came to be; `next` on a count is atomic."""


class Reads:
    """The nodes that a bundled function reads while it runs."""

    __slots__ = ("hidden", "since", "used")

    def __init__(self) -> None:
        self.since = next_serial()
        self.used: dict[int, Node[Any]] = {}
        """Those whose `data` the function itself asked for."""
        self.hidden: dict[int, Node[Any]] = {}
        """Those that operations called by the function read."""

    def note(self, node: Node[Any]) -> None:
        """Remember that `node` was read, unless the function itself made it."""
        if node.serial < self.since:
            self.used[id(node)] = node

    def through(self, nodes: Iterable[Node[Any]]) -> None:
        """Remember that an operation called by the function read `nodes`."""
        for node in nodes:
            if node.serial < self.since:
                self.hidden[id(node)] = node


class _ReadSet(Reads):
    """Reads of every node, new ones too, as the set that `trace_nodes` gives."""

    __slots__ = ("nodes",)

    def __init__(self) -> None:
        self.nodes: set[Node[Any]] = set()

    def note(self, node: Node[Any]) -> None:
        self.nodes.add(node)

    def through(self, nodes: Iterable[Node[Any]]) -> None:
        self.nodes.update(nodes)


@contextmanager
def trace_nodes() -> Iterator[set[Node[Any]]]:
    """The nodes read in this block; the set fills while the block runs."""
    noted = _ReadSet()
    token = reads.set(noted)
    try:
        yield noted.nodes
    finally:
        reads.reset(token)


class Graph:
    """Counts names. It holds no node: what nobody else holds is garbage.

    `TRACE` reads and sets whether the current context is traced.
    """

    def __init__(self) -> None:
        self._counters: dict[str, Any] = {}

    def number(self, base: str) -> int:
        """The next free index of `base`. Atomic, so no two nodes share a name."""
        counter = self._counters.get(base)
        if counter is None:
            counter = self._counters.setdefault(base, count().__next__)
        index: int = counter()
        return index

    def clear(self) -> None:
        """Start numbering anew. Nodes that are alive keep their names."""
        self._counters.clear()

    def get(self, name: str) -> Any:
        """Refused: there is no list of nodes to look in."""
        raise TraceError(
            f"The graph keeps no nodes, so {name!r} cannot be looked up.",
            fix="Hold the node in a variable, or walk from an output: `output.parents`.",
        )

    @property
    def TRACE(self) -> bool:  # noqa: N802  (the name users of Trace know)
        """Is the current context traced?"""
        return tracing.get()

    @TRACE.setter
    def TRACE(self, on: bool) -> None:  # noqa: N802
        tracing.set(on)

    @property
    def ALLOW_NESTED_GRAPHS(self) -> bool:  # noqa: N802
        """Do parameters used inside a bundled function hear feedback on its output? Always."""
        return True

    @ALLOW_NESTED_GRAPHS.setter
    def ALLOW_NESTED_GRAPHS(self, on: bool) -> None:  # noqa: N802
        if not on:
            raise TraceError(
                "Parameters used inside bundled functions always hear feedback.",
                fix="Compute with `stop_tracing()` what must not be part of the trace.",
            )


GRAPH = Graph()


class _Scopes:
    """The list of open scopes, as Trace's users know it; each context has its own."""

    def append(self, name: str) -> None:
        scope.set((*scope.get(), name))

    def pop(self) -> str:
        *rest, last = scope.get()
        scope.set(tuple(rest))
        return last

    def __len__(self) -> int:
        return len(scope.get())

    def __getitem__(self, index: int) -> str:
        return scope.get()[index]


NAME_SCOPES = _Scopes()


@contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Prefix the names of nodes made in this block with `name/`. Nests; the innermost shows."""
    token = scope.set((*scope.get(), name))
    try:
        yield
    finally:
        scope.reset(token)


@contextmanager
def stop_tracing() -> Iterator[None]:
    """Compute without recording in this block: outputs keep no inputs.

    Nests, and holds for the current thread or task only; tasks started inside inherit it.
    """
    token = tracing.set(False)
    try:
        yield
    finally:
        tracing.reset(token)


@contextmanager
def trial_values(values: Mapping[ParameterNode[Any], Any]) -> Iterator[None]:
    """Let parameters have other values in this block, for this thread or task only.

    This is how many candidates of one program are evaluated at once without copying it. Blocks
    nest; the inner one wins. Traces made inside show these values as long as the block is open.

    Raises:
        TraceError: What shall have another value is no parameter.
    """
    if odd := [key for key in values if not hasattr(key, "projections")]:
        raise TraceError(
            f"{odd[0]!r} is no parameter, so it has no trial value.",
            fix="Make it one: node(x, trainable=True).",
        )
    token = trial.set({**(trial.get() or {}), **values})
    try:
        yield
    finally:
        trial.reset(token)
