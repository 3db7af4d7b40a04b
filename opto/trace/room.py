"""Which values are shown, and how much of each, within a number of tokens.

What is near the outputs or the parameters (in operations), what the feedback speaks of and what
went wrong gets more room. What gets too little is named only, then counted.

Lives here: `Shown`, `Values`.
Never here: lines of code, variables and feedback, which are never shortened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from opto.trace.base import Node
from opto.trace.nodes import ExceptionNode, ParameterNode
from opto.trace.outline import Outline
from opto.trace.shorten import cut, type_name, value_text

TAGS = '<node name="" type="">\n<value>\n\n</value>\n</node>\n'
"""What an optimizer writes around a value, at most; its tokens are counted for every value."""
CONSTRAINT_TAGS = "<constraint>\n\n</constraint>\n"
_WORD = re.compile(r"\w{3,}")
_CHARACTERS = 8
"""Characters of a value looked at for each token there is room for."""
_AT_FIRST = 400
"""Characters of every value that are looked at, however many there are."""
_WORTH = 24
"""Tokens for which showing a value is worth the tags around it; shorter values take less."""
_ENDLESS = 1 << 40
_LOOKED_AT = 400
"""Characters of a value in which the feedback's words are looked for."""


class Shown(NamedTuple):
    """One value as the model sees it."""

    node: Node[Any]
    name: str
    """`node.py_name`; for values that are only counted, a range of names."""
    type_name: str
    """Name of the type of the data; `code` for the source of a trainable function."""
    text: str
    constraint: str | None
    """The description of a parameter."""
    whole: bool
    """False when shortened; then the text says how much is missing."""


class Values:
    """Turns nodes into `Shown`, as long as there is room."""

    def __init__(self, outline: Outline, count: Callable[[str], int]) -> None:
        self.outline, self.count = outline, count
        self._tags = count(TAGS)
        self._more_tags = count(CONSTRAINT_TAGS)
        self._words = set(_WORD.findall(outline.feedback.lower()))

    def variable(self, node: Node[Any]) -> Shown:
        """A parameter, whole."""
        text, whole = value_text(node.data)
        return self._shown(node, text, whole=whole)

    def short(self, node: Node[Any], limit: int) -> Shown:
        """A value in about `limit` characters."""
        text, whole = value_text(node.data, limit)
        return self._shown(node, text, whole=whole)

    def name_only(self, node: Node[Any]) -> Shown:
        """A value that is only named."""
        return self._shown(node, "…", whole=False)

    def _shown(self, node: Node[Any], text: str, *, whole: bool) -> Shown:
        is_parameter = isinstance(node, ParameterNode)
        code = isinstance(node, ParameterNode) and node.holds_code
        constraint = value_text(node.description)[0] if is_parameter and node.description else None
        kind = "code" if code else type_name(type(node.data))
        return Shown(node, self.outline.name(node), kind, text, constraint, whole)

    def cost(self, shown: Shown) -> int:
        """Tokens of a value with what stands around it."""
        count = self.count
        total = self._tags + count(shown.name) + count(shown.type_name) + count(shown.text)
        if shown.constraint is None:
            return total
        return total + count(shown.constraint) + self._more_tags

    def least(self, node: Node[Any]) -> int:
        """Tokens of naming a value."""
        return self.cost(self.name_only(node))

    def weight(self, node: Node[Any]) -> float:
        """How relevant a value is: distance in operations, the feedback's words, exceptions."""
        weight = 1.0 / (1 + self.outline.depth(node))
        if isinstance(node, ExceptionNode):
            weight += 2
        if node.py_name in self.outline.said:
            weight += 2
        if self._words:
            text = value_text(node.data, _LOOKED_AT)[0].lower()
            found = self._words.intersection(_WORD.findall(text))
            weight += min(len(found), 4) / 4
        return weight

    def fit(
        self, nodes: Sequence[Node[Any]], room: int, *, must: bool = False
    ) -> tuple[list[Shown], int]:
        """Values within `room` tokens, in the given order, and the tokens they take.

        Args:
            nodes: The values of one section.
            room: Tokens for all of them.
            must: Show at least the name of each; there is room for that.
        """
        if not nodes or room <= 0:
            return [], 0
        weights = [self.weight(node) for node in nodes]
        chosen: dict[int, tuple[Shown, int, int]] = {}
        spare = room
        limit = max(_AT_FIRST, 2 * _CHARACTERS * room // len(nodes))
        for n in sorted(range(len(nodes)), key=lambda n: -weights[n]):
            wish, need = self._wish(nodes[n], limit)
            floor = self.least(nodes[n])
            floor = floor if must else min(need, floor + _WORTH)
            spare -= floor
            if spare < 0 and not must:
                break
            chosen[n] = wish, need, floor
        needs = [need for _, need, _ in chosen.values()]
        floors = [floor for _, _, floor in chosen.values()]
        shares = shared(needs, floors, [weights[n] for n in chosen], room)
        fitted = {
            n: wish if wish.whole and need <= share else self._within(nodes[n], wish, share)
            for (n, (wish, need, _)), share in zip(chosen.items(), shares, strict=True)
        }
        shown = [fitted[n] for n in sorted(fitted)]
        return shown, sum(map(self.cost, shown))

    def _wish(self, node: Node[Any], limit: int) -> tuple[Shown, int]:
        """The value in about `limit` characters, and the tokens it could use."""
        wish = self.short(node, limit)
        need = self.cost(wish)
        if wish.whole:
            return wish, need
        data = node.data
        size = str.__len__(data) if isinstance(data, str) else _ENDLESS
        return wish, need * max(size // max(len(wish.text), 1), 1)

    def _within(self, node: Node[Any], wish: Shown, share: int) -> Shown:
        """As much of the value as fits `share` tokens; its name at least."""
        words = self.count(wish.text)
        room = len(wish.text) * max(share - (self.cost(wish) - words), 0) // max(words, 1)
        while room > 7:  # noqa: PLR2004  (less says nothing)
            shown = self.short(node, room)
            if self.cost(shown) <= share:
                return shown
            room = room * 4 // 5
        return self.name_only(node)

    def counted(self, nodes: Sequence[Node[Any]], room: int) -> tuple[list[Shown], int]:
        """Values that are not shown, as one entry for each type, as far as there is room."""
        by_type: dict[str, list[Node[Any]]] = {}
        for node in nodes:
            by_type.setdefault(type_name(type(node._value)), []).append(node)
        entries: list[Shown] = []
        spent = 0
        for kind, group in sorted(by_type.items(), key=lambda pair: -len(pair[1])):
            name = self.outline.name(group[0])
            if len(group) > 1:
                name = f"{name} … {self.outline.name(group[-1])}"
            plural = "value" if len(group) == 1 else "values"
            text = f"…and {len(group):,} more {plural} of type {kind}"
            entry = Shown(group[0], name, kind, text, None, whole=False)
            spent += self.cost(entry)
            if spent > room:
                return entries, spent - self.cost(entry)
            entries.append(entry)
        return entries, spent

    def documents(self, numbers: Sequence[int], room: int) -> tuple[tuple[str, ...], int]:
        """What the functions do, each text once, within `room` tokens."""
        operators = [self.outline.operators[n] for n in numbers]
        texts = [(op, op.doc) for op in operators if op.doc or op.number > 1]
        least = [self.count(f"[{op.mark}]") + 12 for op, _ in texts]
        while texts and sum(least) > room:
            texts.pop()
            least.pop()
        whole = [
            _document(op.mark, doc or f"Another function named {op.name}.") for op, doc in texts
        ]
        needs = [self.count(text) + 1 for text in whole]
        lines: list[str] = []
        for text, share in zip(whole, shared(needs, least, [1.0] * len(needs), room), strict=True):
            size = len(text)
            line, _ = cut(text, size)
            while self.count(line) + 1 > share and size > 8:  # noqa: PLR2004
                size = size * 4 // 5
                line, _ = cut(text, size)
            if self.count(line) + 1 <= share:
                lines.append(line)
        lines = list(dict.fromkeys(lines))
        return tuple(lines), sum(self.count(line) + 1 for line in lines)


def _document(mark: str, doc: str) -> str:
    return f"[{mark}] {doc}"


def shared(
    needs: Sequence[int], least: Sequence[int], weights: Sequence[float], room: int
) -> list[int]:
    """`room` divided by weight: nobody gets more than needed, nobody less than the least."""
    shares = [min(pair) for pair in zip(needs, least, strict=True)]
    spare = room - sum(shares)
    open_ = [n for n, need in enumerate(needs) if need > shares[n]]
    while open_ and spare > 0:
        total = sum(weights[n] for n in open_)
        unit = spare / total
        content = [n for n in open_ if needs[n] - shares[n] <= unit * weights[n]]
        for n in content or open_:
            more = needs[n] - shares[n] if content else int(unit * weights[n])
            shares[n] += more
            spare -= more
        if not content:
            break
        open_ = [n for n in open_ if needs[n] > shares[n]]
    return shares
