"""The estimate of tokens against counts of a real tokenizer."""

from __future__ import annotations

import pytest

from opto.trace.tokens import estimate_tokens

COUNTED_BY_QWEN = [
    ("The quick brown fox jumps over the lazy dog.", 10),
    ("".join(f"add{n} = add(x=add{n - 1}, y=int{n})\n" for n in range(1, 300)), 5056),
    ('{"a": [1, 2.5, -3], "bcd": "text", "e": null}' * 20, 500),
    ("def f(x):\n    if x:\n        return x\n    else:\n            pass\n" * 5, 90),
    ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" * 3, 177),
    ("Быстрая коричневая лиса прыгает через ленивую собаку и убегает.", 27),
    ("INTERNATIONALIZATION FAILED ERROR WARNING UNAUTHORIZED ACCESS", 9),
]
"""Texts and their numbers of tokens in Qwen2.5-Coder's vocabulary."""


@pytest.mark.parametrize(("text", "tokens"), COUNTED_BY_QWEN)
def test_the_estimate_is_not_below_a_real_tokenizer_and_not_far_above(
    text: str, tokens: int
) -> None:
    assert 0.98 * tokens <= estimate_tokens(text) <= 2.1 * tokens


def test_two_texts_together_are_no_more_than_each_alone() -> None:
    for left, right in (("add", "ition"), ("1", "2"), ("a ", " b"), ("é", "à"), ("", "x")):
        assert estimate_tokens(left + right) <= estimate_tokens(left) + estimate_tokens(right) + 1


def test_nothing_costs_nothing_and_surrogates_are_counted() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("\ud800") > 0
