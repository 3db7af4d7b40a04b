"""What a person sees of a search, on a terminal and elsewhere."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from toy_search import NumberTask, RandomSearch

from opto.display.search import Board, Lines, clock, line_of
from opto.display.search import watching as shown
from opto.display.search_plot import COLUMNS, ROWS, changed, curve
from opto.display.search_result import ended_by, show_result
from opto.search import Budget, Cost, Estimate, Study
from opto.search.optimize import optimize
from opto.search.progress import Progress, watching

SEED = Estimate(0.25, 0.1, 0.5, 8, "", unbiased=False)
SEEN = Progress(
    run="night",
    phase="search",
    step=3,
    spent=Cost(metric=120, llm=5, usd="0.25"),  # type: ignore[arg-type]
    budget=Budget(metric=500, llm=50),
    elapsed_s=65.0,
    flying=8,
    candidates=4,
    seed=SEED,
    best=replace(SEED, mean=0.75, low=None),
    best_id="a1",
    failures={"proposals malformed": 2},
    last_failure="no value",
)
PROGRAM: Any = ({"x": 0.1}, lambda values, example: values["x"])


def looked_at(renderable: Any) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(renderable)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return " ".join(text.split())


def test_a_line_says_what_matters() -> None:
    assert line_of(SEEN) == (
        "searching, step 3, 1:05 · best 0.750 (n=8), began at 0.250 · 120/500 metric calls · "
        "5/50 model calls · 0.25 USD · 8 in flight · failed: proposals malformed 2"
    )
    assert clock(3723) == "1:02:03"


def test_the_board_shows_limits_as_bars_and_what_failed_last() -> None:
    board = Board()
    assert looked_at(board) == "starting ..."

    board.take(SEEN)

    text = looked_at(board)
    for said in ("step 3 1:05 run night", "120 of 500", "5 of 50", "no value", "in flight 8", "━"):
        assert said in text


def test_words_of_models_and_programs_steer_no_terminal() -> None:
    board = Board()
    board.take(replace(SEEN, run="[red]x", last_failure="\x1b[2Jgone [bold]"))

    text = looked_at(board)

    assert "\x1b" not in text
    assert "[red]x" in text
    assert "gone [bold]" in text


def test_lines_come_with_a_new_leader_and_a_new_phase_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines()
    for progress in (SEEN, SEEN, replace(SEEN, best_id="b2"), replace(SEEN, phase="final score")):
        lines(progress)

    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_notebook_gets_one_line_that_is_written_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Cell(io.StringIO):
        """The stream of a notebook's cell, as far as one can tell from outside."""

    Cell.__module__ = "ipykernel.iostream"
    cell = Cell()
    monkeypatch.setattr(sys, "stderr", cell)

    with watching(None) as watch:
        assert watch is not None
        watch(SEEN)
        watch(replace(SEEN, failures={}))
        watch(replace(SEEN, phase="ended"))

    first, second, last = cell.getvalue().split("\r")[1:]
    assert len(first) == len(second)  # what was longer is blotted out
    assert last.endswith("\n")
    assert "\n" not in first + second


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "progress", "told"),
    [
        (io.StringIO, None, False),
        (io.StringIO, True, True),
        (Terminal, None, True),
        (Terminal, False, False),
    ],
)
def test_progress_is_shown_where_somebody_looks_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, stream: Any, progress: bool | None, told: bool
) -> None:
    monkeypatch.setattr(sys, "stderr", stream())
    given: Any = {"optimizer": RandomSearch(rounds=2), "budget": Budget(metric=30)}

    optimize(PROGRAM, [0.6, 0.8], lambda out, wish: -abs(out - wish), progress=progress, **given)

    assert ("best -" in sys.stderr.getvalue()) is told  # type: ignore[attr-defined]


def test_what_a_program_prints_to_a_file_gets_there_while_the_board_is_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err = io.StringIO(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)

    with shown(Console(file=err, force_terminal=True, width=80)) as watch:
        watch(SEEN)
        sys.stdout.write("a row of data\n")

    assert out.getvalue() == "a row of data\n"


def test_a_result_is_shown_with_its_warnings() -> None:
    result = Study(NumberTask(crash=0.4), RandomSearch(), Budget(metric=200)).run()

    text = looked_at_result(result)

    assert "before 0." in text
    assert "stopped the budget is used up: metric" in text
    assert "warning:" in text
    assert ended_by("nothing to gain") == "nothing to gain"


def looked_at_result(result: Any) -> str:
    console = Console(file=io.StringIO(), width=100)
    show_result(result, console)
    return " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]


def test_a_curve_is_a_staircase_with_its_ends_named() -> None:
    lines = curve([(0, 0.0), (50, 0.5), (100, 1.0)], x="metric calls")

    assert len(lines) == ROWS + 2
    assert lines[0].startswith("      1 │")
    assert lines[0].endswith("•")
    assert lines[ROWS - 1].count("•") == COLUMNS // 2
    assert lines[-1].endswith("100 metric calls")
    assert len(curve([(0, 0.5), (9, 0.5)], x="calls")) == 3
    assert curve([], x="calls") == ["nothing measured"]


def test_changes_are_lines_and_long_ones_are_cut() -> None:
    assert changed("a", "b") == ["-a", "+b"]
    assert changed("same", "same") == []
    assert changed("one\ntwo\nthree", "one\n2\nthree")[1:] == [" one", "-two", "+2", " three"]
    assert changed({"k": 1}, {"k": 2})[2:4] == ['- "k": 1', '+ "k": 2']
    assert changed("x", "a\x1bb")[1] == "+a\ufffdb"
    assert changed("", "\n".join(map(str, range(100))))[-1].startswith("@ 4")
