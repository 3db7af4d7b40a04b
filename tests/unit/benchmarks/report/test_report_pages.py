"""How a report is shown, and that no text of a problem or a model becomes more than text."""

from __future__ import annotations

import re
import time
import unicodedata
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from benchmarks.report import fold, to_html, to_markdown, to_text

VOID = {"meta", "input", "br"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table></main><script>alert(2)</script>",
    "</style></svg></title><b>bold</b>",
    "\x1b[2J\x1b]0;owned\x07 \u202e \x00",
    "a | b\n# heading\n[link](javascript:alert(1)) ![x](http://evil.example/x.png) `code`",
    "[bold red]rich[/] [link=http://evil.example]markup[/link]",
    "x" * 100_000,
]


class Reader(HTMLParser):
    """A strict reader: every element is closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: dict[str, int] = {}
        self.attributes: list[tuple[str, str]] = []
        self.words: dict[str, str] = {}
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        at = self.open[-1] if self.open else ""
        self.words[at] = self.words.get(at, "") + data


@pytest.fixture
def report(tried):
    """Two of each sort, in two kinds, with several tries."""
    return fold(
        tried(
            f"p{i}", answer, *accepted, sample=sample, kind=f"kind {i % 2}", seconds=1.0 + i,
            labels=("agreed", "disputed")[i % 2], overlap=("a/b",) if i < 2 else (),
            declarations={"errors": 1, "declared": 4}, same_model=False, calls=1,
            findings=({"code": "direction", "path": "", "message": ""},), why="so it is",
        )
        for i, (answer, accepted) in enumerate(
            [(1.0, ["1"]), (2.0, ["1"]), ("infeasible", ["3"]), (None, ["4"]), (5.0, [])]
        )
        for sample in range(2)
    )  # fmt: skip


@pytest.fixture
def hostile(tried):
    return fold(
        tried(
            f"{text} {i}", text, text, kind=text, error=text, why=text, status=text,
            labels=text, findings=({"code": text, "path": text, "message": text},),
        )
        for i, text in enumerate(HOSTILE)
    )  # fmt: skip


def test_the_terminal_says_it_all(report) -> None:
    text = to_text(report, title="nl4opt: toy model")

    for word in (
        "nl4opt: toy model", "25.0 %", "of 4 problems", "1 more without a gold answer", "kind 1",
        "disputed", "in other sets too", "infeasible", "other", "pass@2", "vote", "declarations",
        "same model", "median", "direction",
    ):  # fmt: skip
        assert word in text
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text
    assert "\x1b[1m" in to_text(report, color=True)


def test_markdown_is_tables_with_as_many_cells_as_heads(report, hostile) -> None:
    for one in (report, hostile):
        lines = to_markdown(one, title=HOSTILE[5]).splitlines()

        wide = None
        for line in lines:
            if not line.startswith("|"):
                wide = None
                continue
            cells = len(re.findall(r"(?<!\\)\|", line))
            assert cells == (wide or cells)
            wide = cells
        assert sum(line.startswith("#") for line in lines) == sum(
            line.startswith(("# ", "## ")) for line in lines
        )


def test_markdown_holds_no_link_no_tag_no_picture(hostile) -> None:
    text = to_markdown(hostile, title=HOSTILE[0])

    assert not re.search(r"(?<!\\)[<>`\[\]!]", text)
    assert not re.search(r"(?<!\\)://", text)


def test_the_page_is_well_formed_and_needs_nothing_else(report) -> None:
    page = to_html(report, title="toy", questions={"toy/p1": "How many?\nSay it."})

    found = Reader(page)
    assert found.tags["svg"] == 6
    assert found.tags["script"] == 1
    assert found.tags["details"] == 1
    assert "How many?\nSay it." in found.words["pre"]
    assert not re.search(r"(https?:)?//[a-z]", page)
    named = {name for name, _ in found.attributes}
    assert not {name for name in named if name.startswith("on")}
    assert named.isdisjoint({"src", "href", "style", "action"})
    assert "prefers-color-scheme:dark" in page


def test_pictures_are_well_formed_and_say_what_they_show(report) -> None:
    for drawing in re.findall(r"<svg.*?</svg>", to_html(report), re.DOTALL):
        root = ElementTree.fromstring(drawing)  # noqa: S314 - our own text
        assert root.get("role") == "img"
        assert all(root.findtext(part) for part in ("title", "desc"))


def test_tables_name_their_columns_and_rows(report) -> None:
    page = to_html(report)

    for table in re.findall(r"<table>.*?</table>", page, re.DOTALL):
        heads = table.count('<th scope="col">')
        assert heads
        rows = table.count("<tr>") - 1
        assert table.count('<th scope="row">') == rows
        assert table.count("<td") == rows * (heads - 1)


def test_hostile_text_stays_text(hostile) -> None:
    questions = {f"toy/{text} {i}": text for i, text in enumerate(HOSTILE)}
    page = to_html(hostile, title=HOSTILE[2], questions=questions)

    found = Reader(page)

    assert found.tags["script"] == 1
    assert {"img", "b"}.isdisjoint(found.tags)
    assert "alert" not in found.words["script"]
    assert HOSTILE[0] in found.words["pre"]
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\x00" not in page


def test_only_the_script_and_the_style_of_the_page_may_run(report) -> None:
    """So that a tag which slipped through would be inert all the same."""
    page = to_html(report)

    found = Reader(page)
    (policy,) = [value for _, value in found.attributes if value.startswith("default-src")]
    assert policy.startswith("default-src 'none'")
    for part, kind in (("script", "script-src"), ("style", "style-src")):
        digest = b64encode(sha256(found.words[part].encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_the_terminal_is_not_steered(hostile) -> None:
    text = to_text(hostile, title=HOSTILE[4])

    steering = {c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf"}}
    assert not steering
    assert "[bold red]" in text  # shown, not obeyed


def test_nothing_is_shown_as_nothing() -> None:
    empty = fold([])

    assert "no problem has a gold answer" in to_text(empty)
    assert "no problem has a gold answer" in to_markdown(empty)
    Reader(to_html(empty))


def test_five_thousand_tries_are_a_page_of_seconds_not_minutes(tried) -> None:
    big = fold(
        tried(f"problem {i}", float(i % 7), "3", seconds=i % 60, why="because " * 20)
        for i in range(5000)
    )

    began = time.perf_counter()
    page = to_html(big)

    assert time.perf_counter() - began < 10
    assert page.count("<tr>") > 5000
    assert len(page) < 4_000_000


def _said(page: str, heading: str) -> str:
    """What the picture of that heading says in words, and on its axes."""
    (drawing,) = re.findall(rf"<svg[^>]*><title>{heading}.*?</svg>", page, re.DOTALL)
    root = ElementTree.fromstring(drawing)  # noqa: S314 - our own text
    return " | ".join(root.itertext())


def test_accuracy_so_far_is_of_problems_and_ends_at_the_headline(tried) -> None:
    """Four tries on each of two problems are no eight independent trials."""
    often = fold(
        tried(name, 1.0 if name == "a" else 2.0, "1", sample=i)
        for i in range(4)
        for name in ("a", "b")
    )

    said = _said(to_html(often), "Accuracy so far")

    assert "after 2 problems" in said
    assert "50.0 % (95 % interval 9.5 to 90.5 %)" in said
    assert "50.0 % right (95 % interval 9.5 to 90.5 %)" in to_text(often)
    assert "tries" not in said


@pytest.mark.parametrize(
    ("seconds", "end"),
    [
        ([0.5] * 198 + [0.885, 0.96], "0.96 s"),
        ([0.5] * 198 + [0.885, 60.0], "0.885 s and more, longest 60 s"),
    ],
)
def test_the_axis_of_seconds_ends_at_the_longest_or_says_that_it_is_cut(
    tried, seconds, end
) -> None:
    page = to_html(fold(tried(f"p{i}", 1.0, "1", seconds=s) for i, s in enumerate(seconds)))

    assert end in _said(page, "Seconds a try").split(" | ")
