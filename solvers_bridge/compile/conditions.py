"""Conditions, keys and `for` clauses over a frame.

Lives here: which cells a condition keeps, where in its set a key is, and expanding clauses.
Never here: arithmetic (`evaluate` hands in the function that does it), the grammar.

A condition that fixes the new index, such as `u == t-1` or `a == i`, is not tried on every
combination: the new index follows from the outer ones.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import NoReturn, TypeAlias

import numpy as np

from solvers_bridge.compile.frames import Bound, Frame, Mask
from solvers_bridge.compile.scope import Scope
from solvers_bridge.compile.sets import Group
from solvers_bridge.errors import ModelError
from solvers_bridge.form import Floats, Ints, Key
from solvers_bridge.ir.expression import Clause

Places: TypeAlias = tuple[Bound, ...]
Number: TypeAlias = Callable[[ast.expr, Frame], Floats]

_COMPARE: dict[type[ast.cmpop], Callable[[Floats, Floats], Mask]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """Keys of which some are text, as positions in a list."""

    codes: Ints
    keys: Sequence[Key]


Operand: TypeAlias = Floats | Text


@dataclass(frozen=True, slots=True)
class Conditions:
    """Reads conditions and keys found at one path of a model."""

    scope: Scope
    where: str
    number: Number

    def expanded(self, clauses: tuple[Clause, ...], frame: Frame) -> Frame:
        """`frame` with the names of `clauses` bound, in order, under their conditions.

        When no cell is left, the names of later clauses are not bound.
        """
        for clause in clauses:
            group = self.scope.group(clause.set_name, where=self.where)
            if group.arity != len(clause.names):
                self._refuse(
                    f"An element of {group.name} has {group.arity} keys, not {len(clause.names)}.",
                    fix=f"Write `for ({', '.join('abcdefgh'[: group.arity])}) in {group.name}`.",
                )
            pending = [part for condition in clause.conditions for part in _conjuncts(condition)]
            joined = self._joined(clause.names, group, pending, frame)
            if joined is None:
                frame = frame.product(group, clause.names)
            else:
                frame, used = joined
                pending.remove(used)
            for condition in pending:
                if frame.cells:
                    frame = frame.filtered(self.mask(condition, frame))
            if not frame.cells:
                return frame  # nothing is left to be read, or to be wrong
        return frame

    def _joined(
        self, names: tuple[str, ...], group: Group, pending: Sequence[ast.expr], frame: Frame
    ) -> tuple[Frame, ast.expr] | None:
        """The frame expanded along one `name == expression of outer indices`, if there is one."""
        for condition in pending:
            for name, key in _fixes(condition, names, frame):
                part = names.index(name)
                dim = group.dims[part] if group.dims else group
                codes = self._codes(key, dim, frame)
                if codes.ndim == 0 or codes.size == 1:
                    continue  # a constant picks from one axis, which a filter does as well
                if group.dims:
                    return frame.joined(group, names, part=part, codes=codes), condition
                named = frame.with_codes(name, group, codes)
                return named.filtered(codes >= 0), condition
        return None

    def mask(self, node: ast.expr, frame: Frame) -> Mask:
        """Where `node` holds, broadcastable to the frame.

        Like Python's, a later part of `and` and `or` is read only where it matters.
        """
        match node:
            case ast.BoolOp():
                stop_at = isinstance(node.op, ast.Or)
                result = self._staged(node.values, frame, stop_at=stop_at)
            case ast.UnaryOp():
                result = np.logical_not(self.mask(node.operand, frame))
            case ast.Compare(ops=[ast.In() | ast.NotIn() as sort], comparators=[ast.Name(id=name)]):
                inside = self._inside(node.left, name, frame)
                result = inside if isinstance(sort, ast.In) else ~inside
            case ast.Compare():
                sides = [self._operand(side, frame) for side in (node.left, *node.comparators)]
                pairs = zip(node.ops, pairwise(sides), strict=True)
                result = reduce(
                    np.logical_and, [self._compared(sort, *pair, node=node) for sort, pair in pairs]
                )
            case _:
                self._refuse(f"`{ast.unparse(node)}` is not a condition.")
        return result

    def _inside(self, node: ast.expr, name: str, frame: Frame) -> Mask:
        group = self.scope.group(name, where=self.where)
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        if group.arity != len(parts):
            self._refuse(f"An element of {name} has {group.arity} keys, not {len(parts)}.")
        return np.asarray(self._found(parts, group, frame) >= 0)

    def _staged(self, parts: Sequence[ast.expr], frame: Frame, *, stop_at: bool) -> Mask:
        first, rest = self.mask(parts[0], frame), parts[1:]
        if not rest:
            return first
        decided = np.broadcast_to(first if stop_at else ~first, frame.shape)
        if decided.all():
            return np.asarray(decided if stop_at else ~decided)
        if not decided.any():
            return self._staged(rest, frame, stop_at=stop_at)
        open_cells = frame.inner().filtered(~decided)
        later = self._staged(rest, open_cells, stop_at=stop_at)
        result = np.array(decided if stop_at else ~decided, order="C")  # reshape must be a view
        rows = open_cells.rows_in(frame)
        flat = np.broadcast_to(rows if rows is not None else 0, open_cells.shape).ravel()
        result.reshape(-1)[flat] = np.broadcast_to(later, open_cells.shape).ravel()
        return result

    def _compared(self, sort: ast.cmpop, left: Operand, right: Operand, *, node: ast.expr) -> Mask:
        if not isinstance(left, Text) and not isinstance(right, Text):
            return np.asarray(_COMPARE[type(sort)](left, right))
        if not isinstance(sort, (ast.Eq, ast.NotEq)):
            self._refuse(f"`{ast.unparse(node)}` compares text, which has no order.")
        if isinstance(left, Text) and isinstance(right, Text):
            place = {key: k for k, key in enumerate(left.keys)}
            same = left.codes == np.array([place.get(key, -1) for key in right.keys])[right.codes]
        elif isinstance(left, Text):
            same = _numeric_part(left) == right
        else:
            same = left == _numeric_part(right)  # type: ignore[arg-type]
        return np.asarray(same if isinstance(sort, ast.Eq) else ~same)

    def _operand(self, node: ast.expr, frame: Frame) -> Operand:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return Text(np.zeros((), np.int32), [node.value])
        if isinstance(node, ast.Name) and node.id in frame.bound:
            bound = frame.bound[node.id]
            if bound.group is not None and not bound.group.is_numeric:
                return Text(bound.array(frame.shape), bound.group.flat_keys)
        return self.number(node, frame)

    def places(
        self, name: str, keys: tuple[ast.expr, ...], groups: tuple[Group, ...], frame: Frame
    ) -> Places:
        """Where the keys of `name[keys]` are in its index sets, for every cell.

        Raises:
            ModelError: wrong number of keys, or a key (such as `t-1`) outside its set.
        """
        arity = sum(group.arity for group in groups)
        if len(keys) != arity:
            self._refuse(f"{name} has {arity} indices, not {len(keys)}.", fix="Index it in full.")
        found: list[Bound] = []
        start = 0
        for group in groups:
            parts = keys[start : start + group.arity]
            start += group.arity
            known = _already_bound(parts, group, frame)
            if known is not None:
                found.append(known)
                continue
            codes = self._found(parts, group, frame)
            if (codes < 0).any():
                self._refuse_outside(name, keys, group, codes=codes, frame=frame)
            found.append(Bound(group, -1, codes))
        return tuple(found)

    def _found(self, parts: Sequence[ast.expr], group: Group, frame: Frame) -> Ints:
        """Positions in `group`, -1 where there is none, broadcastable to the frame."""
        known = _already_bound(parts, group, frame)
        if known is not None:
            return known.array(frame.shape)
        if not group.dims:
            return self._codes(parts[0], group, frame)
        dims = zip(parts, group.dims, strict=True)
        return group.find_tuples([self._codes(part, dim, frame) for part, dim in dims])

    def _codes(self, node: ast.expr, group: Group, frame: Frame) -> Ints:
        if isinstance(node, ast.Name) and node.id in frame.bound:
            bound = frame.bound[node.id]
            if bound.group is group:
                return bound.array(frame.shape)
        value = self._operand(node, frame)
        if isinstance(value, Text):
            return group.find_keys(value.keys)[value.codes]
        if (value != np.floor(value)).any():
            self._refuse(f"`{ast.unparse(node)}` is used as a key, but it is not whole.")
        return group.find_numbers(value)

    def _refuse_outside(
        self, name: str, keys: Sequence[ast.expr], group: Group, *, codes: Ints, frame: Frame
    ) -> NoReturn:
        spread = np.broadcast_to(codes, frame.shape)
        cell = tuple(int(k) for k in np.argwhere(spread < 0)[0])
        at = ", ".join(
            f"{index} = {key!r}" for index, key in _keys_at(frame, cell) if index.isidentifier()
        )
        shown = ", ".join(ast.unparse(key) for key in keys)
        raise ModelError(
            f"`{name}[{shown}]` is outside {group.name}{f' at {at}' if at else ''}.",
            where=self.where,
            fix="Filter it away with `if`, or extend the set.",
        )

    def _refuse(self, what: str, *, fix: str = "Run `check` for all findings.") -> NoReturn:
        raise ModelError(what, where=self.where, fix=fix)


def _keys_at(frame: Frame, cell: tuple[int, ...]) -> Iterator[tuple[str, Key]]:
    for handle, bound in frame.bound.items():
        if isinstance(handle, str) and bound.group is not None:
            codes = np.broadcast_to(bound.array(frame.shape), frame.shape)
            yield handle, bound.group.keys[int(codes[cell])][0]


def _numeric_part(text: Text) -> Floats:
    numbers = [key if isinstance(key, int) else np.nan for key in text.keys]
    return np.array(numbers, np.float64)[text.codes]


def _already_bound(parts: Sequence[ast.expr], group: Group, frame: Frame) -> Bound | None:
    """The binding of these very names over this very set: nothing needs to be looked up."""
    names = tuple(part.id for part in parts if isinstance(part, ast.Name))
    if len(names) != len(parts):
        return None
    bound = frame.bound.get(names if group.dims else names[0])
    return bound if bound is not None and bound.group is group else None


def _conjuncts(condition: ast.expr) -> list[ast.expr]:
    """The parts of an `and`, which may be applied one after the other."""
    if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
        return [part for value in condition.values for part in _conjuncts(value)]
    return [condition]


def _fixes(
    condition: ast.expr, names: tuple[str, ...], frame: Frame
) -> Iterator[tuple[str, ast.expr]]:
    """New names that `condition` sets equal to arithmetic over outer indices only."""
    match condition:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            for new, key in ((left, right), (right, left)):
                if isinstance(new, ast.Name) and new.id in names and _is_outer(key, names, frame):
                    yield new.id, key


def _is_outer(node: ast.expr, names: tuple[str, ...], frame: Frame) -> bool:
    """Is `node` index arithmetic that cannot fail and knows none of `names`?"""
    match node:
        case ast.Name(id=name):
            return name in frame.bound and name not in names
        case ast.Constant(value=int() | str()):
            return True
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult()):
            return _is_outer(node.left, names, frame) and _is_outer(node.right, names, frame)
        case ast.UnaryOp(op=ast.USub()):
            return _is_outer(node.operand, names, frame)
    return False
