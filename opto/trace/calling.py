"""One call of a bundled function, from its arguments to its node.

Lives here: what the function sees, what it reads, how it fails, what is recorded.
Never here: the decorator and its options (`opto.trace.bundle`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar, Token
from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any

from opto.errors import OptoError
from opto.trace import state
from opto.trace.base import Node
from opto.trace.errors import ExecutionError, TraceMissingInputsError
from opto.trace.gather import CONTAINERS, nodes_in, to_data
from opto.trace.info import exception_node
from opto.trace.nodes import MessageNode
from opto.trace.signature import Bound

if TYPE_CHECKING:
    from opto.trace.bundle import FunModule

ALLOW_EXTERNAL_DEPENDENCIES: ContextVar[bool | None] = ContextVar("opto.external", default=None)
"""Overrides what each function says; None leaves it to the functions."""
_OF_THE_PROGRAM = frozenset(
    {"opto.trace.missing_inputs", "opto.trace.untrusted", "sandbox.unavailable"}
)
"""Codes of errors that no other code or parameter could mend."""
running: ContextVar[frozenset[int]] = ContextVar("opto.running", default=frozenset())
"""The functions whose bodies this context is in."""


_NONE: dict[str, Any] = {}


class Call:
    """One call on its way from arguments to node."""

    __slots__ = ("args", "bound", "inputs", "kwargs", "maker", "names", "outer", "reads")

    def __init__(
        self, maker: FunModule[Any, Any], bound: Bound, inputs: tuple[Node[Any], ...]
    ) -> None:
        self.maker, self.bound, self.reads = maker, bound, state.Reads()
        self.outer = state.reads.get()
        self.names, self.inputs = bound.names, inputs
        options = maker.options
        own = None if maker._owner is None else bound.values[0]
        if options.traceable_code or not options.process_inputs:
            seen = [
                value if not options.process_inputs or value is own else parent.detach()
                for parent, value in zip(inputs, bound.values, strict=True)
            ]
        else:
            seen = [to_data(parent._now) for parent in inputs]
        if maker._owner is not None:
            seen[0] = maker._owner  # a method's object is never wrapped or copied
        self.args = seen[: bound.positional]
        self.kwargs = named(bound, seen) if bound.keywords else _NONE
        if maker.parameter is not None:
            self.names, self.inputs = (*bound.names, "__code"), (*inputs, maker.parameter)

    def function(self) -> Callable[..., Any]:
        """The function to run; broken code of a parameter is an exception of that parameter."""
        try:
            return self.maker._function()
        except Exception as fault:
            code = self.maker.parameter
            assert code is not None  # noqa: S101  (only a parameter's text can fail here)
            node = exception_node(
                self.maker, ("code",), (code,), fault, name=f"exception_{code.py_name}"
            )
            raise ExecutionError(node) from fault

    def run(self, function: Callable[..., Any]) -> Any:
        """Call the function, noting what it reads; a generator is run to its end."""
        read = state.reads.set(self.reads)
        inside = self._enter()
        try:
            result = function(*self.args, **self.kwargs)
            return list(result) if isinstance(result, GeneratorType) else result
        except Exception as fault:
            if self._let_through(fault):
                raise
            raise self._failed(fault) from fault
        finally:
            if inside is not None:
                running.reset(inside)
            state.reads.reset(read)

    async def finish_later(self, awaitable: Any) -> MessageNode[Any]:
        """Await the result of an asynchronous function, then record it."""
        read = state.reads.set(self.reads)
        inside = self._enter()
        try:
            result = await awaitable
        except Exception as fault:
            if self._let_through(fault):
                raise
            raise self._failed(fault) from fault
        finally:
            if inside is not None:
                running.reset(inside)
            state.reads.reset(read)
        return self.finish(result)

    def _enter(self) -> Token[frozenset[int]] | None:
        """Note that the function runs, where a call of it by itself is to know."""
        if not self.maker.options.overwrite_python_recursion:
            return None
        return running.set(running.get() | {id(self.maker.fun)})

    def finish(self, result: Any) -> MessageNode[Any]:
        """The node of the call."""
        reads = self.reads
        data = result
        if isinstance(result, Node) or type(result) in CONTAINERS:
            returned = nodes_in(result)
            reads.through(returned)
            data = to_data(result) if returned else result
        plain = self.outer is None and not reads.used and not reads.hidden
        outside = () if plain else self._outside(strict=not self._may_read_outside())
        made = MessageNode.record(data, self.maker, self.names, self.inputs)
        if self.bound.keywords or isinstance(result, Node):
            made._extra = {"positional": self.bound.positional}
            if isinstance(result, Node):
                made._extra["output"] = result
        if outside:
            made._hide(outside)
        return made

    def _let_through(self, fault: Exception) -> bool:
        """Is the exception the program's to handle, not the optimizer's?"""
        if not self.maker.options.catch_execution_error:
            return True
        return isinstance(fault, OptoError) and fault.code in _OF_THE_PROGRAM

    def _failed(self, fault: Exception) -> ExecutionError:
        """The error of the call, its exception a node beside which nothing read is lost."""
        node = exception_node(self.maker, self.names, self.inputs, fault)
        if outside := self._outside(strict=False):
            node._hide(outside)
        return ExecutionError(node)

    def _may_read_outside(self) -> bool:
        """May the function ask for the data of nodes that it was not given?"""
        options, allowed = self.maker.options, ALLOW_EXTERNAL_DEPENDENCIES.get()
        if allowed is None:
            allowed = options.allow_external_dependencies or options.traceable_code
        return allowed or not state.tracing.get()

    def _outside(self, *, strict: bool) -> tuple[Node[Any], ...]:
        """Nodes that were read without being inputs. If `strict`, only operations may read them."""
        used, hidden = self.reads.used, self.reads.hidden
        if self.outer is not None:
            self.outer.through((*self.inputs, *used.values(), *hidden.values()))
        if not used and not hidden:
            return ()
        given = {id(parent) for parent in self.inputs}
        for value, parent in zip(self.bound.values, self.inputs, strict=False):
            if value is not parent:  # a container: its nodes were given with it
                given |= {id(node) for node in parent.parents}
        outside = tuple(node for key, node in used.items() if key not in given)
        if strict and outside:
            names = ", ".join(node.name for node in outside)
            raise TraceMissingInputsError(
                f"{self.maker.op_name} read {names}, not given to it as arguments.",
                fix="Pass them as arguments, or say bundle(allow_external_dependencies=True).",
            )
        more = (node for key, node in hidden.items() if key not in given and key not in used)
        return (*outside, *more)


def disable_external_dependencies_check(allow: bool | None) -> None:
    """Let functions read nodes they were not given, whatever they say; None asks them again.

    Holds for this thread or task, and for the tasks it starts.
    """
    ALLOW_EXTERNAL_DEPENDENCIES.set(allow)


def named(bound: Bound, data: Sequence[Any]) -> dict[str, Any]:
    """The keyword arguments of a call."""
    return dict(zip(bound.keywords, data[bound.positional :], strict=True))


def own_dict(owner: Any) -> dict[str, Any] | None:
    """Where an object keeps its attributes; None for classes and objects with slots."""
    kept = getattr(owner, "__dict__", None)
    return kept if isinstance(kept, dict) else None


def self_node(owner: Any) -> Node[Any]:
    """The node of the object a method is called on; one per object."""
    kept = own_dict(owner)
    found = None if kept is None else kept.get("__TRACE_RESERVED_self_node")
    if found is None or found._value is not owner:
        found = Node(owner, name=type(owner).__qualname__.rpartition(".")[2])
        if kept is not None:
            kept["__TRACE_RESERVED_self_node"] = found
    return found


async def collected(source: AsyncGeneratorType[Any, Any]) -> list[Any]:
    """All items of an asynchronous generator."""
    return [item async for item in source]
