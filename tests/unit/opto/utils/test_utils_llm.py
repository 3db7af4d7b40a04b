"""Models under the names that users of Trace know."""

from __future__ import annotations

import pytest

from opto.errors import OptoError
from opto.llm.client import LM
from opto.llm.scripted import Scripted
from opto.utils.llm import LLM, AbstractModel, DummyLLM


def test_a_dummy_answers_in_the_shape_of_a_server() -> None:
    model = DummyLLM(lambda messages, **_: messages[-1]["content"].upper())

    reply = model(messages=[{"role": "user", "content": "hi"}], max_tokens=3)

    assert isinstance(model, AbstractModel)
    assert reply.choices[0].message.content == "HI"


def test_llm_wraps_an_open_model_and_opens_a_named_one_late() -> None:
    ask = {"messages": [{"role": "user", "content": "x"}]}

    assert LLM(LM(Scripted(["hello"])))(**ask) == "hello"
    with pytest.raises(OptoError, match="No provider for the model 'gpt-4o'"):
        LLM("gpt-4o")(**ask)


def test_trace_variables_pick_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACE_LITELLM_MODEL", "gpt-4o")
    monkeypatch.setenv("TRACE_DEFAULT_LLM_BACKEND", "LiteLLM")
    monkeypatch.setenv("OPTO_MODEL", "nonsense:model")

    with pytest.raises(OptoError, match="nonsense"):
        LLM()(messages=[{"role": "user", "content": "x"}])


def test_options_and_names_without_counterpart_say_what_to_use() -> None:
    with pytest.raises(OptoError, match="takes no profile"):
        LLM(profile="premium")
    with pytest.raises(ImportError, match="LiteLLM; use LLM"):
        from opto.utils.llm import LiteLLM  # noqa: F401, PLC0415


def test_a_model_without_a_call_says_so() -> None:
    class Mine(AbstractModel):
        pass

    with pytest.raises(NotImplementedError, match="Mine must define"):
        Mine()()
