"""When two texts are one problem, and where they differ."""

from __future__ import annotations

from benchmarks.datasets import normalized
from benchmarks.datasets.text import differences, match

MILL = "A mill grinds wheat and rye. It has 1,000 kg of wheat and at most 30% may be rye."


def test_spelling_does_not_matter_but_numbers_do() -> None:
    assert normalized("A  Mill, grinds\n1,000 kg!") == normalized("a mill grinds 1000 kg")
    assert normalized("ﬁne ²") == normalized("FINE 2")
    assert normalized("at 0.5 each.") == "at 0.5 each"
    assert normalized("0.5") != normalized("05") != normalized("0 5")
    assert normalized("30%") != normalized("30")
    assert normalized("1,2 and 3") == "1 2 and 3"


def test_equal_texts_are_paired_before_near_ones_and_strangers_stay_alone() -> None:
    found = match(
        {
            "same": MILL.upper(),
            "edited": MILL.replace("1,000", "900"),
            "stranger": "Two ferries cross a river with cars.",
        },
        {"mill": MILL, "copy": MILL.replace("wheat.", "wheat, all told.").replace("1,000", "950")},
    )

    assert {name: (hit.id, hit.how) for name, hit in found.items()} == {
        "same": ("mill", "text"),
        "edited": ("copy", "near"),
    }
    assert 0.85 <= found["edited"].similarity < 1


def test_nobody_is_paired_twice_by_nearness() -> None:
    found = match({"a": MILL + " Today.", "b": MILL + " Today and now."}, {"mill": MILL})

    assert [(name, hit.id) for name, hit in found.items()] == [("a", "mill")]


def test_differences_show_the_first_changes() -> None:
    assert differences(MILL, MILL.replace("at most", "at least")) == "[-most-]{+least+}"
    assert differences("a b c d e f g h i", "a c x d y e f z g i").endswith("and 2 more")
