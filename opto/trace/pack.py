"""Which operations get a line of their own, so that all lines fit.

First iterations of repeats share a line, the smallest repeats written out again where there is
room; then the least important lines go, what matters most being: outputs, exceptions, what the
feedback names, what is odd in a repeat, the first use of a parameter, and nearness to either end.

Lives here: `Packer`.
Never here: the words of the lines, values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from opto.trace.base import Node
from opto.trace.fold import Repeat, odd_ones, repeats
from opto.trace.lines import Alike, Item, Lines, Many, Single, Written
from opto.trace.nodes import ExceptionNode
from opto.trace.outline import Outline

_ODD_MOST = 8
"""Odd iterations of one repeat that are kept."""
_LONG = 8
"""Iterations of a repeat; an outer loop is not torn by fewer iterations of an inner one."""
_SHORT = 4
"""Iterations of a repeat where there is no longer one."""
_LOOKED_AT = 5_000
"""Operations among which short repeats are looked for."""
_OPENED = 12
"""Operations of a fold that are written out again where there is room."""
_NESTED = 3
"""Loops in loops in loops that are looked for."""
_WORTHWHILE = 0.8
"""Another level of loops is looked for if the last one left no more than this part."""
_LARGE = 100
"""A fold is important if it stands for more than one in so many operations."""
_TINY = 2
"""So few operations are written out, not folded."""


class Packed(NamedTuple):
    """Lines that fit, the operations with a line of their own, and the inputs the lines name."""

    lines: tuple[str, ...]
    shown: tuple[int, ...]
    needs: tuple[Node[Any], ...]
    tokens: int
    operators: tuple[int, ...]
    inlined: frozenset[int]
    """Identities of the constants whose values are in the lines."""


class Packer:
    """Finds the lines for an outline within a number of tokens."""

    def __init__(
        self,
        outline: Outline,
        lines: Lines,
        count: Callable[[str], int],
        define: Callable[[Node[Any]], int],
    ) -> None:
        """Hold what is needed; `define(node)` is what naming an input costs elsewhere."""
        self.outline, self.lines, self.count, self.define = outline, lines, count, define
        self._written: dict[Item, tuple[Written, int]] = {}
        self._odd: set[int] = set()

    def items(self) -> list[Item]:
        """All operations in order, the iterations of repeats folded."""
        out: list[Item] = []
        done = 0
        for repeat in self._repeats():
            out.extend(map(Single, range(done, repeat.start)))
            out.extend(self._folded(repeat))
            done = repeat.end
        out.extend(map(Single, range(done, len(self.outline.ops))))
        for _ in range(_NESTED):
            before = len(out)
            out = self._nested(out)
            if len(out) > before * _WORTHWHILE:
                break
        return out

    def _repeats(self) -> list[Repeat]:
        """Long repeats, and short ones between them unless there is too much between them."""
        shapes, steps = self.outline.shapes, self.outline.steps
        found = repeats(shapes, steps, least=_LONG)
        ends = [0, *(end for repeat in found for end in (repeat.start, repeat.end)), len(shapes)]
        gaps = [range(low, high) for low, high in zip(ends[::2], ends[1::2], strict=True)]
        if sum(map(len, gaps)) <= _LOOKED_AT:
            found += [one for gap in gaps for one in repeats(shapes, steps, least=_SHORT, span=gap)]
        return sorted(found)

    def _nested(self, items: list[Item]) -> list[Item]:
        """`items` with repeats among them folded: loops around those that are folded already."""
        if not any(isinstance(item, Many) for item in items):
            return items
        known: dict[Any, int] = {}
        shapes = [known.setdefault(self._symbol(item), len(known)) for item in items]
        out: list[Item] = []
        done = 0
        for repeat in repeats(shapes, _same, least=_SHORT):
            first = items[repeat.start : repeat.start + repeat.period]
            if all(isinstance(item, Single) for item in first):
                continue  # no loop around a loop, and how its inputs move is unlike
            out.extend(items[done : repeat.start])
            out.extend(self._outer(items, repeat))
            done = repeat.end
        out.extend(items[done:])
        return out

    def _symbol(self, item: Item) -> Any:
        """What makes two items alike: functions and kinds of inputs, not how often inside."""
        shapes = self.outline.shapes
        if isinstance(item, Many) and item.repeat is not None:
            return tuple(shapes[item.first : item.first + item.repeat.period])
        if isinstance(item, Alike):
            return tuple(shapes[item.like[0] : item.like[1] + 1])
        return shapes[item.first]

    def _outer(self, items: list[Item], repeat: Repeat) -> Iterator[Item]:
        """The first, the last and the odd rounds of an outer loop, the others as one item each."""
        period = repeat.period
        rounds = [
            items[begin : begin + period] for begin in range(repeat.start, repeat.end, period)
        ]
        odd = {0, repeat.times - 1}
        for column in zip(*rounds, strict=True):
            if isinstance(column[0], Single):
                odd.update(odd_ones([self.outline.ops[item.first]._value for item in column]))
        odd.update(n for n, part in enumerate(rounds) if self._marked(part))
        done = 0
        for turn in (*sorted(odd)[:_ODD_MOST], repeat.times - 1):
            if turn - done > 1:
                low, high = rounds[done][0].first, rounds[turn - 1][-1].last
                yield Alike(low, high, turn - done, (rounds[0][0].first, rounds[0][-1].last))
            elif turn > done:
                yield from rounds[done]
            if turn >= done:
                yield from rounds[turn]
            done = turn + 1

    def _marked(self, items: Sequence[Item]) -> bool:
        """Does it hold an operation that is odd where it stands, or that the feedback names?"""
        return any(isinstance(item, Single) and item.first in self._odd for item in items)

    def _folded(self, repeat: Repeat) -> Iterator[Item]:
        """The first, the last and the odd iterations one by one, the others as one item each."""
        odd = self._odd_iterations(repeat)
        period = repeat.period
        for iteration in odd:
            begin = repeat.start + iteration * period
            self._odd.update(range(begin, begin + period))
        done = 0
        for iteration in sorted({0, repeat.times - 1, *odd}):
            low, high = repeat.start + done * period, repeat.start + iteration * period
            if high - low > _TINY:
                yield Many(low, high - 1, repeat)
            else:
                yield from map(Single, range(low, high))
            yield from map(Single, range(high, high + period))
            done = iteration + 1

    def _odd_iterations(self, repeat: Repeat) -> list[int]:
        ops = self.outline.ops
        odd: dict[int, None] = {}
        for at in self.named:
            if repeat.start <= at < repeat.end:
                odd[(at - repeat.start) // repeat.period] = None
        for phase in range(repeat.period):
            nodes: Sequence[Node[Any]] = ops[repeat.start + phase : repeat.end : repeat.period]
            odd.update(dict.fromkeys(odd_ones([node._value for node in nodes])))
            for slot, step in enumerate(repeat.steps[phase]):
                if step is None:
                    values = [node._sources[slot]._value for node in nodes]  # type: ignore[attr-defined]
                    odd.update(dict.fromkeys(odd_ones(values)))
        return list(odd)[:_ODD_MOST]

    @property
    def named(self) -> list[int]:
        """The operations whose names the feedback says."""
        if not hasattr(self, "_named"):
            self._named = self.outline.named_in_feedback()
        return self._named

    def pack(self, items: list[Item], limit: int, roomy: int) -> Packed:
        """The lines that tell most within `limit` tokens.

        Repeats are written out again, the smallest first, as long as all is within `roomy` tokens.
        """
        total = self._cost(items, limit)
        if total <= roomy:
            items = self._unfolded(items, roomy - total)
        elif total > limit:
            items = self._thinned(items, limit)
        if self._cost(items, limit) > limit:
            items = []
        return self._result(items)

    def whole(self, limit: int) -> Packed | None:
        """Every operation with a line of its own; None if that is more than `limit` tokens."""
        items: list[Item] = list(map(Single, range(len(self.outline.ops))))
        return None if self._cost(items, limit) > limit else self._result(items)

    def _unfolded(self, items: Iterable[Item], spare: int) -> list[Item]:
        """With the smallest repeats written out, as long as it costs no more than `spare`."""
        many = [item for item in items if not isinstance(item, Single)]
        open_: set[Item] = set()
        for fold in sorted(many, key=lambda m: (m.last - m.first, m.first)):
            if fold.last - fold.first >= _OPENED:
                break
            cost = self._cost(map(Single, range(fold.first, fold.last + 1)), spare)
            if cost > spare:
                break
            spare -= cost
            open_.add(fold)
        out: list[Item] = []
        for item in items:
            out.extend(map(Single, range(item.first, item.last + 1)) if item in open_ else [item])
        return out

    def _thinned(self, items: Sequence[Item], limit: int) -> list[Item]:
        """The most important items that fit, all between them merged."""
        ranked = sorted(range(len(items)), key=self._ranks(items).__getitem__)
        low, high = 0, min(len(items), limit // 4)
        best = _merged(items, ())
        while low < high:
            middle = (low + high + 1) // 2
            tried = _merged(items, ranked[:middle])
            if self._cost(tried, limit) <= limit:
                low, best = middle, tried
            else:
                high = middle - 1
        return best

    def _ranks(self, items: Sequence[Item]) -> list[tuple[int, int, int]]:
        """For each item how unimportant it is."""
        outline = self.outline
        sinks = {id(sink) for sink in outline.sinks}
        named = set(self.named)
        first: set[int] = set()
        seen = set(outline.number)
        for at, node in enumerate(outline.ops):
            for parent in node._sources:
                if id(parent) in seen:
                    seen.discard(id(parent))
                    first.add(at)
        ranks: list[tuple[int, int, int]] = []
        for item in items:
            node = outline.ops[item.first]
            if not isinstance(item, Single):
                tier = 2 if (item.last - item.first) * _LARGE > len(outline.ops) else 5
            elif id(node) in sinks or item.first in named or isinstance(node, ExceptionNode):
                tier = 0
            else:
                tier = 1 if item.first in self._odd else 3 if item.first in first else 4
            ranks.append((tier, outline.depth(node), item.first))
        return ranks

    def _write(self, item: Item) -> tuple[Written, int]:
        found = self._written.get(item)
        if found is None:
            written = self.lines.write(item)
            found = self._written[item] = written, self.count(written.text) + 1
        return found

    def _cost(self, items: Iterable[Item], limit: int) -> int:
        """Tokens of the lines and of naming their inputs; stops counting beyond `limit`."""
        total = 0
        known: set[int] = set()
        for item in items:
            written, cost = self._write(item)
            total += cost
            for node in written.needs:
                if id(node) not in known:
                    known.add(id(node))
                    total += self.define(node)
            if total > limit:
                break
        return total

    def _result(self, items: Sequence[Item]) -> Packed:
        written = [self._write(item) for item in items]
        needs = {id(node): node for line, _ in written for node in line.needs}
        seen: dict[int, None] = {}
        for item in items:
            seen.update(dict.fromkeys(self.outline.made_by[item.first : item.last + 1]))
        return Packed(
            lines=tuple(line.text for line, _ in written),
            shown=tuple(item.first for item in items if isinstance(item, Single)),
            needs=tuple(sorted(needs.values(), key=lambda node: node.serial)),
            tokens=sum(cost for _, cost in written),
            operators=tuple(seen),
            inlined=frozenset(key for line, _ in written for key in line.inlined),
        )


def _same(at: int, lag: int) -> tuple[()]:
    """How inputs moved is not compared between rounds of an outer loop: inner ones may differ."""
    del at, lag
    return ()


def _merged(items: Sequence[Item], kept: Sequence[int]) -> list[Item]:
    """The items at the places `kept`, and every stretch between them as one."""
    out: list[Item] = []
    done = 0
    for number in (*sorted(kept), len(items)):
        if number > done:
            out.append(Many(items[done].first, items[number - 1].last))
        if number < len(items):
            out.append(items[number])
        done = number + 1
    return out
