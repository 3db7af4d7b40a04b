"""Every shape of model can be asked, and what fails is either reported or raised."""

from __future__ import annotations

from typing import Any

import pytest

from opto.llm.client import LM
from opto.llm.errors import AuthError, Truncated
from opto.llm.scripted import Scripted
from opto.optimizers.asking import Asker, alternating
from opto.optimizers.errors import OptionError
from opto.utils.llm import DummyLLM

ASKED = ({"role": "system", "content": "be"}, {"role": "user", "content": "say"})


def test_a_callable_gets_only_the_options_it_takes() -> None:
    seen: dict[str, Any] = {}

    def model(messages: list[dict[str, str]], max_tokens: int = 1) -> str:
        seen.update(messages=messages, max_tokens=max_tokens)
        return "hello"

    said = Asker(model)(ASKED, max_tokens=7, temperature=0.5, response_format={"type": "text"})

    assert said.text == "hello"
    assert seen == {"messages": list(ASKED), "max_tokens": 7}


@pytest.mark.parametrize(
    "model", [LM(Scripted(["hello"])), Scripted(["hello"]), DummyLLM(lambda messages: "hello")]
)
def test_an_open_model_a_provider_and_a_dummy_can_be_asked(model: Any) -> None:
    assert Asker(model)(ASKED, max_tokens=7).text == "hello"


def test_a_cut_off_answer_of_a_server_is_known_as_such() -> None:
    class Message:
        content = "half"

    class Choice:
        message = Message()
        finish_reason = "length"

    class Reply:
        choices = (Choice(),)
        usage = {"total_tokens": 3}  # noqa: RUF012

    said = Asker(lambda messages: Reply())(ASKED)

    assert said.cut
    assert said.usage == {"total_tokens": 3}


def test_a_failed_call_is_a_reason_and_a_wrong_setup_an_error() -> None:
    assert Asker(Scripted([Truncated("The answer was cut off.")]))(ASKED).why == (
        "The answer was cut off."
    )
    with pytest.raises(AuthError):
        Asker(Scripted([AuthError("no key")]))(ASKED)


def test_mistakes_of_the_program_are_raised() -> None:
    def broken(messages: Any) -> str:
        return messages.no_such_thing

    with pytest.raises(AttributeError):
        Asker(broken)(ASKED)
    with pytest.raises(AssertionError, match="not scripted"):
        Asker(Scripted([]))(ASKED)


def test_what_is_no_model_is_refused_at_once() -> None:
    with pytest.raises(OptionError, match="int is no language model"):
        Asker(3)


def test_neighbors_of_one_role_are_joined() -> None:
    turns = [*ASKED, {"role": "user", "content": "more"}]

    assert alternating(turns) == [ASKED[0], {"role": "user", "content": "say\n\nmore"}]
    assert ASKED[1]["content"] == "say"


def test_no_model_is_opened_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTO_MODEL", "nonsense:model")

    asker = Asker(None)

    with pytest.raises(Exception, match="No provider for the model 'nonsense:model'"):
        asker(ASKED)
