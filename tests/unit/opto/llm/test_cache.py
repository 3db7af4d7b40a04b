"""Answers that were paid for once: found again, shared while under way, and never in the way."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opto.llm.cache import AnswerFile, Cached
from opto.llm.errors import BadResponse, ServerError
from opto.llm.scripted import Reply, Scripted
from opto.llm.types import Completion, Message, Request, Usage

QUESTION = Request(messages=(Message("user", "q"),))


def ask(file: Path, replies: list[Reply], *requests: Request, name: str = "m:1") -> list[str]:
    model = Scripted(replies, name=name)

    async def all_() -> list[str]:
        cached = Cached(model, AnswerFile(file))
        try:
            return [(await cached.complete(request)).text for request in requests]
        finally:
            await cached.aclose()

    texts = asyncio.run(all_())
    model.assert_all_used()
    return texts


def test_an_answer_outlives_the_process_and_says_what_it_saved(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "answers.db"
    usage = Usage(input_tokens=3, output_tokens=4, seconds=1.5)
    ask(file, [Completion(text="Äh “ja”", usage=usage, model="m")], QUESTION)

    cached = Cached(Scripted([]), AnswerFile(file))
    cached.inner.name = "m:1"
    again = asyncio.run(cached.complete(replace(QUESTION, purpose="another")))

    assert again.text == "Äh “ja”"
    assert (again.saved, again.usage.usd, again.usage.output_tokens) == (usage, 0, 0)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_is_made_by_the_first_question(tmp_path: Path) -> None:
    AnswerFile(tmp_path / "answers.db")

    assert list(tmp_path.iterdir()) == []


@given(st.data())
def test_two_different_requests_never_share_an_answer(data: st.DataObject) -> None:
    values = {
        "messages": st.lists(
            st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text())
        ).map(tuple),
        "schema": st.none() | st.dictionaries(st.text(), st.integers()),
        "grammar": st.none() | st.text(),
        "temperature": st.none() | st.sampled_from([0.0, 0.5, 1.0]),
        "max_tokens": st.integers(1, 10),
        "seed": st.none() | st.integers(0, 3),
        "sample": st.integers(0, 3),
        "prefill": st.none() | st.text(),
    }
    assert {field.name for field in fields(Request)} == {*values, "purpose"}
    one = Request(**{name: data.draw(value) for name, value in values.items()})
    other = Request(**{name: data.draw(value) for name, value in values.items()})
    endpoints = data.draw(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")))

    same = one.key(endpoints[0]) == other.key(endpoints[1])

    assert same == ((one, endpoints[0]) == (other, endpoints[1]))


def test_another_sample_or_another_server_is_another_answer(tmp_path: Path) -> None:
    file = tmp_path / "a.db"

    assert ask(file, ["1", "2"], QUESTION, replace(QUESTION, sample=1), QUESTION) == ["1", "2", "1"]
    assert ask(file, ["3"], QUESTION, name="m:1@http://elsewhere/v1") == ["3"]


@pytest.mark.parametrize(
    "answer",
    [
        Completion(text="def f(", finish="length"),
        Completion(text="no", finish="filter"),
        Completion(text="", finish="tool"),
        Completion(text="\ufffd", damaged=True),
        "the key is sk-canary-0123456789abcdefgh",
    ],
)
def test_what_is_no_whole_answer_is_not_kept(tmp_path: Path, answer: Reply) -> None:
    assert ask(tmp_path / "a.db", [answer, "good"], QUESTION, QUESTION)[1] == "good"


def test_an_error_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ServerError):
        ask(tmp_path / "a.db", [ServerError("x")], QUESTION)

    assert ask(tmp_path / "a.db", ["good"], QUESTION) == ["good"]


def spoil_row(file: Path) -> None:
    with sqlite3.connect(file) as base:
        base.execute("UPDATE answers SET answer = replace(answer, 'text', 'forged')")
    base.close()


def spoil_type(file: Path) -> None:
    with sqlite3.connect(file) as base:
        base.execute("UPDATE answers SET answer = x'00ff', sum = 0")
    base.close()


def newer_version(file: Path) -> None:
    with sqlite3.connect(file) as base:
        base.execute("PRAGMA user_version = 99")
    base.close()


def other_tables(file: Path) -> None:
    with sqlite3.connect(file) as base:
        base.execute("DROP TABLE answers")
        base.execute("CREATE TABLE answers (x)")
    base.close()


def no_database(file: Path) -> None:
    file.write_bytes(b"this is no database" * 1000)


def torn_page(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [spoil_row, spoil_type, newer_version, other_tables, no_database, torn_page, a_folder],
)
def test_a_broken_file_is_a_miss_and_one_warning(
    tmp_path: Path, spoil, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "a.db"
    other = replace(QUESTION, sample=1)
    ask(file, ["first", "second"], QUESTION, other)
    spoil(file)

    texts = ask(file, ["asked again", "and again"], QUESTION, other)

    assert texts == ["asked again", "and again"]
    warnings = [record for record in caplog.records if "cache" in record.message]
    assert len(warnings) == 1


def test_a_lock_that_does_not_clear_is_a_miss(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    ask(file, ["kept"], QUESTION)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        other = replace(QUESTION, sample=1)
        assert ask(file, ["asked"], other) == ["asked"]
    finally:
        holder.execute("ROLLBACK")
        holder.close()

    assert ask(file, [], QUESTION) == ["kept"]


class Slow(Scripted):
    """Answers when it is let."""

    def __init__(self, replies: list[Reply]) -> None:
        super().__init__(replies)
        self.let = asyncio.Event()

    async def complete(self, request: Request) -> Completion:
        await self.let.wait()
        return await super().complete(request)


def together(tmp_path: Path, replies: list[Reply], *, cancel_first: bool = False) -> list[object]:
    async def many() -> list[object]:
        model = Slow(replies)
        cached = Cached(model, AnswerFile(tmp_path / "a.db"))
        calls = [asyncio.create_task(cached.complete(QUESTION)) for _ in range(20)]
        await asyncio.sleep(0.01)
        if cancel_first:
            calls[0].cancel()
            await asyncio.sleep(0.01)
        model.let.set()
        async with asyncio.timeout(30):
            ended = await asyncio.gather(*calls, return_exceptions=True)
        await cached.aclose()
        model.assert_all_used()
        return list(ended)

    return asyncio.run(many())


def test_the_same_question_at_the_same_time_is_asked_once(tmp_path: Path) -> None:
    ended = together(tmp_path, ["once"])

    assert {answer.text for answer in ended} == {"once"}
    assert sum(answer.saved is None for answer in ended) == 1  # only one of them was paid for


def test_those_who_wait_share_the_failure_each_with_an_error_of_its_own(tmp_path: Path) -> None:
    ended = together(tmp_path, [BadResponse("broken", where="here", fix="mend it")])

    assert {(type(error), error.what, error.where, error.fix) for error in ended} == {
        (BadResponse, "broken", "here", "mend it")
    }
    assert len({id(error) for error in ended}) == 20


def test_when_the_one_who_asks_gives_up_another_asks(tmp_path: Path) -> None:
    ended = together(tmp_path, ["in the end"], cancel_first=True)

    assert isinstance(ended[0], asyncio.CancelledError)
    assert {answer.text for answer in ended[1:]} == {"in the end"}
