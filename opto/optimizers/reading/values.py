"""One proposed value as the type of the value it replaces.

`bool("false")` is True, `list("abc")` is a list, `int("seven")` is an error that must not become
text: so every type says here what it accepts, and everything else is refused with the reason.

Lives here: `read_value` and the rules for plain types.
Never here: containers, arrays and enumerations (beside this), finding values in a reply.
"""

from __future__ import annotations

import ast
import json
import math
import re
from typing import Any

_BOOLS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_INT = re.compile(r"[+-]?\d+(_\d+)*(\.0*)?")
_NAMES = {"inf": math.inf, "Infinity": math.inf, "true": True, "false": False, "null": None}
_NUMPY = re.compile(r"(?:np|numpy)\.(?:u?int|float)\d+")
_SHOWN = 60


class Refused(ValueError):  # noqa: N818  (a reason, for the report and the model)
    """A proposed value cannot stand for the present one; the message says why."""


def read_value(raw: Any, like: Any) -> Any:
    """`raw` as the type of `like`.

    Args:
        raw: Text, or a value out of JSON.
        like: The present value. Its exact type decides; items of lists and dicts keep the type
            that all present items share.

    Raises:
        Refused: It is no value of that type.
    """
    kind = type(like)
    if kind is bool:
        return _bool(raw)
    if kind is int:
        return _int(raw)
    if kind is float:
        return _float(raw)
    if kind is str:
        return _text(raw)
    if like is None:
        return _anything(raw)
    return _special(raw, like)


def _special(raw: Any, like: Any) -> Any:
    from opto.optimizers.reading.containers import CONTAINERS, read_container  # noqa: PLC0415

    if type(like) in CONTAINERS:
        return read_container(raw, like)
    from opto.optimizers.reading.others import read_other  # noqa: PLC0415  (rare types)

    return read_other(raw, like)


def _bool(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float) and raw in {0, 1}:
        return bool(raw)
    if isinstance(raw, str) and (word := unquoted(raw).lower()) in _BOOLS:
        return _BOOLS[word]
    raise wrong("bool: true or false", raw)


def _int(raw: Any) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, str) and _INT.fullmatch(text := unquoted(raw)):
        try:
            return int(text.partition(".")[0])
        except ValueError as fault:  # more digits than Python converts
            raise Refused(str(fault)) from fault
    raise wrong("int: a whole number in digits", raw)


def _float(raw: Any) -> float:
    number: float | None = None
    if isinstance(raw, str):
        try:
            number = float(unquoted(raw))
        except ValueError:
            number = None
    elif isinstance(raw, int | float) and not isinstance(raw, bool):
        try:
            number = float(raw)
        except OverflowError:
            number = None
    if number is None or math.isnan(number):
        raise wrong("float: a number", raw)
    return number


def _text(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return str(raw)
    raise wrong("str: text", raw)


def _anything(raw: Any) -> Any:
    """For a present value of None, which says nothing of the type."""
    if not isinstance(raw, str):
        return raw
    try:
        return literal(raw)
    except Refused:
        return raw


def literal(raw: str) -> Any:
    """The value that `raw` writes, as a Python literal or as JSON.

    Raises:
        Refused: It is neither, or too deeply nested.
    """
    text = raw.strip()
    for read in (ast.literal_eval, json.loads, _with_names):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    raise Refused(f"{shown(raw)} is neither a Python literal nor JSON")


def _with_names(text: str) -> Any:
    """A literal that also holds what `repr` writes of infinity and of numpy's numbers."""
    return ast.literal_eval(_Names().visit(ast.parse(text, mode="eval")))


class _Names(ast.NodeTransformer):
    """`inf`, `true`, `null` and `np.float64(1.0)` as the constants they stand for."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(_NAMES[node.id]) if node.id in _NAMES else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = ast.unparse(node.func)
        if _NUMPY.fullmatch(called) and len(node.args) == 1 and not node.keywords:
            return self.visit(node.args[0])  # type: ignore[no-any-return]  # a node of the tree
        return node


def unquoted(text: str) -> str:
    """`text` without space and one pair of quotes or backticks around it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        return text[1:-1].strip()
    return text


def wrong(wanted: str, raw: Any) -> Refused:
    """The error for a value of another type."""
    return Refused(f"expected {wanted}; got {shown(raw)} ({type(raw).__name__})")


def shown(raw: Any) -> str:
    """`raw` in one short line."""
    text = repr(raw)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
