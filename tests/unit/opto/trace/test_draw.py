"""Drawings: what they show, that they are well-formed, and that no value can break out of them."""

from __future__ import annotations

import random
import re
import time
import webbrowser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from opto.trace import GRAPH, ExecutionError, bundle, node
from opto.trace.draw import Drawing, NodeVizStyleGuide, NodeVizStyleGuideColorful, draw
from opto.trace.errors import TraceError
from opto.trace.layout import arrange
from opto.trace.look import COLUMNS, columns, lines_of, plain, shown
from opto.trace.nodes import MessageNode, Node, ParameterNode
from opto.trace.propagators import TraceGraph
from opto.trace.state import trial_values

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]><!-- & &amp; -->",
    "\x00\x07\x1b[31m\x7f\x85",
    "\ud800 half \udfff",
    "\u202egnp.exe \u2066x",
    "\ufffe\uffff\ufdd0",
    "\\N \\G \\l \\",
    'a" -> "b',
    "line\r\nline\rline\tend\n",
    "x" * 3_000_000,
    "漢字" * 500,
]


def boxes_of(drawing: Drawing) -> dict[str, list[str]]:
    """The lines of each box by the first of them."""
    root = ElementTree.fromstring(drawing.svg)  # noqa: S314  (our own text)
    lines = [
        [text.text or "" for text in box.iter(f"{SVG}text")] for box in root.findall(f"{SVG}svg")
    ]
    return {first: rest for first, *rest in lines}


def roles_of(drawing: Drawing) -> dict[str, str]:
    root = ElementTree.fromstring(drawing.svg)  # noqa: S314
    return {
        next(box.iter(f"{SVG}text")).text or "": box.attrib["class"]
        for box in root.findall(f"{SVG}svg")
    }


def overlaps(corners: list[tuple[float, float]], sizes: list[tuple[float, float]]) -> list[str]:
    rects = sorted((y, x, x + w, y + h) for (x, y), (w, h) in zip(corners, sizes, strict=True))
    return [
        f"{one} {two}"
        for number, one in enumerate(rects)
        for two in rects[number + 1 :]
        if two[0] < one[3] and one[1] < two[2] and two[1] < one[2]
    ]


def test_a_drawing_shows_names_values_and_what_each_node_is() -> None:
    tone = node("kind", name="tone", trainable=True)
    user = node("Juan", name="user")
    middle = tone + " "
    greeting = middle + user

    drawing = greeting.backward("too short", visualize=True)

    assert boxes_of(drawing)[tone.py_name] == ["kind"]
    assert boxes_of(drawing)[greeting.py_name] == ["kind Juan"]
    assert boxes_of(drawing)["feedback"] == ["too short"]
    roles = roles_of(drawing)
    assert roles[tone.py_name] == "parameter"
    assert roles[user.py_name] == "input"
    assert roles[middle.py_name] == "operation"
    assert roles[greeting.py_name] == "output"
    assert roles["feedback"] == "feedback"


def test_an_exception_is_drawn_as_one() -> None:
    @bundle()
    def fail(x: int) -> int:
        return x // 0

    x = node(1, trainable=True)
    with pytest.raises(ExecutionError) as caught:
        fail(x)

    drawing = caught.value.exception_node.backward("it broke", visualize=True)

    assert roles_of(drawing)[caught.value.exception_node.py_name] == "exception"


def test_details_show_descriptions_and_the_names_of_inputs() -> None:
    x = node(1, name="x", trainable=True, description="at least 1")
    y = x * 2

    few = draw([x, y])
    many = draw([x, y], simple_visualization=False)

    assert boxes_of(few)[x.py_name] == ["1"]
    assert boxes_of(many)[x.py_name] == ["[ParameterNode] at least 1", "1"]
    assert f"(x={x.py_name}, y={y.parents[1].py_name})" in " ".join(boxes_of(many)[y.py_name])
    assert '[label="x"]' in many.source
    assert '[label="x"]' not in few.source


def test_the_limit_counts_the_characters_of_a_value() -> None:
    long = node("a" * 50)

    short = draw([long], print_limit=10)

    assert boxes_of(short)[long.py_name] == ["a" * 9 + "…"]
    with pytest.raises(TraceError, match="print_limit is 0"):
        draw([long], print_limit=0)


def test_reversing_turns_arrows_and_puts_the_output_above() -> None:
    x = node(1, trainable=True)
    y = -x

    def tops(drawing: Drawing) -> dict[str, float]:
        root = ElementTree.fromstring(drawing.svg)  # noqa: S314
        return {
            next(box.iter(f"{SVG}text")).text or "": float(box.attrib["y"])
            for box in root.findall(f"{SVG}svg")
        }

    down, up = draw([x, y]), draw([x, y], reverse_plot=True)

    assert tops(down)[x.py_name] < tops(down)[y.py_name]
    assert tops(up)[x.py_name] > tops(up)[y.py_name]
    assert f'"{x.py_name}" -> "{y.py_name}"' in down.source
    assert f'"{y.py_name}" -> "{x.py_name}"' in up.source


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_no_text_breaks_out_of_the_markup(text: str) -> None:
    x = ParameterNode(text, name=text[:100].replace(":", ""), description=text)
    y = MessageNode(text, inputs={text[:100]: x}, description=f"[op] {text}")

    drawing = draw([x, y], feedback=text, simple_visualization=False, print_limit=200)
    root = ElementTree.fromstring(drawing.svg)  # noqa: S314

    kinds = {part.tag.removeprefix(SVG) for part in root.iter()}
    assert kinds == {"svg", "title", "style", "g", "path", "rect", "text"}
    assert len(root.findall(f"{SVG}svg")) == 3
    assert all(not name.startswith("on") for part in root.iter() for name in part.attrib)
    drawing.svg.encode()
    drawing.source.encode()
    assert len(drawing.svg) < 60_000
    assert dot_statements(drawing.source) == 3 + 3 + 2


def dot_statements(source: str) -> int:
    """How many statements a reader of DOT finds: quoted strings are one word, `\\"` inside them."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"', "Q", source, flags=re.DOTALL)
    attributes = r"\[(?:\w+=Q(?:, )?)+\]"
    statement = rf"  (?:Q(?: -> Q)?|graph|node|edge)(?: {attributes})?;"
    head, *body, last, rest = bare.split("\n")
    assert (head, last, rest) == ("digraph trace {", "}", "")
    assert all(re.fullmatch(statement, line) for line in body), body
    return len(body)


def test_values_that_cannot_be_shown_are_drawn_all_the_same() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    class Odd(str):
        __slots__ = ()

        def __str__(self) -> str:
            raise RuntimeError

    endless: list[object] = []
    endless.append(endless)
    values = [Broken(), Odd("odd"), endless, 10**5000, list(range(10**6)), {1: {2}}, None, b"\x00"]

    drawing = draw([Node(value) for value in values])

    assert len(roles_of(drawing)) == len(values)
    assert "odd" in drawing.svg


def test_two_nodes_of_one_name_stay_two_in_the_text() -> None:
    GRAPH.clear()
    one = node(1, name="twin")
    GRAPH.clear()
    two = node(2, name="twin")
    GRAPH.clear()
    three = node(3, name="twin0 (2)")

    source = draw([one, two, three]).source

    assert len(set(re.findall(r'^  ("(?:[^"\\]|\\.)*") \[', source, flags=re.MULTILINE))) == 3


def test_boxes_never_overlap_whatever_the_graph() -> None:
    for seed in range(40):
        chance = random.Random(seed)  # noqa: S311  (no secret)
        count = chance.randint(1, 60)
        sizes = [(chance.uniform(20, 300), chance.uniform(20, 120)) for _ in range(count)]
        edges = sorted(
            {
                tuple(sorted(chance.sample(range(count), 2)))
                for _ in range(chance.randint(0, 3 * count) if count > 1 else 0)
            }
        )

        layout = arrange(sizes, edges)

        assert not overlaps(layout.corners, sizes)
        for (parent, child), path in zip(edges, layout.paths, strict=True):
            assert path[0][1] == pytest.approx(layout.corners[parent][1] + sizes[parent][1])
            assert path[-1][1] == pytest.approx(layout.corners[child][1])
            assert [y for _, y in path] == sorted(y for _, y in path)
        for (x, y), (width, height) in zip(layout.corners, sizes, strict=True):
            assert x >= 0
            assert x + width <= layout.width
            assert y >= 0
            assert y + height <= layout.height


def test_long_edges_are_led_around_boxes() -> None:
    chain = [(number, number + 1) for number in range(5)]
    sizes = [(100.0, 30.0)] * 6

    layout = arrange(sizes, [*chain, (0, 5)])

    path = layout.paths[-1]
    inner = path[1:-1]
    for x, y in inner:
        for (left, top), (width, height) in zip(layout.corners, sizes, strict=True):
            assert not (left < x < left + width and top <= y <= top + height)
    assert len(inner) == 8


def test_a_thousand_nodes_are_drawn_within_a_second() -> None:
    x: Node[int] = node(1, trainable=True)
    y = x
    for number in range(499):
        y = y + x if number % 2 else y * node(number)
    others = [node(number, trainable=True) for number in range(248)]
    graph = [*TraceGraph(said=[(y, "")], parameters=[x]).nodes, *others]
    assert 990 < len(graph) <= 1000

    start = time.process_time()
    drawing = draw(graph)
    drawing.svg, drawing.source  # noqa: B018

    assert time.process_time() - start < 1
    assert "left out" not in drawing.svg


def test_of_a_larger_graph_both_ends_are_drawn_and_the_rest_counted() -> None:
    first = y = node(0, name="first", trainable=True)
    for _ in range(10_000):
        y = y.__neg__()

    drawing = y.backward("far away", visualize=True)

    roles = roles_of(drawing)
    assert len(roles) == 1000 + 2
    assert roles["… 9001 nodes left out …"] == "gap"
    assert roles[first.py_name] == "parameter"
    assert roles[y.py_name] == "output"
    assert repr(drawing) == "<Drawing of 10001 nodes, 9001 of them left out>"


@pytest.mark.parametrize("extra", [-1, 0, 1, 2])
def test_the_limit_is_exact(extra: int) -> None:
    nodes = [node(number) for number in range(1000 + extra)]

    drawing = draw(nodes)

    assert len(roles_of(drawing)) == min(1000 + extra, 1001)
    assert ("left out" in drawing.svg) == (extra > 0)


def test_nothing_at_all_can_be_drawn() -> None:
    assert ElementTree.fromstring(draw([]).svg).tag == f"{SVG}svg"  # noqa: S314


def test_a_drawing_does_not_change_with_the_parameter() -> None:
    x = node("before", trainable=True)
    drawing = draw([x])

    x._data = "after"

    assert "before" in drawing.svg
    assert "after" not in drawing.source


def test_the_value_of_a_trial_is_drawn_and_looking_is_no_reading() -> None:
    x = node("usual", trainable=True)

    @bundle()
    def look() -> str:
        return draw([x]).svg

    with trial_values({x: "tried"}):
        svg = look()

    assert "tried" in svg.data


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", "<?xml"), ("dot", "digraph"), ("html", "<!doctype")]
)
def test_saving_goes_by_the_suffix(tmp_path: Path, suffix: str, start: str) -> None:
    drawing = draw([node("ünï")])

    saved = drawing.save(tmp_path / f"graph.{suffix}")

    text = saved.read_text(encoding="utf-8")
    assert text.startswith(start)
    assert "ünï" in text


def test_another_suffix_is_refused_with_the_three(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"\.svg, \.html or \.dot"):
        draw([]).save(tmp_path / "graph.png")

    assert not list(tmp_path.iterdir())


class Browser(webbrowser.BaseBrowser):
    """Notes what it is asked to open."""

    def __init__(self) -> None:
        super().__init__("noting")
        self.opened: list[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.opened.append(url)
        return True


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    noting = Browser()
    monkeypatch.setattr(webbrowser, "open", noting.open)
    return noting


def test_rendering_writes_svg_and_viewing_opens_it(tmp_path: Path, browser: Browser) -> None:
    drawing = draw([node("seen")])

    quiet = drawing.render(tmp_path / "quiet")
    opened = drawing.render(tmp_path / "loud.svg", view=True)
    viewed = drawing.view()

    assert quiet == str(tmp_path / "quiet.svg")
    assert Path(quiet).read_text(encoding="utf-8") == Path(opened).read_text(encoding="utf-8")
    assert browser.opened == [Path(opened).as_uri(), Path(viewed).as_uri()]
    assert "seen" in Path(viewed).read_text(encoding="utf-8")


def test_a_notebook_gets_the_same_svg() -> None:
    drawing = draw([node(1)])

    assert drawing._repr_svg_() == drawing.svg
    assert drawing.svg in drawing._repr_html_()


def test_looks_of_two_guides_do_not_mix_on_one_page() -> None:
    nodes = [node(1, trainable=True)]
    simple = draw(nodes).svg
    vivid = draw(nodes, style=NodeVizStyleGuideColorful()).svg

    scopes = [re.search(r'class="opto-trace (\S+)"', svg) for svg in (simple, vivid)]

    assert scopes[0] is not None
    assert scopes[1] is not None
    assert scopes[0][1] != scopes[1][1]
    assert f".{scopes[0][1]} .parameter" in simple


def test_a_guide_of_the_user_decides_text_shape_and_color() -> None:
    class Loud(NodeVizStyleGuide):
        def get_label(self, node: Node[object]) -> str:
            return f"HEY {node.data}"

        def get_color(self, node: Node[object]) -> str:
            return '"pink'

    drawing = draw([node("you")], style=Loud())

    assert list(boxes_of(drawing)) == ["HEY you"]
    assert 'fillcolor="\\"pink"' in drawing.source
    assert Loud().get_attrs(node("x"))["shape"] == "ellipse"


def test_the_graph_of_a_feedback_draws_itself() -> None:
    x = node(1, name="x", trainable=True)
    y = x + 1
    y.backward("more")

    (heard,) = x.feedback[y]

    assert boxes_of(heard.visualize())["feedback"] == ["more"]
    assert y.py_name in heard._repr_html_()


def test_short_text_is_never_longer_than_asked_and_says_that_it_was_cut() -> None:
    assert plain("abc", 3) == "abc"
    assert plain("abcd", 3) == "ab…"
    assert shown("a\x00b", 9) == "a␀b"
    assert shown([1] * 10**6, 9) == "[1, 1, 1…"
    assert shown({"k": 1}, 99) == "{'k': 1}"


def test_lines_are_no_wider_than_a_box() -> None:
    assert lines_of("ab\ncd", 9) == ["ab", "cd"]
    assert all(columns(line) <= COLUMNS for line in lines_of("漢字x" * 99, 99))
    assert "".join(lines_of("漢字x" * 99, 99)) == "漢字x" * 99
    assert lines_of("a\n" * 50, 4) == ["a", "a", "a", "…"]
