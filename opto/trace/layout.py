"""Where boxes and arrows go: a layered drawing, worked out from sizes and edges alone.

Every box is one layer below the lowest of the boxes it comes from; within a layer boxes are ordered
by where their neighbors are, then moved as near to them as the widths allow.

Lives here: `arrange`, pure geometry in pixels, y grows downwards.
Never here: nodes, text, colors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Point = tuple[float, float]
Size = tuple[float, float]

BESIDE, BELOW, MARGIN = 24.0, 40.0, 12.0
"""Pixels between boxes of one layer, between layers, and around everything."""
_BEND_WIDTH = 8.0
_BENDS_PER_BOX = 4
"""Long edges are led around boxes while they need no more bends than this; the rest pass behind."""
_STRAIGHTNESS = 4.0
"""How much stronger a bend pulls at its neighbors than a box does."""
_ROUNDS = 4


class Layout(NamedTuple):
    """The drawing: sizes are those given, `corners[i]` is the top left of box i."""

    corners: list[Point]
    paths: list[list[Point]]
    """For each edge the points it passes, from the bottom of one box to the top of the other."""
    width: float
    height: float


class _Cell:
    """A box, or a bend of an edge that passes a layer."""

    __slots__ = ("above", "below", "size", "weight", "x")

    def __init__(self, size: Size, weight: float) -> None:
        self.size, self.weight, self.x = size, weight, 0.0
        self.above: list[_Cell] = []
        self.below: list[_Cell] = []


def arrange(sizes: Sequence[Size], edges: Sequence[tuple[int, int]]) -> Layout:
    """Place boxes of the given widths and heights.

    Args:
        sizes: Width and height of each of n boxes; parents before children.
        edges: (parent, child), parent < child.

    Returns:
        No two boxes overlap. O(n + edges) per sweep, and a fixed number of sweeps.

    Source: the layered method of Sugiyama, Tagawa and Toda (1981); positions by the
    pool-adjacent-violators algorithm, which solves each layer's least squares exactly.
    """
    depth = _depths(len(sizes), edges)
    cells = [_Cell(size, 1.0) for size in sizes]
    layers: list[list[_Cell]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for cell, layer in zip(cells, depth, strict=True):
        layers[layer].append(cell)
    bends = _lead(cells, depth, layers, edges)
    _order(layers)
    _settle(layers)
    return _drawn(cells, depth, layers, edges, bends)


def _depths(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each box: the longest path to it; roots stand right above their first use."""
    depth = [0] * count
    nearest: dict[int, int] = {}
    is_root = [True] * count
    for parent, child in sorted(edges, key=lambda edge: edge[1]):
        depth[child] = max(depth[child], depth[parent] + 1)
        is_root[child] = False
    for parent, child in edges:
        nearest[parent] = min(nearest.get(parent, depth[child]), depth[child])
    for box, use in nearest.items():
        if is_root[box]:
            depth[box] = use - 1
    return depth


def _lead(
    cells: list[_Cell],
    depth: list[int],
    layers: list[list[_Cell]],
    edges: Sequence[tuple[int, int]],
) -> dict[int, list[_Cell]]:
    """Connect neighbors; an edge over several layers gets a bend in each, shortest edges first."""
    left = _BENDS_PER_BOX * len(cells)
    bends: dict[int, list[_Cell]] = {}
    for number in sorted(range(len(edges)), key=lambda n: depth[edges[n][1]] - depth[edges[n][0]]):
        parent, child = edges[number]
        passed = range(depth[parent] + 1, depth[child])
        chain = [cells[parent]]
        if len(passed) <= left:
            left -= len(passed)
            bends[number] = [_Cell((_BEND_WIDTH, 0.0), _STRAIGHTNESS) for _ in passed]
            for layer, bend in zip(passed, bends[number], strict=True):
                layers[layer].append(bend)
            chain += bends[number]
        elif passed:
            continue
        for upper, lower in zip(chain, [*chain[1:], cells[child]], strict=True):
            upper.below.append(lower)
            lower.above.append(upper)
    return bends


def _order(layers: list[list[_Cell]]) -> None:
    """Sort each layer by the mean place of the neighbors, downwards and upwards in turn."""
    for layer in layers:
        _number(layer)
    for turn in range(_ROUNDS):
        for layer in layers if turn % 2 == 0 else reversed(layers):
            for cell in layer:
                near = cell.above if turn % 2 == 0 else cell.below
                if near:
                    cell.x = sum(other.x for other in near) / len(near)
            layer.sort(key=lambda cell: cell.x)
            _number(layer)


def _number(layer: list[_Cell]) -> None:
    for place, cell in enumerate(layer):
        cell.x = float(place) - len(layer) / 2


def _settle(layers: list[list[_Cell]]) -> None:
    """Move the cells of each layer as near to their neighbors as the widths allow."""
    for layer in layers:
        offsets, wide = _offsets(layer)
        for cell, offset in zip(layer, offsets, strict=True):
            cell.x = offset - wide / 2
    for turn in range(2 * _ROUNDS):
        for layer in layers if turn % 2 == 0 else reversed(layers):
            wished = [
                sum(other.x * other.weight for other in near) / sum(other.weight for other in near)
                if (near := cell.above if turn % 2 == 0 else cell.below)
                else cell.x
                for cell in layer
            ]
            _place(layer, wished)


def _offsets(layer: list[_Cell]) -> tuple[list[float], float]:
    """Where the middles of the cells are when packed, the first at 0; and the last of them."""
    offsets: list[float] = []
    at = 0.0
    for number, cell in enumerate(layer):
        if number:
            at += (layer[number - 1].size[0] + cell.size[0]) / 2 + BESIDE
        offsets.append(at)
    return offsets, at


def _place(layer: list[_Cell], wished: list[float]) -> None:
    """Middles nearest to `wished` in least squares that keep the order and the distances."""
    offsets, _ = _offsets(layer)
    blocks: list[tuple[float, float, int]] = []  # sum of weights * wishes, of weights, cells
    for cell, wish, offset in zip(layer, wished, offsets, strict=True):
        total, weight, count = (wish - offset) * cell.weight, cell.weight, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / weight:
            before = blocks.pop()
            total, weight, count = total + before[0], weight + before[1], count + before[2]
        blocks.append((total, weight, count))
    at = 0
    for total, weight, count in blocks:
        for number in range(at, at + count):
            layer[number].x = total / weight + offsets[number]
        at += count


def _drawn(
    cells: list[_Cell],
    depth: list[int],
    layers: list[list[_Cell]],
    edges: Sequence[tuple[int, int]],
    bends: dict[int, list[_Cell]],
) -> Layout:
    """Middles and layers as corners and paths, shifted to begin at the margin."""
    every = [cell for layer in layers for cell in layer]
    left = min((cell.x - cell.size[0] / 2 for cell in every), default=0.0) - MARGIN
    right = max((cell.x + cell.size[0] / 2 for cell in every), default=0.0) + MARGIN
    rows: list[tuple[float, float]] = []  # top and height of each layer
    top = MARGIN
    for layer in layers:
        tall = max(cell.size[1] for cell in layer)
        rows.append((top, tall))
        top += tall + BELOW
    corners = [
        (cell.x - cell.size[0] / 2 - left, rows[layer][0])
        for cell, layer in zip(cells, depth, strict=True)
    ]
    paths: list[list[Point]] = []
    for number, (parent, child) in enumerate(edges):
        path = [(cells[parent].x - left, corners[parent][1] + cells[parent].size[1])]
        for step, bend in enumerate(bends.get(number, ()), depth[parent] + 1):
            start, tall = rows[step]
            path += [(bend.x - left, start), (bend.x - left, start + tall)]
        paths.append([*path, (cells[child].x - left, corners[child][1])])
    height = rows[-1][0] + rows[-1][1] + MARGIN if rows else 2 * MARGIN
    return Layout(corners, paths, right - left, height)
