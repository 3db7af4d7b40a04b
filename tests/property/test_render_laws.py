"""Laws of rendering a trace, on small random programs made of calls, loops and fan-outs."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from opto.trace import bundle, node
from opto.trace.nodes import ParameterNode
from opto.trace.outline import Outline
from opto.trace.propagators import TraceGraph, sum_feedback
from opto.trace.render import Rendered, estimate_tokens, render

WORDS = re.compile(r"[^\W\d]\w*")


@bundle()
def weigh(value: Any, factor: Any) -> Any:
    """Value times factor."""
    return value * factor % 97


@bundle()
def first(*parts: Any) -> Any:
    """The first of all parts."""
    return parts[0]


def _other(name: str) -> Any:
    @bundle(f"[{name}] Another {name}.")
    def function(value: Any, factor: Any) -> Any:
        return value - factor

    return function


OPS = (weigh, _other("weigh"), _other("mix"), lambda a, b: a + b, lambda a, _: a + 1)

steps = st.lists(
    st.tuples(
        st.integers(0, len(OPS) - 1),
        st.integers(0, 30),
        st.integers(0, 30),
        st.sampled_from([1, 1, 1, 2, 5, 9, 40]),
        st.sampled_from(["chain", "fan", "swing", "fresh", "join"]),
    ),
    min_size=1,
    max_size=8,
)
values = st.lists(st.integers(-5, 5) | st.floats(-2, 2), min_size=1, max_size=6)


def _program(
    parameters: list[Any], constants: list[Any], program: list[tuple[int, int, int, int, str]]
) -> tuple[TraceGraph, list[ParameterNode[Any]]]:
    """The subgraph of a random program: a sum at the end, so that most of it counts."""
    roots = [node(value, name="p", trainable=True) for value in parameters]
    made: list[Any] = [*roots, *(node(value, name="c") for value in constants)]
    for which, left, right, times, kind in program:
        a, b = made[left % len(made)], made[right % len(made)]
        if kind == "join":
            made.append(first(b, *made[-times - 1 :]))
            continue
        for turn in range(times):
            source = made[-1 - turn % min(len(made), 3)] if kind == "swing" else a
            other = 0.5 if kind == "fresh" else b
            result = OPS[which](source, other)
            made.append(result)
            if kind in {"chain", "fresh"}:
                a = result
    total = made[-1]
    for part in made[len(roots) + len(constants) : -1 : 7]:
        total = total + part
    total = total + roots[0]
    total.backward("the sum is too big, and so is mix3")
    return sum_feedback(roots), roots


programs = st.builds(_program, values, values, steps)
budgets = st.sampled_from([0, 60, 200, 400, 800, 2_000, 8_000])
counts = st.sampled_from([estimate_tokens, len, lambda text: len(text) // 4 + 1])


@settings(max_examples=150, deadline=None)
@given(made=programs, budget=budgets, count=counts)
def test_the_budget_holds_unless_what_may_not_be_shortened_exceeds_it(
    made: tuple[TraceGraph, Any], budget: int, count: Any
) -> None:
    rendered = render(made[0], budget_tokens=budget, count=count)

    fixed = render(made[0], budget_tokens=0, count=count)
    assert fixed[:2] + fixed[3:6] == ((), (), (), (), ())
    assert rendered.tokens <= max(budget, fixed.tokens)
    assert rendered.tokens >= sum(map(count, rendered.code))


@settings(max_examples=80, deadline=None)
@given(made=programs, budget=budgets)
def test_every_parameter_is_there_whole_and_the_same_graph_gives_the_same_text(
    made: tuple[TraceGraph, list[ParameterNode[Any]]], budget: int
) -> None:
    graph, roots = made

    rendered = render(graph, budget_tokens=budget)

    there = {id(part) for part in graph.nodes}
    expected = [(r.py_name, repr(r.data)) for r in roots if id(r) in there]
    assert [(v.name, v.text) for v in rendered.variables] == expected
    assert all(v.whole for v in rendered.variables)
    assert render(graph, budget_tokens=budget) == rendered


@settings(max_examples=150, deadline=None)
@given(made=programs, budget=budgets)
def test_every_operation_is_in_one_line_and_every_name_is_defined(
    made: tuple[TraceGraph, Any], budget: int
) -> None:
    rendered = render(made[0], budget_tokens=budget)
    if not rendered.code:
        assert rendered.folded == len(Outline(made[0]).ops)
        return

    order = [part.py_name for part in Outline(made[0]).ops]
    lines = [_covered(line, order) for line in rendered.code]

    assert [name for covered, _ in lines for name in covered] == order
    shown = sum(1 for covered, single in lines if single)
    assert shown + rendered.folded == len(order)
    named = {part.py_name for part in made[0].nodes}
    for line in rendered.code:
        for word in WORDS.findall(line.partition("  #")[0]):
            assert word not in named or word in order or _in_a_section(word, rendered), line


@settings(max_examples=80, deadline=None)
@given(made=programs, budget=st.sampled_from([800, 2_000, 8_000]))
def test_the_first_use_of_every_parameter_can_be_found(
    made: tuple[TraceGraph, Any], budget: int
) -> None:
    rendered = render(made[0], budget_tokens=budget)
    if not rendered.code:
        return

    text = "\n".join(rendered.code)
    names = [v.name for v in rendered.variables]

    spans = re.findall(r"(p\d+) … (p\d+)", text)
    spanned = {n for a, b in spans for n in names[names.index(a) : names.index(b) + 1]}
    assert set(names) <= spanned | set(WORDS.findall(text))


def _covered(line: str, order: list[str]) -> tuple[list[str], bool]:
    """The operations a line stands for, and whether it shows one operation as it is."""
    single = re.match(r"(\w+) = ", line)
    if single:
        return [single[1]], True
    ends = re.match(
        r"(\w+)(?: … (\w+))?: (?:\u00d7([\d,]+) (?:of|like)|([\d,]+) operations? \()", line
    )
    assert ends, line
    first = order.index(ends[1])
    covered = order[first : order.index(ends[2] or ends[1]) + 1]
    if ends[4]:
        assert int(ends[4].replace(",", "")) == len(covered)
        times = [int(n.replace(",", "")) for n in re.findall(r" \u00d7([\d,]+)", line)]
        assert sum(times) == len(covered)
    elif inside := re.search(r", ([\d,]+) operations in all", line):
        assert int(inside[1].replace(",", "")) == len(covered)
    else:
        assert len(covered) % int(ends[3].replace(",", "")) == 0
    return covered, False


def _in_a_section(name: str, rendered: Rendered) -> bool:
    sections = (rendered.variables, rendered.inputs, rendered.others, rendered.outputs)
    return any(name == shown.name for part in sections for shown in part)
