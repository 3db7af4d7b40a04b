"""What an optimizer remembers of earlier steps: a bounded list of JSON values.

Lives here: the newest entries, and the best.
Never here: nodes, which would keep every trace alive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, Literal, TypeVar

from opto.optimizers.errors import OptionError

T = TypeVar("T")
Keep = Literal["latest", "highest", "lowest"]


class FIFOBuffer(Generic[T]):
    """The `size` newest entries, oldest first; size 0 keeps none."""

    def __init__(self, size: int) -> None:
        if size < 0:
            raise OptionError(f"A memory of size {size} cannot be.", fix="Use 0 for none.")
        self.size = size
        self.buffer: list[T] = []

    def add(self, item: T) -> None:
        """Remember `item`; forget the oldest beyond `size`."""
        self.buffer.append(item)
        del self.buffer[: max(len(self.buffer) - self.size, 0)]

    def restore(self, items: Iterable[T]) -> None:
        """Hold `items` instead."""
        self.buffer = []
        for item in items:
            self.add(item)

    def __iter__(self) -> Iterator[T]:
        return iter(self.buffer)

    def __len__(self) -> int:
        return len(self.buffer)


class History(FIFOBuffer[dict[str, Any]]):
    """Earlier solutions: the newest, or those with the best `score`, the best one last.

    Each solution is kept once. Entries whose score is None are the first to go where the best are
    kept.

    Source: OPRO (Yang et al. 2023) shows the best 20 in ascending order.
    """

    def __init__(self, size: int, *, keep: Keep = "latest") -> None:
        super().__init__(size)
        if keep not in {"latest", "highest", "lowest"}:
            raise OptionError(f"Cannot keep the {keep!r}.", fix="Use latest, highest or lowest.")
        self.keep = keep

    def add(self, item: dict[str, Any]) -> None:
        same = [old for old in self.buffer if old["variables"] == item["variables"]]
        for old in same:
            self.buffer.remove(old)
        self.buffer.append(item)
        if self.keep != "latest":
            self.buffer.sort(key=self._rank)
        del self.buffer[: max(len(self.buffer) - self.size, 0)]

    def _rank(self, item: dict[str, Any]) -> float:
        score = item.get("score")
        if score is None:
            return float("-inf")
        return float(score if self.keep == "highest" else -score)
