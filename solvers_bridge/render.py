"""A model as readable algebra in plain text, for people and for a second reader.

Lives here: the layout of a model and the notation of its expressions.
Never here: meaning (`ir.reference`), checks, HTML; a bad expression is shown as it was written.

Control characters and line breaks in texts of the model are shown as blanks, so a rendered model
is safe in a terminal. Notation: `∑[i ∈ I, t ∈ T : t ≥ 2] c[i]·x[i, t]`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from solvers_bridge.errors import ExpressionError
from solvers_bridge.ir.expression import (
    Clause,
    clauses_of,
    keys_of,
    parse_condition,
    parse_expression,
    parse_forall,
    terms_of,
)
from solvers_bridge.ir.model import Constraint, IndexSet, Model, Parameter, Values, Variable
from solvers_bridge.ir.tables import brief

_FEW = 12
_SUM, _PRODUCT, _UNARY, _ATOM = range(4)
"""How tightly an expression holds together; a looser one inside a tighter one gets brackets."""

_SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Eq: "=",
    ast.NotEq: "≠",
    ast.Lt: "<",
    ast.LtE: "≤",
    ast.Gt: ">",
    ast.GtE: "≥",
    ast.In: "∈",
    ast.NotIn: "∉",
}
_RELATIONS = {"<=": "≤", "<": "<", "==": "=", ">=": "≥", ">": ">"}
_SENSES = {"min": "minimize", "max": "maximize", "satisfy": "find a feasible point"}


def render(model: Model) -> str:
    """`model` in mathematical notation, with meanings and quotes as comments; never raises."""
    lines = [f"# {_plain(model.name)}" if model.name else "# model"]
    objective = model.objective
    lines.append(_SENSES[objective.sense] + _comment(objective.meaning, objective.quote))
    if objective.sense != "satisfy":
        lines.append(f"  {_expression(objective.expr)}{_unit(objective.unit)}")
    if model.constraints:
        lines += ["", "subject to"]
        for item in model.constraints:
            lines += _constraint(item)
    lines += _section("where the decisions are", (_variable(item) for item in model.variables))
    values = {item.parameter: item for item in reversed(model.data)}
    parameters = (_parameter(item, values.get(item.name)) for item in model.parameters)
    lines += _section("given", parameters)
    lines += _section("over the sets", (_set(item) for item in model.sets))
    assumptions = (
        _plain(item.text)
        + (f" (or: {'; '.join(map(_plain, item.alternatives))})" if item.alternatives else "")
        + _comment("", item.quote)
        for item in model.assumptions
    )
    lines += _section("assuming", assumptions)
    return "\n".join(lines) + "\n"


def render_expression(node: ast.expr) -> str:
    """One tree of `ir.expression` in mathematical notation."""
    return _number(node, _SUM)


def _section(title: str, entries: Iterator[str]) -> list[str]:
    lines = [f"  {entry}" for entry in entries]
    return ["", title, *lines] if lines else []


def _constraint(item: Constraint) -> list[str]:
    relation = _RELATIONS[item.relation]
    body = f"{_expression(item.lhs)} {relation} {_expression(item.rhs)}{_unit(item.unit)}"
    try:
        clauses = parse_forall(item.forall, where="")
        each = f"  for all {_clauses(clauses)}" if clauses else ""
    except ExpressionError:
        each = f"  for all {_plain(item.forall)}"
    return [f"  {item.name}:{_comment(item.meaning, item.quote)}", f"    {body}{each}"]


def _variable(item: Variable) -> str:
    lower, upper = (
        _expression(bound) if isinstance(bound, str) else "" if bound is None else _decimal(bound)
        for bound in (item.lower, item.upper)
    )
    name = _indexed(item.name, item.index)
    if item.domain == "binary":
        span = f"{name} ∈ {{0, 1}}"
    else:
        span = f"{lower} ≤ " * bool(lower) + name + f" ≤ {upper}" * bool(upper)
        span += f", {'whole' if item.domain == 'integer' else 'real'}"
        span += "" if lower or upper else ", free"
    return f"{span}{_unit(item.unit)}{_comment(item.meaning, item.quote)}"


def _parameter(item: Parameter, values: Values | None) -> str:
    numbers = ""
    if values is not None and values.dense is not None:
        shown = ", ".join(map(_decimal, values.dense[:_FEW]))
        numbers = f" = {shown}{_more(len(values.dense))}"
    elif values is not None:
        cells = [
            f"[{', '.join(map(_text, cell.key))}] {_decimal(cell.value)}"
            for cell in (values.cells or [])[:_FEW]
        ]
        rest = [] if values.default is None else [f"else {_decimal(values.default)}"]
        numbers = f" = {', '.join(cells + rest)}{_more(len(values.cells or []))}"
    name = _indexed(item.name, item.index)
    return f"{name}{numbers}{_unit(item.unit)}{_comment(item.meaning, item.quote)}"


def _set(item: IndexSet) -> str:
    if item.tuples_of is not None:
        product = " × ".join(item.tuples_of)  # noqa: RUF001 - a product of sets
        if item.where is not None:
            body = f"{{i ∈ {product} : {_expression(item.where, condition=True)}}}"
        else:
            rows = item.rows or []
            shown = ", ".join(f"({', '.join(map(_text, row))})" for row in rows[:_FEW])
            body = f"{{{shown}{_more(len(rows))}}} ⊆ {product}"
    elif item.elements is not None:
        body = f"{{{', '.join(map(_text, item.elements[:_FEW]))}{_more(len(item.elements))}}}"
    else:
        body = f"{{{_text(item.first)}, ..., {_text(item.last)}}}"
    return f"{item.name} = {body}{_comment(item.meaning, item.quote)}"


def _more(count: int) -> str:
    return f", ... ({count} in all)" if count > _FEW else ""


def _indexed(name: str, index: Sequence[str]) -> str:
    return f"{name}[{', '.join(index)}]" if index else name


def _unit(unit: str | None) -> str:
    return f"  [{_plain(unit)}]" if unit else ""


def _comment(meaning: str, quote: str) -> str:
    words = [_plain(meaning)] if meaning.strip() else []
    words += [f'"{_plain(quote)}"'] if quote.strip() else []
    return f"  # {' '.join(words)}" if words else ""


def _plain(text: str) -> str:
    """One line without control characters: what a language model wrote is not trusted."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text(key: object) -> str:
    return _plain(key) if isinstance(key, str) else brief(key)


def _decimal(value: float) -> str:
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15  # noqa: PLR2004
    return brief(int(value) if whole else value)


def _expression(text: str, *, condition: bool = False) -> str:
    try:
        if condition:
            return _condition(parse_condition(text, where=""), outer=False)
        return _number(parse_expression(text, where=""), _SUM)
    except ExpressionError:
        return f"«{_plain(text[:500])}»"


def _number(node: ast.expr, least: int) -> str:
    """`node` as text, in brackets when it holds together less than `least`."""
    text, bond = _bound(node)
    return f"({text})" if bond < least else text


def _bound(node: ast.expr) -> tuple[str, int]:
    text, bond = "", _ATOM
    match node:
        case ast.Constant(value=str() as key):
            text = f'"{_plain(key)}"'
        case ast.Constant(value=int() | float() as number):
            text = _decimal(number)
        case ast.Name():
            text = node.id
        case ast.Subscript(value=ast.Name(id=name)):
            text = f"{name}[{', '.join(_number(key, _SUM) for key in keys_of(node))}]"
        case ast.Call(func=ast.Name(id=name), args=[ast.GeneratorExp() as inner]):
            sign = "∑" if name == "sum" else name
            text = f"{sign}[{_clauses(clauses_of(inner))}] {_number(inner.elt, _PRODUCT)}"
            bond = _SUM
        case ast.Call(func=ast.Name(id=name)):
            text = f"{name}({', '.join(_number(arg, _SUM) for arg in node.args)})"
        case ast.BinOp() | ast.UnaryOp():
            text, bond = _operation(node)
    return text, bond


def _operation(node: ast.BinOp | ast.UnaryOp) -> tuple[str, int]:
    if isinstance(node, ast.UnaryOp) or isinstance(node.op, (ast.Add, ast.Sub)):
        return _chain(node)
    if isinstance(node.op, ast.Mult):
        return f"{_number(node.left, _PRODUCT)}·{_number(node.right, _UNARY)}", _PRODUCT
    if isinstance(node.op, ast.Div):
        return f"{_number(node.left, _PRODUCT)}/{_number(node.right, _ATOM)}", _PRODUCT
    return f"{_number(node.left, _ATOM)}^{_number(node.right, _ATOM)}", _UNARY


def _chain(node: ast.expr) -> tuple[str, int]:
    """A sum in the order it was written, however the parser balanced it."""
    parts = list(terms_of(node))
    last = len(parts) - 1
    words = []
    for place, (sign, part) in enumerate(parts):
        # a sum sign reaches as far right as it can, so only the last term may go without brackets
        text = _number(part, _SUM if place == last and len(parts) > 1 and sign > 0 else _PRODUCT)
        mark = ("-" if sign < 0 else "") if place == 0 else (" - " if sign < 0 else " + ")
        words.append(f"{mark}{text}")
    return "".join(words), _SUM


def _clauses(clauses: Sequence[Clause]) -> str:
    names = ", ".join(
        f"{clause.names[0] if len(clause.names) == 1 else f'({chr(44).join(clause.names)})'}"
        f" ∈ {clause.set_name}"
        for clause in clauses
    )
    conditions = [part for clause in clauses for part in clause.conditions]
    tests = " and ".join(_condition(part, outer=len(conditions) > 1) for part in conditions)
    return f"{names} : {tests}" if tests else names


def _condition(node: ast.expr, *, outer: bool) -> str:
    """A condition as text; `outer` says that another condition surrounds it."""
    match node:
        case ast.BoolOp():
            word = " and " if isinstance(node.op, ast.And) else " or "
            text = word.join(_condition(part, outer=True) for part in node.values)
            return f"({text})" if outer else text
        case ast.UnaryOp():
            return f"not {_condition(node.operand, outer=True)}"
        case ast.Compare(left=ast.Tuple() as left):
            sides = [f"({', '.join(_number(key, _SUM) for key in left.elts)})"]
        case ast.Compare():
            sides = [_number(node.left, _SUM)]
        case _:
            return _plain(ast.unparse(node))
    for sort, side in zip(node.ops, node.comparators, strict=True):
        sides += [_SYMBOLS[type(sort)], _number(side, _SUM)]
    return " ".join(sides)
