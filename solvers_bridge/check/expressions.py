"""Checks of every expression of a model: sets, bounds, constraints, objective, and what is unused.

Lives here: which text is read how, and what must be true of it as a whole.
Never here: the walk over a tree (`check.algebra`); numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from solvers_bridge.check.algebra import Meaning, Scope, Walk, check_units
from solvers_bridge.check.findings import Report
from solvers_bridge.check.symbols import Symbols
from solvers_bridge.check.units import parse_unit
from solvers_bridge.errors import ExpressionError
from solvers_bridge.ir.expression import parse_condition, parse_expression, parse_forall
from solvers_bridge.ir.model import Constraint, IndexSet, Objective, Variable


def check_expressions(symbols: Symbols, report: Report) -> None:
    """Report what is wrong with the expressions of `symbols.model`, then what nothing uses."""
    model = symbols.model
    for at, item in enumerate(model.sets):
        if item.where is not None:
            _check_where(symbols, item, f"sets[{at}].where", report)
    for at, variable in enumerate(model.variables):
        _check_bounds(symbols, variable, f"variables[{at}]", report)
    in_use: set[str] = set()
    for at, constraint in enumerate(model.constraints):
        in_use |= _check_constraint(symbols, constraint, f"constraints[{at}]", report)
    in_use |= _check_objective(symbols, model.objective, report)
    if not any(finding.code == "syntax" for finding in report.findings):
        _check_unused(symbols, in_use, report)


def _check_unused(symbols: Symbols, in_use: set[str], report: Report) -> None:
    model = symbols.model
    for at, variable in enumerate(model.variables):
        if variable.name not in in_use:
            message = f'variable "{variable.name}" is in no constraint and not in the objective'
            report.warn(f"variables[{at}]", "unused-variable", message, "Use it or leave it out.")
    names = [(f"parameters[{at}]", item.name) for at, item in enumerate(model.parameters)]
    names += [(f"sets[{at}]", item.name) for at, item in enumerate(model.sets)]
    for path, name in names:
        if name not in symbols.used:
            kind = "set" if path.startswith("sets") else "parameter"
            message = f'{kind} "{name}" is not used'
            report.warn(path, f"unused-{kind}", message, "Use it or leave it out.")


def _parsed(read: Callable[..., ast.expr], text: str, path: str, report: Report) -> ast.expr | None:
    """The tree of `text`; None after reporting why there is none."""
    try:
        return read(text, where=path)
    except ExpressionError as fault:
        _report_syntax(fault, path, report)
        return None


def _report_syntax(fault: ExpressionError, path: str, report: Report) -> None:
    report.error(path, "syntax", fault.what.rstrip("."), fault.fix)


def _key_scope(bases: Sequence[str] | None) -> dict[str, str]:
    return {f"i{place}": base for place, base in enumerate(bases or ())}


def _check_where(symbols: Symbols, item: IndexSet, path: str, report: Report) -> None:
    tree = _parsed(parse_condition, item.where or "", path, report)
    if tree is None or item.tuples_of is None:
        return
    bases = symbols.flat(item.tuples_of)
    if bases is None or not all(symbols.base(base) for base in bases):
        return
    Walk(symbols, report, path).condition(tree, _key_scope(bases))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    sets = names & symbols.sets.keys()
    for name in names & symbols.parameters.keys():
        sets |= symbols.sets.keys() & set(symbols.parameters[name].index)
    for name in sorted(name for name in sets if symbols.sets[name].where is not None):
        message = f'the condition needs "{name}", which is made by a condition itself'
        fix = f'List the `rows` of "{name}", or use a parameter over list or range sets.'
        report.error(path, "bad-set", message, fix)


def _check_bounds(symbols: Symbols, item: Variable, path: str, report: Report) -> None:
    scope = _key_scope(symbols.flat(item.index))
    for side, bound in (("lower", item.lower), ("upper", item.upper)):
        if not isinstance(bound, str):
            continue
        where = f"{path}.{side}"
        tree = _parsed(parse_expression, bound, where, report)
        if tree is not None:
            walk = Walk(symbols, report, where, only_parameters="a bound")
            meaning = walk.number(tree, scope)
            units = (parse_unit(item.unit), meaning.unit)
            check_units(report, where, units, what="variable and bound are in")


def _check_constraint(symbols: Symbols, item: Constraint, path: str, report: Report) -> set[str]:
    """Check one constraint; returns the names of its variables."""
    clause_walk = Walk(symbols, report, f"{path}.forall")
    scope: Scope = {}
    clauses = None
    try:
        clauses = parse_forall(item.forall, where=f"{path}.forall")
        scope = clause_walk.clauses(clauses, {})
    except ExpressionError as fault:
        _report_syntax(fault, f"{path}.forall", report)
    walks = [Walk(symbols, report, f"{path}.{side}") for side in ("lhs", "rhs")]
    trees = [
        _parsed(parse_expression, text, walk.path, report)
        for walk, text in zip(walks, (item.lhs, item.rhs), strict=True)
    ]
    if clauses is None or None in trees:
        return set()
    left, right = (
        walk.number(tree, scope) for walk, tree in zip(walks, trees, strict=True) if tree
    )
    for walk in walks:
        clause_walk.indices |= walk.indices
    clause_walk.check_use(clauses, what="the row")
    _check_sides(item, (left, right), path=path, report=report)
    variables = walks[0].variables | walks[1].variables
    strict = item.relation in {"<", ">"}
    real = [name for name, variable in variables.items() if variable.domain == "real"]
    if not variables and not any(walk.guesswork for walk in walks):
        fix = "Put the decision into it, or state it in `assumptions`."
        message = f'constraint "{item.name}" has no variables'
        report.error(path, "no-variables", message, fix)
    elif strict and real:
        message = f'"{item.relation}" with the real variable {real[0]}: a solver allows equality'
        fix = f'Write "{item.relation}=", or say by how much it must differ.'
        report.warn(f"{path}.relation", "strict-on-reals", message, fix)
    return set(variables)


def _check_sides(
    item: Constraint, sides: tuple[Meaning, Meaning], *, path: str, report: Report
) -> None:
    left, right = sides
    check_units(report, path, (left.unit, right.unit), what="the two sides are in")
    units = (parse_unit(item.unit), left.unit or right.unit)
    check_units(report, f"{path}.unit", units, what="`unit` and the expression are")


def _check_objective(symbols: Symbols, item: Objective, report: Report) -> set[str]:
    """Check the objective; returns the names of its variables."""
    path = "objective.expr"
    tree = _parsed(parse_expression, item.expr, path, report)
    if tree is None:
        return set()
    walk = Walk(symbols, report, path)
    meaning = walk.number(tree, {})
    units = (parse_unit(item.unit), meaning.unit)
    check_units(report, "objective.unit", units, what="`unit` and the expression are")
    if item.sense != "satisfy" and not walk.variables and not walk.guesswork:
        fix = 'Put the variables into it, or use the sense "satisfy".'
        report.error(path, "constant-objective", "the objective has no variables", fix)
    elif item.sense == "satisfy" and walk.variables:
        message = 'the sense "satisfy" ignores this expression'
        report.warn(path, "unused-objective", message, "Use min or max, or the expression 0.")
    return set(walk.variables)
