"""Random small models that are right by construction, and points to evaluate them at.

`models()` draws models that `check` has no errors for, except that a tuple set may be empty:
ranges, lists and tuple sets (by `rows` and by `where`), dense and sparse tables, indexed variables
with constant and computed bounds, constraints with nested sums, filters, literal keys and shifted
keys such as `t-1`.

All numbers are small multiples of 1/4 and all divisors are 2 or 4, so doubles compute without
rounding and another implementation can be compared with `==`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from solvers_bridge.ir.model import (
    Cell,
    Constraint,
    IndexSet,
    Key,
    Model,
    Objective,
    Parameter,
    Values,
    Variable,
)
from solvers_bridge.ir.reference import Reference
from solvers_bridge.ir.tables import Keys, combinations

NUMBERS = st.one_of(st.integers(-9, 9), st.integers(-36, 36).map(lambda quarters: quarters / 4))
RELATIONS = st.sampled_from(["<=", "==", ">=", "<=", ">=", "<", ">"])


@dataclass
class Use:
    """A subscript such as `x[a, t-1]` and the clauses that bind its new names."""

    text: str
    clauses: list[str]


@dataclass
class Scope:
    """Index names in reach: of one base set each, and of elements of tuple sets."""

    names: dict[str, str] = field(default_factory=dict)
    elements: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def inside(self, other: Scope) -> Scope:
        return Scope(self.names | other.names, self.elements + other.elements)


def _set(name: str, **given: Any) -> IndexSet:
    empty = dict.fromkeys(["elements", "first", "last", "tuples_of", "rows", "where"])
    return IndexSet(name=name, **{**empty, "meaning": "", "quote": "", **given})


class Builder:
    """Draws one model; every name is new, so nothing is hidden by accident."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.sets: list[IndexSet] = []
        self.parameters: list[Parameter] = []
        self.variables: list[Variable] = []
        self.values: list[Values] = []
        self.guards: list[str] = []
        self._count = 0

    def pick(self, options: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(options))

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == one_in

    def fresh(self) -> str:
        self._count += 1
        return f"k{self._count}"

    # -- sets -------------------------------------------------------------------------------

    def base_set(self, name: str) -> IndexSet:
        kind = self.pick(["range", "text", "whole"])
        if kind == "range":
            first = self.draw(st.integers(-2, 3))
            return _set(name, first=first, last=first + self.draw(st.integers(0, 3)))
        keys = ["north", "south", "a b", "it's"] if kind == "text" else [7, -1, 3, 10]
        elements = self.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=4, unique=True))
        return _set(name, elements=elements)

    def tuple_set(self, name: str) -> IndexSet:
        bases = [item.name for item in self.sets if item.tuples_of is None]
        of = self.draw(st.lists(st.sampled_from(bases), min_size=1, max_size=3))
        if len(of) > 1 and self.chance(3):
            whole = [self.whole(base) for base in of[:2]]
            some = f"i0 == {self.pick(self.keys(of[0]))[0]!r}"
            where = "i0 <= i1" if all(whole) else some if any(whole) else "i0 != i1"
            return _set(name, tuples_of=of, where=where)
        keys = list(combinations(Reference(self.model()).axes(of)))
        rows = self.draw(st.lists(st.sampled_from(keys), max_size=6, unique=True))
        return _set(name, tuples_of=of, rows=[list(row) for row in rows])

    def set_named(self, name: str) -> IndexSet:
        return next(item for item in self.sets if item.name == name)

    def whole(self, base: str) -> bool:
        item = self.set_named(base)
        return item.elements is None or all(isinstance(key, int) for key in item.elements)

    def keys(self, set_name: str) -> list[Keys]:
        return list(Reference(self.model()).axis(set_name))

    # -- parameters and variables -----------------------------------------------------------

    def index(self, most: int) -> list[str]:
        names = [item.name for item in self.sets]
        return self.draw(st.lists(st.sampled_from(names), max_size=most))

    def parameter(self, name: str) -> None:
        index = self.index(2)
        self.parameters.append(Parameter(name=name, index=index, unit=None, meaning="", quote=""))
        keys = list(combinations(Reference(self.model()).axes(index)))
        numbers = self.draw(st.lists(NUMBERS, min_size=len(keys), max_size=len(keys)))
        dense: list[float] | None = numbers
        cells: list[Cell] | None = None
        default: float | None = None
        if self.chance(2):
            pairs = list(zip(keys, numbers, strict=True))
            if self.chance(2):
                default = self.draw(NUMBERS)
                pairs = pairs[::2]
            shuffled = self.draw(st.permutations(pairs))
            dense, cells = None, [Cell(key=list(key), value=number) for key, number in shuffled]
        self.values.append(Values(parameter=name, dense=dense, cells=cells, default=default))

    def variable(self, name: str) -> None:
        index = self.index(2)
        domain = self.pick(["real", "real", "integer", "binary"])
        lower: Any = self.pick([None, 0, 0, -2.5])
        upper: Any = self.pick([None, None, 7, 8.25])
        if domain == "binary":
            lower, upper = self.pick([(0, 1), (None, None), (0, None)])
        elif self.chance(3):
            place = next((p for p, base in enumerate(self.flat(index)) if self.whole(base)), None)
            upper = f"8 + abs(i{place})" if place is not None else "2 * 5"
            fitting = [item.name for item in self.parameters if item.index == index]
            if fitting and lower is not None:
                keys = ", ".join(f"i{place}" for place in range(len(self.flat(index))))
                found = self.pick(fitting)
                upper = f"abs({found}[{keys}])" if keys else f"abs({found})"
        self.variables.append(
            Variable(
                name=name,
                index=index,
                domain=domain,
                why_domain="",
                lower=lower,
                upper=upper,
                unit=None,
                meaning="",
                quote="",
            )
        )

    def flat(self, index: Sequence[str]) -> list[str]:
        """The base sets of the keys of a subscript."""
        return [base for name in index for base in self.set_named(name).tuples_of or [name]]

    # -- expressions ------------------------------------------------------------------------

    def use(self, item: Parameter | Variable, scope: Scope) -> tuple[Use, Scope]:
        """A subscript of `item`; what it binds anew is in the scope that comes with it."""
        use, new = Use("", []), Scope()
        keys: list[str] = []
        for set_name in item.index:
            if self.set_named(set_name).tuples_of is None:
                keys.append(self._base_key(set_name, scope, use, new))
            else:
                keys += self._tuple_keys(set_name, scope, use, new)
        use.text = f"{item.name}[{', '.join(keys)}]" if keys else item.name
        return use, new

    def _base_key(self, set_name: str, scope: Scope, use: Use, new: Scope) -> str:
        if self.chance(5):
            return repr(self.pick(self.keys(set_name))[0])
        bound = [name for name, base in scope.names.items() if base == set_name]
        if bound and not self.chance(4):
            name = self.pick(bound)
        else:
            name = self.fresh()
            use.clauses.append(f"for {name} in {set_name}")
            new.names[name] = set_name
        if self.whole(set_name) and self.chance(4):
            shifted = self.pick([f"{name}-1", f"{name} + 2", f"2*{name}"])
            self.guards.append(f"{shifted} in {set_name}")
            return shifted
        return name

    def _tuple_keys(self, set_name: str, scope: Scope, use: Use, new: Scope) -> Sequence[str]:
        bound = [names for of, names in scope.elements if of == set_name]
        if bound and not self.chance(4):
            return self.pick(bound)
        bases = self.flat([set_name])
        names = tuple(self.fresh() for _ in bases)
        if self.chance(3):
            use.clauses += [f"for {n} in {base}" for n, base in zip(names, bases, strict=True)]
            listed = names[0] if len(names) == 1 else f"({', '.join(names)})"
            self.guards.append(f"{listed} in {set_name}")
        else:
            listed = names[0] if len(names) == 1 else f"({', '.join(names)})"
            use.clauses.append(f"for {listed} in {set_name}")
        new.names.update(zip(names, bases, strict=True))
        new.elements.append((set_name, names))
        return names

    def wrapped(self, body: str, use: Use, scope: Scope, *, mark: int) -> str:
        """`body` summed over what `use` binds, with the guards of `body` (those from `mark` on).

        Without a sum the guards stay, for an outer sum or for `forall`.
        """
        if not use.clauses:
            return body
        conditions, self.guards = self.guards[mark:], self.guards[:mark]
        if self.chance(3):
            conditions.append(self.condition(scope))
        nonempty = not any("ARCS" in clause for clause in use.clauses)
        may_pick = nonempty and not conditions and "x" not in body
        function = self.pick(["sum", "min", "max"]) if may_pick else "sum"
        joined = " and ".join(conditions) if self.chance(2) else " if ".join(conditions)
        filtered = f" if {joined}" if conditions else ""
        return f"{function}({body} {' '.join(use.clauses)}{filtered})"

    def condition(self, scope: Scope) -> str:
        name = self.pick(sorted(scope.names))
        base = scope.names[name]
        key = repr(self.pick(self.keys(base))[0])
        tests = [f"{name} != {key}", f"{name} == {key}", f"not {name} == {key}", "0 < 1"]
        if self.whole(base):
            tests += [f"{name} >= {key}", f"-1 <= {name} < 3", f"({name} < 1 or {name} == {key})"]
            tests += [f"{item.name} < {name}" for item in self.parameters if not item.index]
        tests += [f"{name} != {n}" for n, other in scope.names.items() if n != name == other]
        return self.pick(tests)

    def constant(self, scope: Scope, depth: int) -> str:
        """A number-valued expression without variables."""
        choice = self.draw(st.integers(0, 5 if depth else 1))
        if choice == 0 or not self.parameters:
            return str(self.pick([1, 2, 3, 0.5, 4, 0.25]))
        if choice <= 3:
            mark = len(self.guards)
            use, new = self.use(self.pick(self.parameters), scope)
            return self.wrapped(use.text, use, scope.inside(new), mark=mark)
        left, right = self.constant(scope, depth - 1), self.constant(scope, depth - 1)
        form = self.pick(["({0} + {1})", "({0} - {1})", "abs({0})", "max({0}, {1})"])
        form = self.pick([form, "min({0}, {1})", "({0})**2", "({0})/4", "-({0})"])
        return form.format(left, right)

    def linear(self, scope: Scope, depth: int) -> str:
        """A number-valued expression of degree one in the variables."""
        mark = len(self.guards)
        use, new = self.use(self.pick(self.variables), scope)
        inner = scope.inside(new)
        body = use.text
        if self.chance(2):
            body = f"{self.constant(inner, 1)} * {body}"
        if depth and use.clauses and self.chance(3):
            body = f"({body} + {self.linear(inner, depth - 1)})"
        text = self.wrapped(body, use, inner, mark=mark)
        if depth and self.chance(2):
            form = self.pick(["{0} + {1}", "{0} - ({1})", "({0} + {1})/2", "-({0}) + {1}"])
            other = self.pick([self.linear, self.constant])(scope, depth - 1)
            text = form.format(text, other)
        return text

    # -- the model ----------------------------------------------------------------------------

    def constraint(self, name: str) -> Constraint:
        self.guards = []
        scope, clauses = Scope(), []
        for set_name in self.index(2):
            bases = self.flat([set_name])
            names = tuple(self.fresh() for _ in bases)
            listed = names[0] if len(names) == 1 else f"({', '.join(names)})"
            clauses.append(f"{listed} in {set_name}")
            if self.set_named(set_name).tuples_of is not None:
                scope.elements.append((set_name, names))
            scope.names.update(zip(names, bases, strict=True))
            if self.chance(4):
                clauses[-1] += f" if {self.condition(scope)}"
        lhs, rhs = self.linear(scope, 2), self.constant(scope, 1)
        if self.chance(3):
            lhs, rhs = rhs, lhs
        forall = " for ".join(clauses)
        return Constraint(
            name=name,
            forall=forall + "".join(f" if {guard}" for guard in self.guards),
            lhs=lhs,
            relation=self.draw(RELATIONS),
            rhs=rhs,
            kind="stated",
            unit=None,
            meaning="",
            quote="",
        )

    def model(
        self, constraints: Sequence[Constraint] = (), objective: tuple[Any, str] = ("min", "0")
    ) -> Model:
        return Model(
            ir_version="1",
            name="random",
            sets=self.sets,
            parameters=self.parameters,
            variables=self.variables,
            constraints=list(constraints),
            objective=Objective(
                sense=objective[0], expr=objective[1], unit=None, meaning="", quote=""
            ),
            assumptions=[],
            data=self.values,
        )


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A random model without errors, but a tuple set may be empty; warnings are possible."""
    build = Builder(draw)
    for place in range(draw(st.integers(1, 3))):
        build.sets.append(build.base_set(f"S{place}"))
    for place in range(draw(st.integers(0, 2))):
        build.sets.append(build.tuple_set(f"ARCS{place}"))
    for place in range(draw(st.integers(0, 3))):
        build.parameter(f"p{place}")
    for place in range(draw(st.integers(1, 3))):
        build.variable(f"x{place}")
    constraints = [build.constraint(f"row{place}") for place in range(draw(st.integers(0, 3)))]
    objective = ("satisfy", "0")
    if draw(st.booleans()):
        objective = (draw(st.sampled_from(["min", "max"])), build.linear(Scope(), 2))
    return build.model(constraints, objective)


@st.composite
def points(draw: st.DrawFn, model: Model) -> dict[str, dict[tuple[Key, ...], Fraction]]:
    """A multiple of 1/4 for every variable of `model` at every key, feasible or not."""
    reference = Reference(model)
    quarters = st.integers(-40, 40).map(lambda count: Fraction(count, 4))
    return {
        item.name: {key: draw(quarters) for key in combinations(reference.axes(item.index))}
        for item in model.variables
    }
