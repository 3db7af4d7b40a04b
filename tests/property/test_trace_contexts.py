"""Programs that trace at the same time, in threads or tasks, never see each other."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opto.trace import ExecutionError, bundle, name_scope, node, stop_tracing, trial_values
from opto.trace.bundle import TraceMissingInputsError, trace_nodes
from opto.trace.nodes import Node
from opto.trace.subgraph import ancestors

THREADS = 32
TASKS = 1000


@bundle()
def combine(xs: list[int], extra: int) -> int:
    """Adds all of them."""
    return sum(xs) + extra


@bundle()
def refuse(x: int) -> int:
    """Raises."""
    raise ValueError(str(x))


class Program:
    """A small random program with parameters of its own, and what must come out of it."""

    def __init__(self, number: int, seed: int) -> None:
        self.number = number
        self.rng = random.Random(f"{number} {seed}")  # noqa: S311
        self.scope = f"scope{number}" if self.rng.random() < 0.5 else ""
        self.names: list[str] = []

    def run(self) -> Iterator[None]:
        """One step at a time; another program may run in between."""
        with name_scope(self.scope) if self.scope else nullcontext():
            yield from self.steps()

    def steps(self) -> Iterator[None]:
        rng, mark = self.rng, f"own{self.number}"
        params = [node(rng.randint(1, 9), name=mark, trainable=True) for _ in range(3)]
        trial = {params[0]: 1000 + self.number} if rng.random() < 0.5 else {}
        yield
        value = {id(p): trial.get(p, p.data) for p in params}
        with trial_values(trial) if trial else nullcontext():
            out: Node[Any] = params[0] + 0
            total, rests_on = value[id(params[0])], {id(params[0])}
            for _ in range(rng.randint(3, 8)):
                yield
                p = rng.choice(params)
                out, kept = yield from self.step(rng.choice(STEPS), out, p)
                total += value[id(p)] if kept is not None else 0
                rests_on = (rests_on | {id(p)}) if kept else (rests_on if kept is None else set())
            yield
            assert out.data == total
        self.check(out, params, rests_on)

    def step(self, kind: str, out: Node[Any], p: Node[Any]) -> Iterator[Any]:
        """The next output; and whether it is traced (True), untraced (False), or as before."""
        if kind == "operator":
            return out + p, True
        if kind == "bundle":
            return combine([out, 0], p), True
        if kind == "untraced":
            with stop_tracing():
                yield
                with stop_tracing():
                    yield
                made = out + p
            assert made.parents == []
            return made, False
        if kind == "raising":
            with pytest.raises(ExecutionError) as caught:
                refuse(p)
            assert caught.value.exception_node.parents[0] is p
            assert caught.value.exception_node.data == f"(ValueError) {p.data}"
        elif kind == "sneaky":
            with pytest.raises(TraceMissingInputsError, match=f"own{self.number}:"):
                bundle()(lambda x: x + p.data)(0)
        else:
            with trace_nodes() as used:
                yield
                p.data  # noqa: B018
            assert used == {p}
        return out, None

    def check(self, out: Node[Any], params: list[Node[Any]], rests_on: set[int]) -> None:
        """Only what belongs to this program is in its trace, under its names, and hears."""
        assert {id(found) for found in out.parameter_dependencies} == rests_on
        found = ancestors([out])
        roots = [n for n in found if n.is_root and n.trainable]
        assert {id(n) for n in roots} <= {id(p) for p in params}
        assert all(n.name.startswith(f"{self.scope}/" if self.scope else "") for n in found)
        assert self.scope or not any("/" in n.name for n in found)
        out.backward(f"to {self.number}")
        for p in params:
            said = {part.user_feedback for parts in p.feedback.values() for part in parts}
            assert said == ({f"to {self.number}"} if id(p) in rests_on else set())
            assert {id(child) for child in p.feedback} <= {id(n) for n in found} | {id(p)} | {
                id(child) for child in p.feedback if child.data == "FEEDBACK_ORACLE"
            }
        self.names = [n.name for n in (*found, *params)]
        self.kept = (found, params)


STEPS = ("operator", "bundle", "untraced", "raising", "sneaky", "reads")


def names_are_unique(programs: list[Program]) -> bool:
    nodes = {id(n): n for program in programs for part in program.kept for n in part}
    return len({n.name for n in nodes.values()}) == len(nodes)


@pytest.fixture
def _often_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_often_switching")
def test_threads_never_mix_their_traces() -> None:
    programs = [Program(number, 0) for number in range(10 * THREADS)]

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(list, program.run()) for program in programs]:
            done.result()

    assert names_are_unique(programs)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_tasks_never_mix_their_traces(seed: int) -> None:
    programs = [Program(number, seed) for number in range(TASKS)]

    async def task(program: Program) -> None:
        for _ in program.run():
            await asyncio.sleep(0)

    async def together() -> None:
        await asyncio.gather(*map(task, programs))

    asyncio.run(together())

    assert names_are_unique(programs)
