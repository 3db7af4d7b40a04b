"""What is known of a function and of one call of it: `info`, put together when asked for.

Lives here: the `info` dictionary, exception nodes.
Never here: calling functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opto.trace.base import Node

if TYPE_CHECKING:
    from opto.trace.bundle import FunModule
    from opto.trace.nodes import ExceptionNode, MessageNode


def call_info(maker: FunModule[Any, Any], made: MessageNode[Any] | None = None) -> dict[str, Any]:
    """The function's name, place, source and documentation; for a call, also its ins and outs."""
    from opto.trace.source import find_source  # noqa: PLC0415  (needs `inspect`)

    source = find_source(maker.fun)
    info: dict[str, Any] = {
        "fun": maker.fun,
        "fun_name": maker.__name__,
        "_fun_name": getattr(maker.fun, "__qualname__", maker.__name__),
        "doc": maker.__doc__ or "",
        "signature": maker.signature.inspected,
        "source": None if source is None else source.shown,
        "line_number": None if source is None else source.shown_line,
        "file": None if source is None else source.file,
        "error_comment": None,
        "traceback": None,
        "output": None,
        "inputs": {"args": [], "kwargs": {}},
        "external_dependencies": [],
    }
    if maker.parameter is not None:
        info["source"] = maker.parameter.data
    if made is not None:
        info.update(_of_call(made))
    return info


def _of_call(made: MessageNode[Any]) -> dict[str, Any]:
    extra: dict[str, Any] = dict(made._extra or {})
    pairs = [(name, node) for name, node in made.inputs.items() if name != "__code"]
    split = extra.pop("positional", len(pairs))
    return {
        "output": made,
        "inputs": {"args": [node for _, node in pairs[:split]], "kwargs": dict(pairs[split:])},
        "external_dependencies": list(made._hidden),
        **extra,
    }


def exception_node(
    maker: FunModule[Any, Any],
    names: tuple[str, ...],
    inputs: tuple[Node[Any], ...],
    fault: BaseException,
    *,
    name: str | None = None,
) -> ExceptionNode:
    """The exception of one call as a node with the call's inputs as parents."""
    from opto.trace import frames  # noqa: PLC0415  (needed only when something fails)
    from opto.trace.errors import ExecutionError  # noqa: PLC0415
    from opto.trace.nodes import ExceptionNode  # noqa: PLC0415

    if isinstance(fault, ExecutionError):  # of a call inside: its message is the one that matters
        message, found = str(fault.exception_node._value), []
        link: BaseException | None = fault
        while link is not None:  # each call inside has its own part of the traceback
            found += frames.places(link.__traceback__)
            link = link.__cause__ if isinstance(link, ExecutionError) else None
    elif (told := getattr(fault, "places", None)) is not None:  # raised in the sandbox
        message, found = str(getattr(fault, "message", fault)), list(told)
    else:
        message, found = frames.describe(fault), frames.places(fault.__traceback__)
        if isinstance(fault, SyntaxError) and fault.lineno:
            found = [frames.Place(fault.filename or "<code>", fault.lineno, maker.__name__)]
    info = {
        # an operator has no lines of the user's inside; the line that used it is the one to show
        "traceback": frames.traceback_text(message, found or frames.caller()),
        "error_comment": frames.annotated_source(message, found),
    }
    made = ExceptionNode(
        message,
        inputs=dict(zip(names, inputs, strict=True)),
        description=f"[exception] The operator {maker.op_name} raises an exception.",
        name=name or f"exception_{maker.op_name}",
    )
    made._maker, made._extra = maker, info
    return made
