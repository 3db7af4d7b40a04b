"""The trace: a computation graph that makes Python trainable.

`node` puts values into the graph, `bundle` makes functions record their calls, `model` makes
classes trainable; `output.backward(feedback)` tells every parameter what was said. Standard
library only.
See README.md beside this file.
"""

from __future__ import annotations

from typing import Any

from opto.trace import (
    call_operators,
    container_operators,
    containers,
    modules,
    nodes,
    operators,
    propagators,
    utils,
)
from opto.trace.broadcast import apply_op
from opto.trace.bundle import bundle
from opto.trace.containers import NodeContainer
from opto.trace.errors import ExecutionError, TraceMissingInputsError
from opto.trace.modules import Model, Module, model
from opto.trace.nodes import ExceptionNode, MessageNode, Node, ParameterNode, node
from opto.trace.state import GRAPH, name_scope, stop_tracing, trial_values

_LATER = frozenset({"draw", "iterators", "projections"})
"""Submodules that are attributes too, but loaded when asked for."""

__all__ = [
    "GRAPH",
    "ExceptionNode",
    "ExecutionError",
    "MessageNode",
    "Model",
    "Module",
    "Node",
    "NodeContainer",
    "ParameterNode",
    "TraceMissingInputsError",
    "apply_op",
    "bundle",
    "call_operators",
    "container_operators",
    "containers",
    "model",
    "modules",
    "name_scope",
    "node",
    "nodes",
    "operators",
    "projections",
    "propagators",
    "stop_tracing",
    "trial_values",
    "utils",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        import importlib  # noqa: PLC0415  (loaded by Python itself already)

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
