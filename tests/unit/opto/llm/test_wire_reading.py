"""Pieces of a distrusted answer: headers, counts, text, and what is quoted of a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opto.llm.wire import clean, count, quote, retry_after_s, without_stop_tokens


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("12", 12.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_a_wish_to_wait_is_read_or_ignored(said: str, wait_s: float | None) -> None:
    assert retry_after_s({"retry-after": said}) == wait_s


def test_a_date_in_the_future_is_seconds_from_now() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1))

    wait_s = retry_after_s({"retry-after": later})

    assert wait_s is not None
    assert 3000 < wait_s <= 3600


def test_milliseconds_win_over_seconds() -> None:
    assert retry_after_s({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-requests": "20ms"}, 0.02),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "soon"}, None),
        ({"x-ratelimit-reset-tokens": "1s or so"}, None),
        ({"retry-after": "2", "x-ratelimit-reset-tokens": "6m0s"}, 2.0),
    ],
)
def test_the_reset_of_a_limit_counts_where_nothing_else_is_said(
    said: dict[str, str], wait_s: float | None
) -> None:
    assert retry_after_s(said) == wait_s


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("yes<|im_end|>", "yes"),
        ("yes </s>\n", "yes"),
        ("yes<|eot_id|><|end_of_text|>", "yes"),
        ("yes<|im_end|>\n<|im_start|>user\nand?", "yes"),
        ("a < b and <b> stays", "a < b and <b> stays"),
        ("write <|im_end|> to end a turn", "write <|im_end|> to end a turn"),
        ("", ""),
    ],
)
def test_tokens_that_end_a_turn_are_no_part_of_the_answer(text: str, kept: str) -> None:
    assert without_stop_tokens(text) == kept


@pytest.mark.parametrize("value", [None, "7", -1, True, 2.5, [7]])
def test_a_count_that_is_none_counts_nothing(value: object) -> None:
    assert count({"tokens": value}, "tokens") == 0


@given(st.text())
def test_clean_text_can_be_written_and_good_text_is_left_alone(text: str) -> None:
    cleaned = clean(text)

    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert cleaned == text


def test_a_quote_is_one_short_line_without_keys() -> None:
    said = quote("line one\n\tkey sk-canary-0123456789abcdefgh " + "x" * 9000)

    assert "\n" not in said
    assert len(said) <= 501
    assert "canary" not in said
