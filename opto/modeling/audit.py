"""Does the model say what the text says? Checks that need no right answer and no model call.

Lives here: rules that compare a model and its solution with the words of the problem. Each gives a
finding with a hint, as a question to the modeller; none changes the model.
Never here: calls to a model, structural checks (`solvers_bridge.check`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

from opto.modeling.problem import Problem
from opto.modeling.quantities import Quantity, accounted, matches, quantities
from solvers_bridge.check import Finding
from solvers_bridge.errors import ExpressionError
from solvers_bridge.ir.expression import parse_expression
from solvers_bridge.ir.model import Constraint, Model

_AT_LEAST = re.compile(
    r"\b(at least|at minimum|a minimum( of)?|no (less|fewer) than|not (less|fewer) than"
    r"|must exceed|more than|greater than)\b",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    r"\b(at most|at maximum|a maximum( of)?|up to|no more than|not more than|not exceed"
    r"|cannot exceed|fewer than|less than|available|has only|limited to)\b",
    re.IGNORECASE,
)
_ESCAPE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
"""A control sequence of a terminal, such as a color (ECMA-48, 5.4): its digits say nothing."""
_NEGATED = re.compile(
    r"\b(no|not|never|cannot|can't) ((?:\w+ ){0,3}?)(more|less|fewer|greater)\b", re.IGNORECASE
)


def audit(model: Model, problem: Problem) -> list[Finding]:
    """Warnings about differences between `model` and the words of `problem`."""
    text = _ESCAPE.sub("", problem.text)
    stated = quantities(text)
    written = list(_written(model))
    return [
        *_unused_numbers(text, stated, [*(number for _, number in written), *_tabled(model)]),
        *_unknown_numbers(stated, written),
        *_directions(model),
        *_quotes(model, text),
    ]


def _unused_numbers(
    text: str, stated: Sequence[Quantity], used: Collection[float]
) -> Iterator[Finding]:
    """One finding for all of them, so that they cost one question."""
    unused = [q for q in stated if not q.weak and not accounted(q, used)]
    if not unused:
        return
    places = []
    for quantity in unused:
        around = text[max(0, quantity.start - 60) : quantity.end + 40]
        places.append(f'"{quantity.written}" in "...{" ".join(around.split())}..."')
    yield Finding(
        path="",
        code="number-unused",
        severity="warning",
        message=f"the model has no such number as the text says: {'; '.join(places)}",
        fix="Add the rule or term a number belongs to, unless it decides nothing.",
    )


def _unknown_numbers(
    stated: Sequence[Quantity], written: Sequence[tuple[str, float]]
) -> Iterator[Finding]:
    given = [float(quantity.value) for quantity in stated]
    for path, number in written:
        if number in (0, 1, -1) or any(matches(number, value) for value in given):
            continue
        yield Finding(
            path=path,
            code="number-unknown",
            severity="warning",
            message=f"the model uses {number:g}, which the text does not give",
            fix="Use the numbers of the text; write products and sums of them as expressions.",
        )


def _directions(model: Model) -> Iterator[Finding]:
    for index, constraint in enumerate(model.constraints):
        wanted = _stated_direction(constraint.quote)
        found = _model_direction(constraint)
        if wanted and found and wanted != found:
            words = "at least" if wanted == ">=" else "at most"
            yield Finding(
                path=f"constraints[{index}].relation",
                code="direction",
                severity="warning",
                message=f'the quote "{constraint.quote}" reads as "{words}", '
                f"the model says {constraint.lhs} {constraint.relation} {constraint.rhs}",
                fix="Check which side is limited and turn the relation round if it is wrong.",
            )


def _quotes(model: Model, text: str) -> Iterator[Finding]:
    text = _plain(text)
    for index, constraint in enumerate(model.constraints):
        if constraint.quote and _plain(constraint.quote) not in text:
            yield Finding(
                path=f"constraints[{index}].quote",
                code="quote-not-found",
                severity="warning",
                message=f'the text does not hold the words "{constraint.quote}"',
                fix="Copy the words exactly, or leave the quote empty if nothing says it.",
            )


def _stated_direction(quote: str) -> str | None:
    """`>=`, `<=`, or None where the words do not say, or say both."""
    least = bool(_AT_LEAST.search(_NEGATED.sub(" ", quote)))
    most = bool(_AT_MOST.search(_NEGATED.sub(" ", quote)))
    for match in _NEGATED.finditer(quote):
        most = most or match[3].lower() in ("more", "greater")
        least = least or match[3].lower() in ("less", "fewer")
    if least == most:
        return None
    return ">=" if least else "<="


def _model_direction(constraint: Constraint) -> str | None:
    """Direction of the side that varies, where the other side is a plain number."""
    if constraint.relation == "==":
        return None
    up = constraint.relation in (">=", ">")
    if _is_constant(constraint.rhs):
        return ">=" if up else "<="
    if _is_constant(constraint.lhs):
        return "<=" if up else ">="
    return None


def _is_constant(text: str) -> bool:
    names, _ = _read(text)
    return not names


def _written(model: Model) -> Iterator[tuple[str, float]]:
    """The numbers in the expressions and bounds of the model with their paths."""
    texts = [("objective.expr", model.objective.expr)]
    for index, constraint in enumerate(model.constraints):
        texts.append((f"constraints[{index}].lhs", constraint.lhs))
        texts.append((f"constraints[{index}].rhs", constraint.rhs))
        if constraint.forall:
            texts.append((f"constraints[{index}].forall", f"sum(0 for {constraint.forall})"))
    for index, variable in enumerate(model.variables):
        for side in ("lower", "upper"):
            bound = getattr(variable, side)
            if isinstance(bound, str):
                texts.append((f"variables[{index}].{side}", bound))
            elif bound is not None:
                yield f"variables[{index}].{side}", float(bound)
    for path, text in texts:
        _, constants = _read(text)
        yield from ((path, number) for number in constants)


def _tabled(model: Model) -> Iterator[float]:
    """The numbers of the parameters."""
    for values in model.data:
        yield from map(float, values.dense or [cell.value for cell in values.cells or []])


@lru_cache(maxsize=512)
def _read(text: str) -> tuple[bool, tuple[float, ...]]:
    """Are there names in an expression, and its numbers; (True, ()) where it cannot be read."""
    try:
        tree = parse_expression(text, where="")
    except ExpressionError:
        return True, ()
    nodes = list(ast.walk(tree))
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    numbers = tuple(float(value) for value in constants if isinstance(value, int | float))
    return any(isinstance(node, ast.Name) for node in nodes), numbers


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9$%.]+", text.lower()))
