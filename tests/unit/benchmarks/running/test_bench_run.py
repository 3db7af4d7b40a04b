"""An evaluation end to end against a model server on loopback: scored, logged, resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from benchmarks.items import Item, ItemResult
from benchmarks.loopback import reply, workshop_items
from benchmarks.running.limits import CostLimits, spent_in
from benchmarks.running.run import BenchHaltedError, BenchRun, results_of, run_bench
from benchmarks.running.spec import BenchSpec, recorded_spec
from benchmarks.running.task import PATIENCE, BenchTask
from opto.errors import InputError
from opto.llm.client import LM
from opto.llm.errors import ModelTimeout
from opto.llm.scripted import Scripted
from opto.llm.testing import Answer, Asked, ModelServer, fails, says
from opto.modeling.agent import SolveOptions
from opto.modeling.pipelines.registry import PIPELINES
from opto.search import Outcome, StudyHalted
from opto.settings import load_settings
from traces.read import events
from traces.store.sqlite import Store


def _good(asked: Asked) -> Answer:
    return says(reply(asked.body["messages"][-1]["content"]) or "no problem in it")


@contextmanager
def _served(
    choose: Callable[[Asked], Answer], monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModelServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with ModelServer(choose) as server:
        yield server


def _measure(
    items: list[Item], server: ModelServer, store: Store, *, workers: int = 4, **settings: object
) -> list[ItemResult]:
    limits = settings.pop("limits", CostLimits())
    spec = BenchSpec(
        set="workshop", model=f"openai:m@{server.url}", pipeline="standard", **settings
    )
    how = BenchRun(
        store=store,
        run="r",
        settings=load_settings(model=spec.model),
        workers=workers,
        limits=limits,
    )
    run_bench(spec, items, how)
    return sorted(results_of(store, "r"), key=lambda record: (record.id, record.sample))


def test_right_models_are_right_and_wrong_labels_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = workshop_items(4)
    wrong = Item(id="w", set="workshop", question=items[0].question, accepted=("1",))
    unknown = Item(id="x", set="workshop", question=items[1].question, accepted=())

    with _served(_good, monkeypatch) as server, Store(tmp_path / "s.db") as store:
        found = {r.id: r for r in _measure([*items, wrong, unknown], server, store)}

    assert [found[item.id].main for item in items] == [True] * 4
    assert (found["w"].main, found["w"].status, found["w"].calls) == (False, "optimal", 1)
    assert found["w"].error is not None
    assert (found["x"].main, found["x"].error) == (False, None)


def test_the_transcript_of_a_problem_is_found_by_its_span(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _served(_good, monkeypatch) as server, Store(tmp_path / "s.db") as store:
        [first, second] = _measure(workshop_items(2), server, store)
        kinds = {
            record.id: [e.kind for e in events(store, "r") if e.span == record.span]
            for record in (first, second)
        }

    assert first.span != second.span
    assert all("llm.call" in found and "solve.answer" in found for found in kinds.values())


def test_what_the_model_does_wrong_is_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(asked: Asked) -> Answer:
        text = asked.body["messages"][-1]["content"]
        if "Workshop A " in text:
            return says("I may not.", finish="content_filter")
        if "Workshop B " in text:
            return says("no JSON at all")
        return _good(asked)

    with _served(choose, monkeypatch) as server, Store(tmp_path / "s.db") as store:
        found = _measure(workshop_items(3), server, store)

    assert [record.status for record in found] == ["no answer", "no model", "optimal"]
    assert [record.main for record in found] == [False, False, True]
    assert [record.error for record in found] == ["no-answer", "no-model", None]


def test_a_refused_key_stops_the_run_and_a_resume_measures_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = 0

    def choose(asked: Asked) -> Answer:
        nonlocal answered
        answered += 1
        return _good(asked) if answered <= 3 else fails(401, "bad key")

    items = workshop_items(8)
    with _served(choose, monkeypatch) as server, Store(tmp_path / "s.db") as store:
        with pytest.raises(BenchHaltedError, match="stopped") as stop:
            _measure(items, server, store, workers=1)
        kept = len(list(results_of(store, "r")))
        server.choose = _good
        found = _measure(items, server, store, workers=1)

    assert "opto bench resume r" in stop.value.fix
    assert kept == 3
    assert [record.main for record in found] == [True] * 8
    assert len(server.asked) == 8 + 1  # only the refused one was asked again


def test_a_budget_is_never_passed_and_raising_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = workshop_items(10)
    with _served(_good, monkeypatch) as server, Store(tmp_path / "s.db") as store:
        with pytest.raises(BenchHaltedError):
            _measure(items, server, store, workers=8, limits=CostLimits(calls=4))
        first = len(server.asked)
        with pytest.raises(BenchHaltedError):
            _measure(items, server, store, workers=8, limits=CostLimits(calls=6))
        second = len(server.asked)
        with pytest.raises(BenchHaltedError, match="could pass --max-calls 6") as told:
            _measure(items, server, store, workers=8)  # the limit holds until another is given
        found = _measure(items, server, store, limits=CostLimits(calls=10))
        spent = spent_in(store, "r")

    assert (first, second, len(server.asked)) == (4, 6, 10)
    assert "higher limit" in told.value.fix
    assert sum(record.main for record in found) == 10
    assert spent.calls == 10


def test_a_server_that_fails_now_and_then_costs_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opto.llm.errors.ServerError.retries", 0)
    failed: set[str] = set()

    def choose(asked: Asked) -> Answer:
        text = asked.body["messages"][-1]["content"]
        if text not in failed and len(failed) < 3:
            failed.add(text)
            return fails(500)
        return _good(asked)

    with _served(choose, monkeypatch) as server, Store(tmp_path / "s.db") as store:
        found = _measure(workshop_items(6), server, store, workers=2)

    assert [record.main for record in found] == [True] * 6
    assert len(server.asked) == 9


def test_a_problem_whose_server_always_fails_is_not_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opto.llm.errors.ServerError.retries", 0)

    def choose(asked: Asked) -> Answer:
        broken = "Workshop B " in asked.body["messages"][-1]["content"]
        return fails(500) if broken else _good(asked)

    with _served(choose, monkeypatch) as server, Store(tmp_path / "s.db") as store:
        found = _measure(workshop_items(3), server, store, workers=1)

    assert [record.status for record in found] == ["optimal", "no answer", "optimal"]
    assert "no result in any pass" in found[1].why
    assert len(server.asked) == 5


def test_several_samples_are_asked_warm_and_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _served(_good, monkeypatch) as server, Store(tmp_path / "s.db") as store:
        found = _measure(workshop_items(2), server, store, samples=3, temperature=0.7)

    assert [(record.id, record.sample) for record in found] == [
        (f"workshop-{number}", sample) for number in range(2) for sample in range(3)
    ]
    assert {asked.body["temperature"] for asked in server.asked} == {0.7}
    assert len(server.asked) == 6


def test_a_run_is_only_resumed_with_what_it_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _served(_good, monkeypatch) as server, Store(tmp_path / "s.db") as store:
        _measure(workshop_items(2), server, store)
        with pytest.raises(InputError, match="not those that run 'r' measured"):
            _measure(workshop_items(3), server, store)
        with pytest.raises(InputError, match="--samples was 1, now 2"):
            _measure(workshop_items(2), server, store, samples=2)
        spec = recorded_spec(store, "r")

    assert (spec.set, spec.pipeline, spec.samples) == ("workshop", "standard", 1)


def test_the_draw_depends_on_the_seed_alone_and_keeps_the_order() -> None:
    items = workshop_items(30)

    first = BenchSpec(set="s", limit=7, seed=3).draw(items)

    assert first == BenchSpec(set="s", limit=7, seed=3).draw(items)
    assert first != BenchSpec(set="s", limit=7, seed=4).draw(items)
    assert first == [item for item in items if item in first]
    assert BenchSpec(set="s").draw(items) == items


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"samples": 0}, {"temperature": -0.1}])
def test_a_spec_that_cannot_be_says_which_part(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        BenchSpec(set="s", **wrong)


def test_a_server_that_never_answers_in_time_ends_the_run(tmp_path: Path) -> None:
    lm = LM(Scripted(lambda request: ModelTimeout("No answer in 600 s.")))
    items = workshop_items(PATIENCE)
    task = BenchTask(items, lm, PIPELINES["standard"], SolveOptions())

    async def all_of_them() -> list[BaseException | Outcome]:
        asks = (task.evaluate(task.seed, item, 0, Random(0)) for item in items)  # noqa: S311
        return await asyncio.gather(*asks, return_exceptions=True)

    ends = asyncio.run(all_of_them())

    assert [type(end) for end in ends] == [ModelTimeout] * (PATIENCE - 1) + [StudyHalted]
