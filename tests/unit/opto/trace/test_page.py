"""A node in a notebook: what its card says, and that no value becomes markup."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest

from opto.trace import bundle, node
from opto.trace.nodes import MessageNode, Node, ParameterNode
from opto.trace.page import ANCESTORS, node_html

ALLOWED = {
    "div", "p", "code", "table", "tr", "th", "td", "pre", "small", "br", "details", "summary",
    "svg", "title", "style", "g", "path", "rect", "text",
}  # fmt: skip
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></td></svg><b>",
    "\x00\x1b[31m\ud800\u202e",
    "x" * 3_000_000,
]


class Reader(HTMLParser):
    """Which elements there are, which attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_card_says_what_the_node_is_and_where_it_comes_from() -> None:
    tone = node("kind", name="tone", trainable=True, description="one word")
    greeting = tone + " Juan"

    card = Reader(greeting._repr_html_())

    assert f"MessageNode {greeting.name} of type str" in card.words
    assert "kind Juan" in card.words
    assert f"x = {tone.name}: kind" in card.words
    assert "Computed from" in card.words
    assert card.tags["svg"] == 1 + 3
    assert not card.open


def test_a_card_of_a_parameter_shows_constraint_and_feedback_once() -> None:
    tone = node("kind", name="tone", trainable=True, description="one word")
    first, second = tone + "!", tone + "?"
    (first + second).backward("too loud")

    card = Reader(node_html(tone))

    assert "one word" in card.words
    assert card.words.count("too loud") == 1
    assert "svg" not in card.tags


def test_feedback_that_is_no_graph_is_shown_as_it_is() -> None:
    x = ParameterNode(1, name="x")
    child = x + 1
    x.feedback[child] = ["louder", 2.5]

    card = Reader(node_html(x))

    assert "louder" in card.words
    assert "2.5" in card.words
    assert f"on {child.name}" in card.words


def test_a_parameter_that_may_not_change_is_called_frozen() -> None:
    assert "ParameterNode, frozen" in node_html(ParameterNode(1, trainable=False))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_no_value_becomes_markup(text: str) -> None:
    x = ParameterNode(text, name=text[:100].replace(":", ""), description=text)
    y = MessageNode(
        text, inputs={text[:100]: x}, description=f"[{text[:100].replace(']', '')}] {text}"
    )
    x.feedback[y] = [text]

    for made in (x, y):
        html = node_html(made)
        card = Reader(html)
        assert set(card.tags) <= ALLOWED
        assert not any(name.startswith("on") for name in card.attributes)
        assert not card.open
        html.encode()
        assert len(html) < 30_000


def test_a_card_of_a_node_far_down_is_made_at_once_and_draws_thirty() -> None:
    y: Node[int] = node(0, trainable=True)
    for _ in range(50_000):
        y = y.__neg__()

    start = time.process_time()
    card = Reader(node_html(y))

    assert time.process_time() - start < 0.5
    assert card.tags["svg"] == 1 + ANCESTORS
    assert "29 nearest of more ancestors" in card.words


def test_of_many_inputs_the_first_are_listed_and_the_rest_counted() -> None:
    @bundle()
    def total(*parts: int) -> int:
        return sum(parts)

    card = Reader(node_html(total(*range(100))))

    assert "parts_0 = " in card.words
    assert "and 88 more" in card.words
