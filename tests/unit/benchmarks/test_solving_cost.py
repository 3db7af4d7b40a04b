"""The measurement of evaluations measures what it says, on drafts that mean the gold model."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import solving

ROW = {
    "question": "A smith forges gates and railings. A gate takes 6 hours and a railing 2 hours; "
    "at most 40 hours are available. He must forge more railings than gates. A gate earns $90, "
    "a railing $25. Maximize profit.",
    "gold_lp": {
        "vars": ["gates", "railings"],
        "sense": "max",
        "c": [90.0, 25.0],
        "objective_name": "profit",
        "rows": [
            {"type": "linear", "coef": [6.0, 2.0], "op": "<=", "rhs": 40.0}
            | {"direction": "at most", "strict": False},
            {"type": "xy", "coef": [-1.0, 1.0], "op": ">=", "rhs": 0.0}
            | {"direction": "more", "strict": True},
        ],
    },
}


@pytest.mark.parametrize("style", solving.STYLES)
def test_both_styles_of_draft_solve_the_gold_model(tmp_path, monkeypatch, capsys, style) -> None:
    data = tmp_path / "problems.jsonl"
    data.write_text((json.dumps(ROW) + "\n") * 3)
    arguments = ["--data", str(data), "--style", style, "--at-once", "1", "3"]
    monkeypatch.setattr(sys, "argv", ["solving", *arguments])

    solving.main()

    report = json.loads(capsys.readouterr().out)
    assert report["verdicts"] == {"optimal": 3}
    assert report["second_agrees"] == 3
    assert set(report["at_once"]) == {"1", "3"}
    assert {"reply", "solve", "second opinion", "audit", "sum"} <= set(report["stages_cpu_ms"])
    assert report["stages_cpu_ms"]["sum"]["median"] > 0


def test_a_quote_is_the_next_sentence_with_the_words_and_no_place_is_quoted_twice() -> None:
    quotes = solving._Quotes("At least 3 apples. Not at least. Then at least 4 pears.")

    assert quotes.holding("least") == "At least 3 apples"
    assert quotes.holding("least") == "Not at least"
    assert quotes.holding("least") == "Then at least 4 pears."
    assert quotes.holding("least") == ""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_time_of_a_child_counts_while_it_lives_and_after() -> None:
    before = solving.cpu_s()
    burn = "import sys, time\nwhile time.process_time() < 0.4: pass\nprint(flush=True)\ninput()"
    child = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child.stdout.readline()

    alive = solving.cpu_s() - before
    child.communicate(b"\n")
    ended = solving.cpu_s() - before

    assert alive >= 0.4
    assert ended >= 0.4
