"""The words for operations: one line for one of them, one line for many.

`a … b` means everything from a to b in the order of execution; for parameters, in the order in
which they are listed.

Lives here: `Lines`, and the items it writes: `Single`, `Many`.
Never here: which operations get a line (`opto.trace.pack`), values of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from opto.trace.base import Node
from opto.trace.fold import Repeat
from opto.trace.outline import Outline, slots
from opto.trace.shorten import literal, type_name

_INLINE = 24
"""Characters of a constant written into the line."""
_ARGUMENTS = 12
"""Arguments of one call that are written one by one."""
_PATTERN = 6
"""Operations of an iteration that are written out again in the line of a repeat."""
_RANGES = 4
_TIMES = "\N{MULTIPLICATION SIGN}"


class Single(NamedTuple):
    """One operation with a line of its own."""

    first: int

    @property
    def last(self) -> int:
        return self.first


class Many(NamedTuple):
    """Operations that share a line: iterations of a repeat, or any that had to go."""

    first: int
    last: int
    repeat: Repeat | None = None


class Alike(NamedTuple):
    """Iterations of an outer loop: operations that fold into lines like those of `like`."""

    first: int
    last: int
    times: int
    like: tuple[int, int]
    """The first and the last operation of the iteration that is shown."""


Item = Single | Many | Alike


class Written(NamedTuple):
    """A line and what it takes from elsewhere."""

    text: str
    needs: list[Node[Any]]
    """Inputs whose names it says; variables, which are always there, are left out."""
    inlined: list[int]
    """Identities of the constants whose values it says."""


class Lines:
    """Writes the lines of one outline.

    Args:
        outline: What is where.
        short: Write short constants into the lines and many arguments as ranges.
    """

    def __init__(self, outline: Outline, *, short: bool) -> None:
        self.outline = outline
        self.short = short
        self._needs: list[Node[Any]] = []
        self._inlined: list[int] = []
        self._literals: dict[int, str | None] = {}
        self._first_uses: list[tuple[int, int]] | None = None

    def write(self, item: Item) -> Written:
        """The line of an item."""
        self._needs, self._inlined = [], []
        if isinstance(item, Single):
            text = self._single(item.first)
        elif isinstance(item, Alike):
            text = self._alike(item)
        elif item.repeat is None:
            text = self._rest(item)
        else:
            text = self._repeated(item, item.repeat)
        return Written(text, list({id(node): node for node in self._needs}.values()), self._inlined)

    def _constant(self, node: Node[Any]) -> str | None:
        """The constant as it is written into lines; None if it has a name there."""
        if not self.short or type(node) is not Node:
            return None
        key = id(node)
        if key not in self._literals:
            said = node.py_name in self.outline.said
            self._literals[key] = None if said else literal(node._value, _INLINE)
        return self._literals[key]

    def refer(self, node: Node[Any]) -> str:
        """The constant itself, or the name, which is noted as needed where it is an input's."""
        text = self._constant(node)
        if text is not None:
            self._inlined.append(id(node))
            return text
        if self.outline.place.get(id(node), -1) < 0 and id(node) not in self.outline.number:
            self._needs.append(node)
        return self.outline.name(node)

    def _single(self, at: int) -> str:
        node = self.outline.ops[at]
        pairs = slots(node)
        if self.short and len(pairs) > _ARGUMENTS:
            parts = self._ranges(pairs)
        else:
            parts = [f"{name}={self.refer(parent)}" for name, parent in pairs]
        return self.call_text(at, self.outline.name(node), parts)

    def call_text(self, at: int, name: str, parts: Iterable[str]) -> str:
        operator = self.outline.operators[self.outline.made_by[at]]
        which = f"  # [{operator.mark}]" if operator.number > 1 else ""
        return f"{name} = {operator.name}({', '.join(parts)}){which}"

    def _ranges(self, pairs: Sequence[tuple[str, Node[Any]]]) -> list[str]:
        """Arguments with stretches of rising, like inputs written as ranges."""
        groups: list[list[tuple[str, Node[Any]]]] = []
        for pair in pairs:
            if groups and _goes_on(groups[-1][-1][1], pair[1]):
                groups[-1].append(pair)
            else:
                groups.append([pair])
        if len(groups) > _ARGUMENTS:
            hidden = groups[3:-3]
            left = [pair for group in hidden for pair in group]
            middle = [f"… {len(left):,} more arguments{self._used(node for _, node in left)} …"]
            return [*map(self._range, groups[:3]), *middle, *map(self._range, groups[-3:])]
        return [self._range(group) for group in groups]

    def _range(self, group: Sequence[tuple[str, Node[Any]]]) -> str:
        (first, low), (last, high) = group[0], group[-1]
        if len(group) == 1:
            return f"{first}={self.refer(low)}"
        if len(group) == 2:  # noqa: PLR2004
            return f"{first}={self.refer(low)}, {last}={self.refer(high)}"
        return f"{first} … {last}={self.refer(low)} … {self.refer(high)}"

    def _used(self, nodes: Iterable[Node[Any]]) -> str:
        """The variables among `nodes`, in words."""
        number = self.outline.number
        return self.on(sorted({number[id(node)] for node in nodes if id(node) in number}))

    def on(self, numbers: Sequence[int]) -> str:
        """Variables by their numbers, as ` on p3 … p9, q1`."""
        if not numbers:
            return ""
        names = [self.outline.name(self.outline.variables[number]) for number in numbers]
        breaks = [n for n in range(1, len(numbers)) if numbers[n] != numbers[n - 1] + 1]
        if len(breaks) >= _RANGES:
            return f" on {len(numbers):,} of {names[0]} … {names[-1]}"
        bounds = [0, *breaks, len(numbers)]
        return " on " + ", ".join(_span(names[low:high]) for low, high in pairwise(bounds))

    def _first_used(self, first: int, last: int) -> str:
        """The variables whose first use is among these operations, in words."""
        if self._first_uses is None:
            number = self.outline.number
            uses: dict[int, int] = {}
            for at, node in enumerate(self.outline.ops):
                for parent in node._sources:
                    if id(parent) in number:
                        uses.setdefault(number[id(parent)], at)
            self._first_uses = sorted(uses.items())
        return self.on([number for number, at in self._first_uses if first <= at <= last])

    def _alike(self, item: Alike) -> str:
        """A line for iterations that hold repeats themselves."""
        ops = self.outline.ops
        model = _span([self.outline.name(ops[at]) for at in item.like])
        size = item.last - item.first + 1
        used = self._first_used(item.first, item.last)
        return (
            f"{self._from_to(item)}: {_TIMES}{item.times:,} like {model},"
            f" {size:,} operations in all{used}"
        )

    def _from_to(self, item: Many | Alike) -> str:
        ends = self.outline.ops[item.first], self.outline.ops[item.last]
        return _span([self.outline.name(node) for node in ends])

    def _rest(self, item: Many) -> str:
        """A line for operations of which only kinds and numbers are told."""
        outline = self.outline
        size = item.last - item.first + 1
        counts = Counter(outline.made_by[item.first : item.last + 1])
        kinds = [
            f"{outline.operators[n].mark} {_TIMES}{times:,}" for n, times in counts.most_common(5)
        ]
        if len(counts) > 5:  # noqa: PLR2004
            kinds.append(f"{len(counts) - 5:,} other functions")
        used = self._first_used(item.first, item.last)
        plural = "operation" if size == 1 else "operations"
        return f"{self._from_to(item)}: {size:,} {plural} ({', '.join(kinds)}){used}"

    def _repeated(self, item: Many, repeat: Repeat) -> str:
        """A line for iterations, with the pattern they follow."""
        period = repeat.period
        times = (item.last - item.first + 1) // period
        slots = sum(map(len, repeat.steps))
        if period > _PATTERN or slots > 3 * _ARGUMENTS:
            ops = self.outline.ops
            before = item.first - period
            names = [self.outline.name(ops[before]), self.outline.name(ops[item.first - 1])]
            used = self._first_used(item.first, item.last)
            pattern = f"the {period:,} operations {_span(names)}{used}"
        else:
            body = _Body(self, item, repeat)
            pattern = "; ".join(body.call(phase) for phase in range(period))
        return f"{self._from_to(item)}: {_TIMES}{times:,} of {pattern}{self._trend(item, period)}"

    def _trend(self, item: Many, period: int) -> str:
        """The first and last result of the iterations, where they are numbers."""
        values = [
            n._value for n in self.outline.ops[item.first + period - 1 : item.last + 1 : period]
        ]
        if not set(map(type, values)) <= {int, float}:
            return ""
        ends = literal(values[0], _INLINE), literal(values[-1], _INLINE)
        if None in ends:
            return ""
        if all(value == values[0] for value in values):
            return f"; each {ends[0]}"
        return f"; {ends[0]} … {ends[1]}"


class _Body:
    """The operations of one iteration, in words that hold for all of them."""

    def __init__(self, lines: Lines, item: Many, repeat: Repeat) -> None:
        self.lines, self.item, self.repeat = lines, item, repeat
        outline = self.outline = lines.outline
        first = outline.made_by[item.first : item.first + repeat.period]
        names = [outline.operators[number].name for number in first]
        often = Counter(names)
        seen: Counter[str] = Counter()
        self.labels: list[str] = []
        for name in names:
            seen[name] += 1
            self.labels.append(name if often[name] == 1 else f"{name}.{seen[name]}")

    def call(self, phase: int) -> str:
        """`add = add(x=<the one before>, y=<int>)`."""
        at = self.item.first + phase
        node = self.outline.ops[at]
        steps = self.repeat.steps[phase]
        triples = enumerate(zip(slots(node), steps, strict=False))
        parts = [
            f"{name}={self._input(phase, slot, parent, step)}"
            for slot, ((name, parent), step) in triples
        ]
        return self.lines.call_text(at, self.labels[phase], parts)

    def _input(self, phase: int, slot: int, parent: Node[Any], step: int | None) -> str:
        if step == 0:
            return self.lines.refer(parent)
        here = self.outline.place[id(parent)]
        if step == self.repeat.period and here >= self.repeat.start:
            return self._inside(here)
        nodes = self._all(phase, slot)
        if here >= 0:
            names = [self.outline.name(nodes[0]), self.outline.name(nodes[-1])]
            return f"<{_span(names)}, in turn>"
        return self._roots(nodes)

    def _inside(self, here: int) -> str:
        """A result of this iteration or one before."""
        period, start = self.repeat.period, self.repeat.start
        label = self.labels[(here - start) % period]
        back = (self.item.first - start) // period - (here - start) // period
        if back == 0:
            return f"<{label}>"
        if back == 1:
            return "<the one before>" if period == 1 else f"<{label} before>"
        return f"<{label} {back} before>"

    def _all(self, phase: int, slot: int) -> list[Node[Any]]:
        """What is at one place in all these iterations."""
        ops = self.outline.ops[self.item.first + phase : self.item.last + 1 : self.repeat.period]
        return [node._sources[slot] for node in ops]

    def _roots(self, nodes: Sequence[Node[Any]]) -> str:
        """Another root in each iteration: parameters by name, constants by value or type."""
        numbers = self.outline.number
        if id(nodes[0]) in numbers:
            places = [numbers.get(id(node), -1) for node in nodes]
            if places == list(range(places[0], places[0] + len(places))):
                names = [self.outline.name(nodes[0]), self.outline.name(nodes[-1])]
                return f"<{_span(names)}, in turn>"
            return f"<another each time:{self.lines.on(sorted({n for n in places if n >= 0}))[3:]}>"
        first = self.lines._constant(nodes[0])
        value = nodes[0]._value
        kind = type(value)
        if first is not None and all(type(n._value) is kind and n._value == value for n in nodes):
            self.lines._inlined.extend(map(id, nodes))
            return first
        return f"<{type_name(kind)}>"


def _goes_on(before: Node[Any], after: Node[Any]) -> bool:
    """May both be in one range: made in this order, of one kind?"""
    return (
        before.serial < after.serial
        and type(before) is type(after)
        and before._base == after._base
        and before.trainable == after.trainable
    )


def _span(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 or names[0] == names[-1] else f"{names[0]} … {names[-1]}"
