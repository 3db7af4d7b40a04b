"""Models of opto as models of dspy, and the other way round for proposers."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

dspy = pytest.importorskip("dspy", reason="dspy is missing: pip install -e '.[dev,dspy]'")

from dspy_programs import Fixed, adds, exact, fake_lm, fields, marked, sums  # noqa: E402
from model_server import fails, says  # noqa: E402

import opto  # noqa: E402
from opto.interop.dspy import Chat, DspyTask, OptoLM  # noqa: E402
from opto.llm import errors as faults  # noqa: E402
from opto.llm.client import LM  # noqa: E402
from opto.llm.open import open_model  # noqa: E402
from opto.llm.reserve import Budget as Money  # noqa: E402
from opto.llm.scripted import Scripted  # noqa: E402
from opto.llm.stack import CallOptions, wrap  # noqa: E402
from opto.llm.types import Completion, Request  # noqa: E402
from opto.search import Study, StudyHalted  # noqa: E402

pytest_plugins = ["opto.llm.testing.fixtures"]


def adding(request: Request) -> str:
    return marked(adds("number", fields(request.messages[-1].content)))  # type: ignore[arg-type]


def test_a_program_asks_through_our_stack_with_its_settings() -> None:
    provider = Scripted(adding)

    with dspy.context(lm=OptoLM(LM(provider), temperature=0.3, max_tokens=50, seed=7)):
        said = dspy.Predict("question -> answer")(question="1 + 4?")

    [asked] = provider.asked
    assert said.answer == "5"
    assert (asked.temperature, asked.max_tokens, asked.seed) == (0.3, 50, 7)
    assert [message.role for message in asked.messages] == ["system", "user"]


def test_async_programs_ask_through_it_too() -> None:
    async def ask() -> Any:
        with dspy.context(lm=OptoLM(LM(Scripted(adding)))):
            return await dspy.Predict("question -> answer").acall(question="2 + 4?")

    assert asyncio.run(ask()).answer == "6"


def test_a_program_runs_against_a_server_and_every_call_is_charged(
    model_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model_server.plan = [fails(500), *[says("[[ ## answer ## ]]\n4")] * 2]

    with open_model(f"openai:some-model@{model_server.url}") as lm, dspy.context(lm=OptoLM(lm)):
        task = DspyTask(dspy.Predict("question -> answer"), sums(2), exact)
        found = Study(task, Fixed(), opto.Budget(metric=2), workers=1).run()

    assert len(model_server.asked) == 3  # one was asked again by opto, none by dspy
    assert [rollout.score for rollout in found.ledger.rollouts(task.seed.id)] == [1.0, 0.0]
    assert (found.cost.llm, found.cost.tokens_in, found.cost.tokens_out) == (2, 22, 14)
    assert found.cost.unpriced == 0  # this machine costs nothing


def test_a_spent_budget_of_the_model_halts_the_study() -> None:
    stack = wrap([Scripted(adding)], CallOptions(budget=Money(calls=3)), remote=False)

    with dspy.context(lm=OptoLM(LM(stack))):
        task = DspyTask(dspy.Predict("question -> answer"), sums(4), exact)
        with pytest.raises(StudyHalted) as halted:
            Study(task, Fixed(), opto.Budget(metric=4), workers=1).run()

    errors = [halted.value.__cause__, halted.value.__cause__.__cause__.__cause__]  # type: ignore[union-attr]
    assert isinstance(errors[0], dspy.LMBillingError)
    assert isinstance(errors[1], faults.BudgetExceeded)


def test_our_cache_gives_another_sample_for_another_rollout(tmp_path: Path) -> None:
    provider = Scripted(adding)
    stack = wrap([provider], CallOptions(cache=tmp_path / "answers.db"), remote=False)

    with dspy.context(lm=OptoLM(LM(stack))):
        task = DspyTask(dspy.Predict("question -> answer"), sums(2), exact)
        Study(task, Fixed(reps=2), opto.Budget(metric=4)).run()
        Study(task, Fixed(reps=2), opto.Budget(metric=4)).run()

    assert len(provider.asked) == 4
    assert len({request.sample for request in provider.asked}) == 2


def test_several_completions_of_one_call_are_several_samples() -> None:
    provider = Scripted(["[[ ## answer ## ]]\n1", "[[ ## answer ## ]]\n2"])

    with dspy.context(lm=OptoLM(LM(provider), temperature=1.0)):
        said = dspy.Predict("question -> answer", n=2)(question="1 or 2?")

    assert list(said.completions.answer) == ["1", "2"]
    assert [request.sample for request in provider.asked] == [0, 1]


def test_an_answer_cut_off_is_read_as_far_as_it_goes() -> None:
    half = Completion(text="[[ ## answer ## ]]\n4", finish="length")

    with dspy.context(lm=OptoLM(LM(Scripted([half])))):
        assert dspy.Predict("question -> answer")(question="2 + 2?").answer == "4"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (faults.RateLimited("slow down"), dspy.LMRateLimitError),
        (faults.AuthError("no key"), dspy.LMAuthError),
        (faults.ContextTooLong("9000 tokens"), dspy.ContextWindowExceededError),
        (faults.UnreachableServer("no such host"), dspy.LMTransportError),
        (faults.BadResponse("half a body"), dspy.LMProviderError),
    ],
)
def test_our_errors_are_dspys_and_name_the_cause(ours: Any, theirs: Any) -> None:
    provider = Scripted([ours])

    with dspy.context(lm=OptoLM(LM(provider))), pytest.raises(theirs) as failure:
        dspy.Predict("question -> answer")(question="2 + 2?")

    assert len(provider.asked) == 1
    assert failure.value.__cause__.__cause__ is ours  # type: ignore[union-attr]


def test_an_option_it_cannot_pass_on_is_refused() -> None:
    refused = pytest.raises(dspy.LMUnsupportedFeatureError, match="top_p")

    with dspy.context(lm=OptoLM(LM(Scripted([])), top_p=0.5)), refused:
        dspy.Predict("question -> answer")(question="2 + 2?")


def test_json_answers_follow_a_schema_where_the_provider_holds_to_one() -> None:
    provider = Scripted(['{"answer": "4"}'])

    with dspy.context(lm=OptoLM(LM(provider)), adapter=dspy.JSONAdapter()):
        said = dspy.Predict("question -> answer")(question="2 + 2?")

    assert said.answer == "4"
    assert provider.asked[0].schema["properties"].keys() == {"answer"}  # type: ignore[index]


def test_it_is_saved_with_a_program_and_opened_again(
    tmp_path: Path, model_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-that-is-not-saved")
    program = dspy.Predict("question -> answer")
    lm = open_model(f"openai:some-model@{model_server.url}")
    program.set_lm(OptoLM(lm, temperature=0.2))
    program.save(tmp_path / "program.json")

    loaded = dspy.Predict("question -> answer")
    loaded.load(tmp_path / "program.json", allow_unsafe_lm_state=True)

    assert isinstance(loaded.lm, OptoLM)
    assert loaded.lm.lm.name == lm.name
    assert loaded.lm.kwargs["temperature"] == 0.2
    assert "sk-test" not in (tmp_path / "program.json").read_text(encoding="utf-8")
    lm.close()
    loaded.lm.lm.close()


def test_a_program_that_is_pickled_opens_its_model_again(
    tmp_path: Path, model_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model_server.plan = [says("[[ ## answer ## ]]\n4")]
    program = dspy.Predict("question -> answer")
    with open_model(f"openai:some-model@{model_server.url}") as lm:
        program.set_lm(OptoLM(lm))
        program.save(tmp_path / "whole", save_program=True)

    loaded = dspy.load(tmp_path / "whole", allow_pickle=True)

    assert loaded(question="2 + 2?").answer == "4"
    loaded.lm.lm.close()


def test_a_proposer_asks_a_model_of_dspy() -> None:
    lm = fake_lm(lambda system, asked: "said", cache=False)

    assert (
        Chat(lm)([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]) == "said"
    )
    assert lm.engine.asked[0].messages[0].text == "a\n\nb"


def test_a_proposer_without_a_key_halts_the_study() -> None:
    lm = fake_lm(lambda system, asked: dspy.lm15.AuthError("no key"))

    with pytest.raises(StudyHalted, match="no key"):
        Chat(lm)([{"role": "user", "content": "b"}])


def test_dspys_own_client_is_counted_against_a_server(model_server: Any) -> None:
    model_server.plan = [says("[[ ## answer ## ]]\n4")]
    lm = dspy.LM(
        "openai/some-model", api_base=model_server.url, api_key="x", engine="lm15", cache=False
    )

    with dspy.context(lm=lm):
        task = DspyTask(dspy.Predict("question -> answer"), sums(1), exact)
        found = Study(task, Fixed(), opto.Budget(metric=1), workers=1).run()
    lm.close()

    assert found.ledger.rollouts(task.seed.id)[0].score == 1.0
    assert (found.cost.llm, found.cost.tokens_in, found.cost.tokens_out) == (1, 11, 7)
    assert found.cost.unpriced == 0  # this machine costs nothing


def test_a_call_of_a_vendors_model_is_priced() -> None:
    lm = fake_lm(adds)
    lm.model = "openai/gpt-4o-mini"

    with dspy.context(lm=lm):
        task = DspyTask(dspy.Predict("question -> answer"), sums(1), exact)
        found = Study(task, Fixed(), opto.Budget(metric=1), workers=1).run()

    assert found.cost.usd == Decimal("0.0000045")  # 10 in at 0.15, 5 out at 0.60 dollars a million
    assert found.cost.unpriced == 0
