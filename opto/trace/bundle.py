"""Functions as operations of the graph.

Lives here: `bundle`, and `FunModule`, the function that records its calls.
Never here: the source of a trainable function (`opto.trace.code`), running text.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Sequence
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any, Concatenate, Never, ParamSpec, Protocol, TypeVar, overload

from opto.trace import state
from opto.trace.base import Node
from opto.trace.calling import (
    ALLOW_EXTERNAL_DEPENDENCIES,
    Call,
    collected,
    disable_external_dependencies_check,
    named,
    own_dict,
    running,
    self_node,
)
from opto.trace.errors import ExecutionError, NodeError, TraceMissingInputsError
from opto.trace.gather import as_node, detach_inputs, to_data, wrap_node
from opto.trace.info import call_info, exception_node
from opto.trace.modules import Module
from opto.trace.nodes import ExceptionNode, MessageNode, ParameterNode
from opto.trace.options import Options
from opto.trace.signature import Bound, Signature
from opto.trace.state import trace_nodes
from opto.trace.text import clean_doc, split_description

if TYPE_CHECKING:
    from opto.trace.code import Code
    from opto.trace.projections import Projection

__all__ = [
    "ALLOW_EXTERNAL_DEPENDENCIES",
    "ExceptionNode",
    "ExecutionError",
    "FunModule",
    "TraceMissingInputsError",
    "bundle",
    "detach_inputs",
    "disable_external_dependencies_check",
    "to_data",
    "trace_nodes",
    "wrap_node",
]

P = ParamSpec("P")
Q = ParamSpec("Q")
C_co = TypeVar("C_co", covariant=True)
C = TypeVar("C")
R = TypeVar("R")
S = TypeVar("S")


class FunModule(Module[P, C_co]):
    """A function that records each call as one node, made by `bundle`."""

    def __init__(self, function: Callable[..., Any], options: Options, *, doc: str) -> None:
        """Wrap `function`; `doc` is `"[operation] what it does"` or the text alone."""
        if not callable(function):
            raise NodeError(f"bundle() decorates functions, not {type(function).__name__}.")
        self.fun = function
        self.options = options
        self.output_name = options.output_name
        name = getattr(function, "__qualname__", type(function).__name__)
        self.__name__ = getattr(function, "__name__", name)
        self.__doc__ = getattr(function, "__doc__", None)
        self.__wrapped__ = function
        self.op_name, self.doc = name.rpartition("<locals>.")[2], clean_doc(doc)
        if doc.startswith("["):
            self.op_name, self.doc = split_description(clean_doc(doc))
        self.signature = Signature(function)
        self.parameter: ParameterNode[str] | None = None
        self.code: Code | None = None
        self.slot = self.__name__
        self._owner: Any = None

    @property
    def name(self) -> str:
        """The operation."""
        return self.op_name

    @property
    def description(self) -> str:
        """`"[operation] what it does"`."""
        return f"[{self.op_name}] {self.doc}".rstrip()

    @property
    def trainable(self) -> bool:
        """Is the source a parameter?"""
        return self.parameter is not None

    @property
    def info(self) -> dict[str, Any]:
        """What is known of the function: source, place, signature, documentation."""
        return call_info(self)

    def info_of(self, node: MessageNode[Any]) -> dict[str, Any]:
        """What is known of the call that made `node`."""
        return call_info(self, node)

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = name

    @overload
    def __get__(self, instance: None, owner: type) -> FunModule[P, C_co]: ...
    @overload
    def __get__(
        self: FunModule[Concatenate[S, Q], C], instance: S, owner: type
    ) -> FunModule[Q, C]: ...

    def __get__(self: Any, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        bound = object.__new__(FunModule)
        bound.__dict__.update(self._of(instance).__dict__)
        bound._owner = instance
        return bound

    def _of(self, instance: Any) -> FunModule[Any, Any]:
        """This method as `instance` has it: each instance trains code of its own."""
        kept = own_dict(instance)
        if self.parameter is None or kept is None:
            return self
        slot = f"__TRACE_RESERVED_bundle_{self.slot}"
        own = kept.get(slot)
        if own is None or own.fun is not self.fun:
            own = kept.setdefault(slot, self.detach())
        return own  # type: ignore[no-any-return]

    def detach(self) -> FunModule[P, C_co]:
        """A copy whose code is a parameter of its own."""
        twin = self.__copy__()
        if self.parameter is not None:
            twin.parameter = self.parameter.detach()  # type: ignore[assignment]
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> FunModule[P, C_co]:
        twin = self.__copy__()
        if self.parameter is not None:
            import copy  # noqa: PLC0415

            twin.parameter = copy.deepcopy(self.parameter, memo)
        return twin

    def __copy__(self) -> FunModule[P, C_co]:
        twin: FunModule[P, C_co] = object.__new__(FunModule)
        twin.__dict__.update(self.__dict__)
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        if self._owner is not None:
            return getattr, (self._owner, self.slot)
        from opto.trace.pickled import function_again, place_of  # noqa: PLC0415  (rarely needed)

        kept = {key: self.__dict__[key] for key in ("doc", "op_name", "output_name", "parameter")}
        found = (*place_of(self.fun), self.options, self.trainable)
        return function_again, found, kept

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> C_co: ...
    @overload
    def __call__(self, a: Node[Any], /, *args: Any, **kwargs: Any) -> C_co: ...
    @overload
    def __call__(self, a: Any, b: Node[Any], /, *args: Any, **kwargs: Any) -> C_co: ...
    @overload
    def __call__(self, a: Any, b: Any, c: Node[Any], /, *args: Any, **kwargs: Any) -> C_co: ...
    @overload
    def __call__(self, **kwargs: Node[Any]) -> C_co: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function on the data of the arguments and record the call."""
        if self.options.overwrite_python_recursion and id(self.fun) in running.get():
            return self._function()(*args, **kwargs)
        if self._owner is not None:
            args = (self_node(self._owner), *args)
        bound = self.signature.bind(args, kwargs)
        inputs = tuple(map(as_node, bound.values, bound.names))
        if self.options.quick:
            return self._quick(bound, inputs)
        return self._call(bound, inputs)

    forward = __call__

    def _quick(self, bound: Bound, inputs: tuple[Node[Any], ...]) -> MessageNode[Any]:
        """Run an operator: it is known to read nothing but its arguments."""
        data = [parent._now for parent in inputs]
        if (reads := state.reads.get()) is not None:
            reads.through(inputs)
        try:
            if bound.keywords:
                result = self.fun(*data[: bound.positional], **named(bound, data))
            else:
                result = self.fun(*data)
        except Exception as fault:
            raise ExecutionError(exception_node(self, bound.names, inputs, fault)) from fault
        return MessageNode.record(to_data(result), self, bound.names, inputs)

    def _call(self, bound: Bound, inputs: tuple[Node[Any], ...]) -> Any:
        """Run a user's function, noting what it reads."""
        record = Call(self, bound, inputs)
        result = record.run(record.function())
        if hasattr(result, "__await__"):
            return record.finish_later(result)
        if isinstance(result, AsyncGeneratorType):
            return record.finish_later(collected(result))
        return record.finish(result)

    def _function(self) -> Callable[..., Any]:
        """The function as the parameter has it now."""
        return self.fun if self.code is None else self.code.function(self)


class Bundler(Protocol):
    """The decorator that `bundle(...)` gives."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Coroutine[Any, Any, R]]
    ) -> FunModule[P, Coroutine[Any, Any, Node[R]]]: ...
    @overload
    def __call__(self, function: Callable[P, Node[R]]) -> FunModule[P, Node[R]]: ...
    @overload
    def __call__(self, function: Callable[P, R]) -> FunModule[P, Node[R]]: ...


def bundle(  # noqa: PLR0913  (Trace's signature, and what code parameters need)
    description: str | None = None,
    traceable_code: bool = False,
    _process_inputs: bool = True,
    trainable: bool = False,
    catch_execution_error: bool = True,
    allow_external_dependencies: bool = False,
    overwrite_python_recursion: bool = False,
    *,
    projections: Sequence[Projection] | None = None,
    output_name: str | None = None,
    trust: bool = False,
    allow_imports: bool | Sequence[str] = (),
    allow_signature_change: bool = False,
    timeout_s: float = 10.0,
    **unknown: Never,
) -> Bundler:
    """Make a function an operation of the graph: each call becomes one node.

    The function gets the data of its arguments; arguments may be nodes, values, or lists, tuples,
    sets and dicts that hold nodes. A generator's items are collected into a list; the call of an
    asynchronous function is awaited.

    Args:
        description: `"[operation] what it does"`; the name and docstring when None.
        traceable_code: Give the function copies of the nodes, and record its inside as a graph.
        _process_inputs: False hands the arguments over as they came.
        trainable: Make the source a parameter, `f.parameter`.
        catch_execution_error: Turn an exception into an `ExecutionError` that feedback can reach.
        allow_external_dependencies: Let the function read nodes that are not its arguments.
        overwrite_python_recursion: Do not record calls of the function by itself.
        projections: Applied to every proposed source.
        output_name: Base name of the output; the operation when None.
        trust: Run rewritten source in this process. Without it, in the sandbox only.
        allow_imports: Modules a rewrite may import besides those imported here; True for all.
        allow_signature_change: Let a rewrite have other parameters.
        timeout_s: Longest a call of rewritten source may take in the sandbox, seconds.
        **unknown: An ArgumentError that names a near miss.

    Raises:
        SourceError: `trainable`, but the source text cannot be found.
        NodeError: What is decorated is no function, or `@bundle` has no parentheses.
    """
    if unknown:
        from opto.trace.wrong import unknown_option  # noqa: PLC0415  (a call that is wrong)

        known = bundle.__code__.co_varnames
        raise unknown_option("bundle", unknown, known[: known.index("unknown")])
    if callable(description):
        raise NodeError("bundle is used with parentheses.", fix="Write @bundle().")
    options = Options(
        traceable_code=traceable_code,
        process_inputs=_process_inputs,
        catch_execution_error=catch_execution_error,
        allow_external_dependencies=allow_external_dependencies,
        overwrite_python_recursion=overwrite_python_recursion,
        output_name=output_name,
        trust=trust,
        allow_imports=allow_imports if isinstance(allow_imports, bool) else tuple(allow_imports),
        allow_signature_change=allow_signature_change,
        timeout_s=timeout_s,
    )

    def decorate(function: Callable[..., Any]) -> FunModule[Any, Any]:
        if isinstance(function, FunModule):
            function = function.fun
        doc = description or getattr(function, "__doc__", None) or ""
        made: FunModule[Any, Any] = FunModule(function, options, doc=doc)
        if trainable:
            from opto.trace.code import make_trainable  # noqa: PLC0415  (needs `ast`)

            make_trainable(made, sys._getframe(1), projections)
        return made

    return decorate
