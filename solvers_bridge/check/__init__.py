"""Checks of a model before any solver sees it: what is wrong, where, and how to fix it.

Lives here: `check`, which runs all of them in order of cost, and `Finding`, what they return.
Never here: repairs, solvers, compilation; numpy is loaded only for tables of many numbers.

Codes of errors: syntax, unknown-name, reserved-name, duplicate-name, duplicate-key, bad-set,
empty-set, bad-data, wrong-arity, wrong-index-set, wrong-type, wrong-size, too-large, missing-data,
not-finite, coefficient-range, binary-bounds, bounds-crossed, nonlinear, no-variables,
constant-objective, outside-set, not-computable. Codes of warnings: unused-set, unused-parameter,
unused-variable, unused-index, unused-objective, unit-mismatch, strict-on-reals; and, where the
model may be meant so, empty-set, wrong-index-set, coefficient-range and no-variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvers_bridge.check.declarations import check_declarations
from solvers_bridge.check.expressions import check_expressions
from solvers_bridge.check.findings import Finding, Report, Severity
from solvers_bridge.check.numbers import check_numbers
from solvers_bridge.check.probe import probe
from solvers_bridge.check.symbols import Symbols
from solvers_bridge.ir.model import Model

__all__ = ["Finding", "Severity", "check"]


def check(model: Model, data: Mapping[str, Any] | None = None) -> list[Finding]:
    """All faults of `model` that can be found without a solver; none means it will compile.

    Args:
        model: Any model, however bad: this returns findings and does not raise.
        data: Parameter values instead of `model.data`: numbers, nested lists or arrays shaped
            like the index sets of their parameters (a tuple set is one axis).

    Returns:
        Errors and warnings: of declarations, expressions, numbers, and of a bounded trial
        evaluation when there are no errors. Cost: O(size of the model and its sets), vectorized
        over numbers.
    """
    report = Report()
    symbols = Symbols(model, data or {})
    check_declarations(symbols, report)
    check_expressions(symbols, report)
    check_numbers(symbols, report)
    if not report.failed:
        probe(symbols, report)
    return list(report.findings)
