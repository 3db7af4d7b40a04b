"""Errors of the trace: what happened, where in the user's program, and how to fix it.

Lives here: every exception the graph raises.
Never here: nodes (an error only carries one), formatting of tracebacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opto.errors import OptoError

if TYPE_CHECKING:
    from opto.trace.nodes import ExceptionNode


class TraceError(OptoError):
    """Something about the trace cannot be done as asked."""

    code: ClassVar[str] = "opto.trace"


class NodeError(TraceError, ValueError):
    """A node was asked for with a name, description or value that cannot be."""

    code = "opto.trace.node"


class ArgumentError(TraceError, TypeError):
    """A function was called with arguments it does not take."""

    code = "opto.trace.argument"


class ImmutableNodeError(TraceError, AttributeError):
    """A computed value was assigned to; only parameters and roots may get another value."""

    code = "opto.trace.immutable"


class TraceMissingInputsError(TraceError):
    """A bundled function read the data of a node that is not among its inputs."""

    code = "opto.trace.missing_inputs"


class SourceError(TraceError, OSError):
    """The source text of a function is needed and cannot be found."""

    code = "opto.trace.source"


class CodeRejected(TraceError, ValueError):  # noqa: N818  (the name says what happened)
    """A proposed text may not become the code of a function: broken, renamed, other imports."""

    code = "opto.trace.code"


class UntrustedCode(TraceError):  # noqa: N818
    """Rewritten code needs what the sandbox cannot give, and the user did not say `trust=True`."""

    code = "opto.trace.untrusted"


class ExecutionError(TraceError):
    """A bundled function raised; the exception is a node that feedback can reach.

    `exception_node` has the inputs of the call as parents, so
    `optimizer.backward(error.exception_node, feedback)` works as on any output.
    """

    code = "opto.trace.execution"

    def __init__(self, exception_node: ExceptionNode) -> None:
        self.exception_node = exception_node
        super().__init__(f"\n\n{exception_node.traceback}")
