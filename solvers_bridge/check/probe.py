"""Checks by trying: evaluate rows key by key, as far as a small budget of work goes.

Lives here: keys outside their sets (`t-1` at the first period), divisions by zero, rows that
cannot hold because nothing in them is a variable, computed bounds that cross.
Never here: anything that can be said without numbers. A model too large for the budget is tried
in part; the compiler looks at every row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction

from solvers_bridge.check.findings import Report
from solvers_bridge.check.symbols import Symbols
from solvers_bridge.errors import BridgeError
from solvers_bridge.ir.expression import parse_expression, parse_forall
from solvers_bridge.ir.model import Constraint, Model, Variable
from solvers_bridge.ir.reference import (
    OutsideSetError,
    Reading,
    Reference,
    Scope,
    TooLargeError,
    bounds_at,
)
from solvers_bridge.ir.tables import Keys, brief, combinations, shown

_STEPS_PER_ITEM = 10_000
_STEPS_IN_ALL = 200_000
_HOLDS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def probe(symbols: Symbols, report: Report) -> None:
    """Evaluate what the budget allows of a model without static errors, all variables at 0."""
    model, reference = symbols.model, symbols.reference
    left = _STEPS_IN_ALL
    jobs: list[tuple[str, Callable[[Reference, _Try], None]]] = []
    jobs += [(f"sets[{at}].where", _axis(s.name)) for at, s in enumerate(model.sets) if s.where]
    jobs.append(("objective.expr", _objective(model)))
    jobs += [(f"constraints[{at}]", _rows(item)) for at, item in enumerate(model.constraints)]
    jobs += [(f"variables[{at}]", _bounds(item)) for at, item in enumerate(model.variables)]
    for path, job in jobs:
        reference.steps_left = allowed = min(left, _STEPS_PER_ITEM)
        attempt = _Try(report, path)
        with suppress(_Stop, TooLargeError), attempt.at("", {}):
            job(reference, attempt)
        left -= allowed - max(0, reference.steps_left)


class _Try:
    """Turns the first exception of one item into a finding, with the indices it happened at."""

    def __init__(self, report: Report, path: str) -> None:
        self.report, self.path = report, path
        self.met_variable = False

    def zero(self, _name: str, _key: Keys) -> Fraction:
        """The value of every variable."""
        self.met_variable = True
        return Fraction()

    @contextmanager
    def at(self, part: str, scope: Scope) -> Iterator[None]:
        """Report what goes wrong in here at `path` + `part`, and stop the item."""
        try:
            yield
        except TooLargeError:
            raise
        except BridgeError as fault:
            code = "outside-set" if isinstance(fault, OutsideSetError) else "not-computable"
            place = ", ".join(f"{name}={brief(key)}" for name, key in scope.items())
            message = f"{'at ' + place + ': ' if place else ''}{fault.what.rstrip('.')}"
            self.report.error(self.path + part, code, message, fault.fix)
            raise _Stop from None


class _Stop(Exception):  # noqa: N818 - ends the trial of one item; never leaves this module
    """One finding per item is enough."""


def _axis(name: str) -> Callable[[Reference, _Try], None]:
    def job(reference: Reference, attempt: _Try) -> None:
        if not reference.axis(name).size:
            message = f'no key fulfils the condition of set "{name}"'
            attempt.report.error(attempt.path, "empty-set", message, "Check the condition.")

    return job


def _objective(model: Model) -> Callable[[Reference, _Try], None]:
    def job(reference: Reference, attempt: _Try) -> None:
        tree = parse_expression(model.objective.expr, where="")
        Reading(reference, "", attempt.zero).number(tree, {})

    return job


def _rows(item: Constraint) -> Callable[[Reference, _Try], None]:
    def job(reference: Reference, attempt: _Try) -> None:
        reading = Reading(reference, "", attempt.zero)
        sides = [(p, parse_expression(getattr(item, p[1:]), where="")) for p in (".lhs", ".rhs")]
        scopes = reading.scopes(parse_forall(item.forall, where=""), {})
        scope: Scope = {}
        count = 0
        while True:
            with attempt.at(".forall", {}):
                found = next(scopes, None)
            if found is None:
                break
            scope, count = found, count + 1
            attempt.met_variable = False
            values = []
            for part, tree in sides:
                with attempt.at(part, scope):
                    values.append(reading.number(tree, scope))
            if not attempt.met_variable and not _HOLDS[item.relation](values[0], values[1]):
                _report_hopeless(item, scope, values, attempt)
                break
        if not count:
            message = f'constraint "{item.name}" has no rows: no key passes its clauses'
            fix = "Check the sets and the filter."
            attempt.report.warn(f"{attempt.path}.forall", "empty-set", message, fix)

    return job


def _report_hopeless(item: Constraint, scope: Scope, values: list[Fraction], attempt: _Try) -> None:
    place = ", ".join(f"{name}={brief(key)}" for name, key in scope.items())
    claim = f"{brief(values[0])} {item.relation} {brief(values[1])}"
    message = f"at {place or 'its only row'}: no variable is left and {claim} is false"
    fix = "Check the filter and the tuple set; as it stands the model has no solution."
    attempt.report.warn(attempt.path, "no-variables", message, fix)


def _bounds(item: Variable) -> Callable[[Reference, _Try], None]:
    def job(reference: Reference, attempt: _Try) -> None:
        if not (isinstance(item.lower, str) or isinstance(item.upper, str)):
            return
        for key in combinations(reference.axes(item.index)):
            scope = {f"i{place}": part for place, part in enumerate(key)}
            with attempt.at("", scope):
                lower, upper = bounds_at(reference, item, key, path="")
                if lower is not None and upper is not None and lower > upper:
                    message = f"at {shown(key)}: {brief(lower)} is above {brief(upper)}"
                    fix = "Correct the bound or the numbers it uses."
                    attempt.report.error(attempt.path, "bounds-crossed", message, fix)
                    return

    return job
