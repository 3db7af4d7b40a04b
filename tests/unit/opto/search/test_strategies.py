"""Each strategy by itself, against sorting, brute force or algebra."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letters import LetterTask, measure, state_of

from opto.optimizers.search import named, names
from opto.search import Candidate, Rollout
from opto.search.errors import SearchError
from opto.search.spec import Spec
from opto.search.strategies.archives import EpsNet, TopK
from opto.search.strategies.components import Blamed, RoundRobin
from opto.search.strategies.embedding import distance, embedded
from opto.search.strategies.fronts import front, front_counts, undominated
from opto.search.strategies.gates import Better, MaybeBetter, NotWorse, Race
from opto.search.strategies.lineage import beliefs, spread
from opto.search.strategies.merging import Merge
from opto.search.strategies.priorities import Mean, Thompson, Ucb
from opto.search.strategies.selectors import FrontFrequency, Softmax, Together, Top
from opto.search.strategies.state import State
from opto.search.strategies.stoppers import Patience, Reached, Turns


@pytest.mark.parametrize("name", names())
def test_every_named_algorithm_survives_json(name: str) -> None:
    spec = named(name)

    again = Spec.from_json(json.loads(json.dumps(spec.to_json())))

    assert again == spec


def test_a_misspelt_strategy_is_named_with_the_nearest_one() -> None:
    data = {"kind": "Spec", "name": "x", "selector": {"kind": "Topp"}}

    with pytest.raises(SearchError, match=r"Did you mean 'Top'"):
        Spec.from_json(data)


def test_a_field_that_does_nothing_is_refused() -> None:
    with pytest.raises(SearchError, match="no field 'colour'"):
        Spec.from_json({"kind": "Spec", "name": "x", "colour": 1})


@given(
    scores=st.lists(st.floats(0, 1, width=16), min_size=1, max_size=40),
    k=st.integers(1, 10),
)
@settings(max_examples=60, deadline=None)
def test_the_bounded_memory_is_the_true_top_k(scores: list[float], k: int) -> None:
    state, ids = state_of({f"c{at}": [score] for at, score in enumerate(scores)})
    whole, state.pool = state.pool, []

    for name in whole:
        state.pool = TopK(k, Mean()).keep(state, [name])

    newest_first = sorted(range(len(scores)), key=lambda at: (-scores[at], -at))
    assert set(state.pool) == {ids[f"c{at}"] for at in newest_first[:k]}


def test_ucb_tells_leaders_apart_where_a_clipped_bound_would_not() -> None:
    scores = {f"c{at}": [1.0] * (1 + at % 7) for at in range(50)}
    state, _ = state_of(scores)
    state.step = 500

    values = Ucb(c=1.0).of(state, state.pool).values()

    at_top = Counter(values)[max(values)]
    assert max(values) > 1.0
    assert at_top / len(values) < 0.2


def test_a_priority_changes_with_new_measurements() -> None:
    state, ids = state_of({"lucky": [1.0], "steady": [0.8, 0.8, 0.8]})
    assert Top(1, Mean()).select(state) == [(ids["lucky"],)]

    measure(state.ledger, ids["lucky"], [0.0, 0.0], rep=1)

    assert Top(1, Mean()).select(state) == [(ids["steady"],)]


def test_the_posterior_is_the_gaussian_one() -> None:
    parents = {"b": ["a"], "c": ["a"], "d": ["b"], "e": ["d"]}
    data = {"a": [0.1, 0.4], "b": [0.5, 0.9, 0.7], "c": [], "d": [1.0], "e": [0.2, 0.3]}
    state, ids = state_of(data, parents=parents)
    noise, step = spread(state.ledger), 0.3

    found = beliefs(state.ledger, step=step)

    order = list(data)
    path = np.zeros((5, 5))
    for row, name in enumerate(order):
        at: str | None = name
        while at is not None:
            path[row, order.index(at)] = 1
            at = parents[at][0] if at in parents else None
    steps = np.diag([10 * noise, *([step * noise] * 4)])
    prior = path @ steps @ path.T
    n = np.array([len(data[name]) for name in order])
    seen = np.flatnonzero(n)
    means = np.array([np.mean(data[order[i]]) for i in seen])
    start = np.mean(data["a"])
    gain = prior[:, seen] @ np.linalg.inv(prior[np.ix_(seen, seen)] + np.diag(noise / n[seen]))
    mean = start + gain @ (means - start)
    sd = np.sqrt(np.diag(prior - gain @ prior[seen]))
    for at_, name in enumerate(order):
        assert found[ids[name]].mean == pytest.approx(mean[at_])
        assert found[ids[name]].sd == pytest.approx(sd[at_])


def test_a_lucky_child_is_pulled_towards_its_family() -> None:
    data = {"a": [0, 1, 0, 0, 1, 0], "lucky": [1, 1], "proven": [1, 1, 0, 1, 1, 1]}
    state, ids = state_of(data, parents={"lucky": ["a"], "proven": ["a"]})

    found = beliefs(state.ledger, step=0.1)

    assert found[ids["lucky"]].mean < found[ids["proven"]].mean
    assert found[ids["lucky"]].sd > found[ids["proven"]].sd


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_the_front_is_that_of_brute_force(seed: int) -> None:
    draw = np.random.default_rng(seed)
    table = draw.integers(0, 3, (5, 4)).astype(float)
    state, ids = state_of({f"c{row}": list(table[row]) for row in range(5)})

    found = front(state)

    for example in range(4):
        best = table[:, example].max()
        assert set(found[example]) == {
            ids[f"c{row}"] for row in range(5) if table[row, example] == best
        }
    alive = undominated(found, {name: state.mean(name) for name in state.pool})
    assert all(set(leaders) & set(alive) for leaders in found.values())
    for name in alive:
        rest = set(alive) - {name}
        assert any(not set(leaders) & rest for leaders in found.values() if name in leaders)


def test_gepa_draws_parents_as_often_as_they_lead() -> None:
    state, ids = state_of({"a": [1, 1, 1, 0], "b": [0, 0, 0, 1], "never": [0, 0, 0, 0.5]})
    assert front_counts(state) == {ids["a"]: 3, ids["b"]: 1}

    drawn: Counter[str] = Counter()
    for step in range(400):
        state.step = step
        drawn[FrontFrequency().select(state)[0][0]] += 1

    assert drawn[ids["never"]] == 0
    assert 0.68 < drawn[ids["a"]] / 400 < 0.82


def test_the_lead_on_an_example_can_be_lost_again() -> None:
    state, ids = state_of({"lucky": [1.0, 0.0], "good": [0.7, 0.7]})
    assert ids["lucky"] in front(state)[0]

    measure(state.ledger, ids["lucky"], [0.0], rep=1)

    assert front(state)[0] == (ids["good"],)


def test_the_group_of_opro_is_the_best_k() -> None:
    state, ids = state_of({f"c{at}": [at / 10] for at in range(9)})

    assert Together(3).select(state) == [(ids["c8"], ids["c7"], ids["c6"])]


def test_softmax_prefers_the_better_without_forgetting_the_rest() -> None:
    state, ids = state_of({"good": [0.9], "bad": [0.5]})
    drawn: Counter[str] = Counter()

    for step in range(500):
        state.step = step
        drawn[Softmax(1, 0.2).select(state)[0][0]] += 1

    odds = drawn[ids["good"]] / drawn[ids["bad"]]
    assert 5 < odds < 11  # exp(0.4 / 0.2) = 7.4


def test_thompson_draws_follow_the_beta_posterior() -> None:
    state, ids = state_of({"c": [1, 1, 1, 0]})
    values = []

    for step in range(800):
        state.step = step
        values.append(Thompson().of(state, state.pool)[ids["c"]])

    assert np.mean(values) == pytest.approx(4 / 6, abs=0.03)


@pytest.mark.parametrize(
    ("gate", "passes", "fails"),
    [
        (Better(), [1, 0, -0.5], [0, 0]),
        (NotWorse(), [0, 0], [-0.1, 0.05]),
        (MaybeBetter(1.5), [-0.1, 0.9, -0.1, -0.2], [-0.5, -0.4, -0.6]),
        (MaybeBetter(1.5), [0.1], [0.0, 0.0]),
        (Race(0.1), [-1, 1, -1, 0], [-1] * 6),
    ],
)
def test_gates(gate: Better, passes: list[float], fails: list[float]) -> None:
    assert gate.passes(passes)
    assert not gate.passes(fails)


def test_the_race_wrongs_an_equal_child_at_most_as_often_as_it_says() -> None:
    draw = np.random.default_rng(1)
    wronged = 0

    for _ in range(1000):
        gains = draw.integers(0, 2, 100) - draw.integers(0, 2, 100)
        wronged += not Race(0.1).passes([float(gain) for gain in gains])

    assert wronged / 1000 < 0.13


def test_the_net_admits_the_far_and_refuses_the_near() -> None:
    state, _ = state_of({"add all numbers of the list": [0.5]})
    texts = ["add all numbers of the list", "add all numbers of this list", "think step by step"]
    children = [Candidate({"text": text + end}) for text in texts for end in ("", ".")]
    eps = 0.9

    kept = EpsNet(eps=eps).novel(state, children)

    points = [embedded(c, "words") for c in [state.candidate(state.pool[0]), *kept]]
    assert 0 < len(kept) < len(children)
    assert all(distance(a, b) > eps for a, b in combinations(points, 2))
    refused = [c for c in children if c not in kept]
    assert all(min(distance(embedded(c, "words"), p) for p in points) <= eps for c in refused)


def test_a_merge_takes_from_each_side_what_it_changed() -> None:
    state, _ = state_of({})
    ledger = state.ledger
    root = Candidate({"plan": "old", "answer": "old"})
    left = root.edited({"plan": "new"}, op="rewrite")
    right = root.edited({"answer": "new"}, op="rewrite")
    for candidate, scores in ((root, [0, 0, 0]), (left, [1, 0, 1]), (right, [0, 1, 1])):
        ledger.admit(candidate)
        measure(ledger, candidate.id, scores)
        state.pool.append(candidate.id)

    found = Merge().find(state, set())

    assert found is not None
    assert dict(found[0].values) == {"plan": "new", "answer": "new"}
    assert set(found[0].parents) == {left.id, right.id}
    assert Merge().trial(state, left.id, right.id) == [0, 1, 2]
    assert Merge().find(state, {(min(left.id, right.id), max(left.id, right.id))}) is None


def test_an_ancestor_is_not_merged_with_its_child() -> None:
    state, _ = state_of({"a": [0, 1], "b": [1, 0]}, parents={"b": ["a"]})

    assert Merge().find(state, set()) is None


def test_the_component_that_failures_name_first_is_blamed() -> None:
    parts = {"step_1": "read", "step_2": "think", "step_3": "answer"}
    task = LetterTask(components=parts)
    state, _ = state_of({}, task=task)
    name = task.seed.id
    state.ledger.admit(task.seed)
    told = ["step_2 failed, then step_3", "in step_2", "step_3 was empty", "step_1 is perfect"]
    for example, (text, score) in enumerate(zip(told, (0.0, 0.0, 0.0, 1.0), strict=True)):
        state.ledger.add(Rollout(name, example, "train", 0, score, feedback=text))

    assert Blamed().pick(state, name) == ("step_2",)


def test_without_a_name_in_the_feedback_components_take_turns() -> None:
    parts = {"a": "", "b": ""}
    state, _ = state_of({}, task=LetterTask(components=parts))
    name = state.view.task.seed.id
    picked = []

    for _ in range(3):
        (component,) = RoundRobin().pick(state, name)
        assert Blamed().pick(state, name) == (component,)
        state.edited[name, component] += 1
        picked.append(component)

    assert picked == ["a", "b", "a"]


def test_stoppers_say_why() -> None:
    state, _ = state_of({"a": [0.9, 0.9]})
    state.step, state.last_gain = 7, 2

    assert Turns(7).reason(state) == "7 turns are over"
    assert Turns(8).reason(state) is None
    assert Patience(5).reason(state) == "nothing was taken in for 5 turns"
    assert Patience(6).reason(state) is None
    assert Reached(0.9).reason(state) == "the mean score 0.9 is reached"
    assert Reached(0.9, least=3).reason(state) is None


def test_examples_come_round_once_before_any_comes_twice() -> None:
    state, _ = state_of({"a": [0.0]})

    drawn = [state.draw("train", 4) for _ in range(3)]

    flat = [example for part in drawn for example in part]
    assert sorted(flat[:6]) == sorted(flat[6:]) == list(range(6))
    assert flat[:6] != flat[6:]


def test_repetitions_are_fresh_unless_scores_are_exact() -> None:
    state, ids = state_of({"a": [0.5, 0.5]})

    fresh = state.measure([ids["a"]], [0, 0, 3], "val")
    again = State(state.view, exact=True).measure([ids["a"]], [0, 3], "val")

    assert [(ask.example, ask.rep) for ask in fresh] == [(0, 1), (0, 2), (3, 0)]
    assert [(ask.example, ask.rep) for ask in again] == [(0, 0), (3, 0)]


def test_a_spec_is_read_in_a_process_that_never_saw_its_strategies() -> None:
    data = json.dumps(named("zopo").to_json())
    code = (
        "import json, sys; from opto.search.spec import Spec; "
        "print(Spec.from_json(json.loads(sys.argv[1])).name)"
    )

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, data], capture_output=True, text=True, check=True
    )

    assert done.stdout == "zopo\n"


def test_every_algorithm_is_in_the_overview() -> None:
    text = files("opto.search").joinpath("ALGORITHMS.md").read_text(encoding="utf-8")

    assert [name for name in names() if f"`{name}`" not in text] == []
