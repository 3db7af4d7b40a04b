"""Every name that programs written for Trace import from `opto.trace` is there."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from opto import trace

NAMES = {
    "opto.trace": (
        "node Node GRAPH stop_tracing bundle ExecutionError Module Model model NodeContainer "
        "apply_op propagators operators projections utils nodes modules containers iterators"
    ),
    "opto.trace.nodes": (
        "node Node ParameterNode MessageNode ExceptionNode AbstractNode GRAPH Graph NAME_SCOPES "
        "IDENTITY_OPERATORS get_op_name"
    ),
    "opto.trace.bundle": (
        "bundle FunModule ExecutionError TraceMissingInputsError ExceptionNode to_data wrap_node "
        "detach_inputs trace_nodes disable_external_dependencies_check ALLOW_EXTERNAL_DEPENDENCIES"
    ),
    "opto.trace.errors": "ExecutionError TraceMissingInputsError",
    "opto.trace.modules": "Module Model model",
    "opto.trace.containers": "NodeContainer ParameterContainer Seq Map trainable_method",
    "opto.trace.broadcast": "apply_op recursive_conversion",
    "opto.trace.iterators": "iterate SeqIterable DictIterable",
    "opto.trace.propagators": "Propagator SumPropagator GraphPropagator TraceGraph",
    "opto.trace.propagators.propagators": "AbstractPropagator AbstractFeedback",
    "opto.trace.projections": "Projection BlackCodeFormatter DocstringProjection",
    "opto.trace.utils": (
        "contain sum_feedback for_all_methods parse_eqs_to_dict dedent remove_non_ascii"
    ),
}
PLACES = [(module, name) for module, names in NAMES.items() for name in names.split()]


@pytest.mark.parametrize(("module", "name"), PLACES, ids=".".join)
def test_a_name_is_where_trace_has_it(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


def test_bundle_is_a_module_to_import_from_and_a_function_as_attribute() -> None:
    assert callable(trace.bundle)
    assert importlib.import_module("opto.trace.bundle").bundle is trace.bundle


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nodez'"):
        importlib.import_module("opto.trace").nodez  # noqa: B018


def test_importing_the_trace_loads_the_standard_library_only_and_little_of_it() -> None:
    probe = (
        "import sys, opto.trace; heavy = {'ast', 'inspect', 'asyncio', 'json', 'dataclasses', "
        "'numpy', 'pydantic', 'graphviz', 'black'}; print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-S", "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    assert done.stdout.strip() == "[]"
