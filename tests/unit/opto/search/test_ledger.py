"""Statistics kept up to date equal those worked out anew."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opto.search import Candidate, Cost, Ledger, Proposal, Rollout
from opto.search.results import RolloutStatus

_CANDIDATES = [Candidate({"x": n}) for n in range(4)]
_STATUSES: list[RolloutStatus] = ["ok", "ok", "ok", "error", "timeout"]

_rollouts = st.builds(
    lambda candidate, example, split, rep, score, status, text: Rollout(
        candidate=_CANDIDATES[candidate].id,
        example=example,
        split=split,
        rep=rep,
        score=score if status == "ok" else None,
        scores={"brief": -score} if status == "ok" and example % 2 else {},
        feedback=text,
        status=status,
        cost=Cost(metric=1, usd="0.01"),  # type: ignore[arg-type]
    ),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["train", "val"]),
    st.integers(0, 1),
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    st.sampled_from(_STATUSES),
    st.text(max_size=200),
)


def _kept(results: list[Rollout]) -> dict[Any, Rollout]:
    """The measurement that counts for each (candidate, split, example, rep)."""
    kept: dict[Any, Rollout] = {}
    for r in results:
        key = (r.candidate, r.split, r.example, r.rep)
        if key not in kept or not kept[key].ok:
            kept[key] = r
    return kept


@settings(max_examples=150, deadline=None)
@given(results=st.lists(_rollouts, max_size=80), split=st.sampled_from(["train", "val"]))
def test_folds_equal_a_naive_recomputation(results: list[Rollout], split: Any) -> None:
    ledger = Ledger()
    for number, result in enumerate(results):
        ledger.add(result)
        if number % 7 == 0:
            ledger.front(split)  # asking in between must not change later answers

    kept = [r for r in _kept(results).values() if r.split == split and r.score is not None]
    by_example: dict[int, dict[str, list[float]]] = {}
    for r in kept:
        assert r.score is not None
        by_example.setdefault(r.example, {}).setdefault(r.candidate, []).append(r.score)

    for candidate in _CANDIDATES:
        scores = [r.score for r in kept if r.candidate == candidate.id and r.score is not None]
        assert ledger.n(candidate.id, split) == len(scores)
        assert ledger.mean(candidate.id, split) == (
            pytest.approx(statistics.fmean(scores)) if scores else None
        )
        sd = statistics.stdev(scores) if len(scores) > 1 else None
        assert ledger.sd(candidate.id, split) == (None if sd is None else pytest.approx(sd))
        assert ledger.example_means(candidate.id, split) == pytest.approx(
            {
                example: statistics.fmean(found[candidate.id])
                for example, found in sorted(by_example.items())
                if candidate.id in found
            }
        )
        assert {
            (r.example, r.rep): (r.score, r.feedback)
            for r in ledger.rollouts(candidate.id, split, ok_only=True)
        } == {
            (r.example, r.rep): (r.score, r.feedback) for r in kept if r.candidate == candidate.id
        }
    front = {}
    for example, found in by_example.items():
        means = {name: statistics.fmean(scores) for name, scores in found.items()}
        front[example] = {name for name in means if means[name] >= max(means.values()) - 1e-12}
    assert {example: set(ids) for example, ids in ledger.front(split).items()} == front
    a, b = _CANDIDATES[0].id, _CANDIDATES[1].id
    slots: dict[str, dict[Any, float | None]] = {a: {}, b: {}}
    for r in kept:
        slots.get(r.candidate, {})[r.example, r.rep] = r.score
    common = sorted(slots[a].keys() & slots[b].keys())
    assert ledger.paired(a, b, split) == [(slots[a][s], slots[b][s]) for s in common]
    assert ledger.spent.metric == len(results) == len(ledger)


def test_a_success_takes_the_place_of_a_failure_and_nothing_that_of_a_success() -> None:
    ledger = Ledger()
    failure = Rollout("a", 0, "val", 0, None, status="error", note="down")

    for result in (failure, Rollout("a", 0, "val", 0, 0.5), failure, Rollout("a", 0, "val", 0, 1)):
        ledger.add(result)

    assert (ledger.n("a"), ledger.mean("a")) == (1, 0.5)
    assert [r.score for r in ledger.rollouts("a")] == [0.5]


def test_the_digest_sees_everything_but_time() -> None:
    def digest(**changes: Any) -> str:
        ledger = Ledger()
        whole: dict[str, Any] = {
            "candidate": "a", "example": 0, "split": "val", "rep": 0, "score": 1.0,
            "cost": Cost(metric=1, seconds=1),
        }  # fmt: skip
        ledger.add(Rollout(**whole | changes))
        return ledger.digest

    assert digest() == digest(cost=Cost(metric=1, seconds=9))
    other = [digest(score=0.5), digest(rep=1), digest(feedback="x"), digest(cost=Cost(metric=2))]
    assert len({digest(), *other}) == 5


def test_lineage_and_duplicates_are_known() -> None:
    ledger = Ledger()
    seed = Candidate({"x": 0})
    ledger.admit(seed)
    child = seed.edited({"x": 1}, op="rewrite")

    ledger.add(Proposal((child, Candidate({"x": 0}, op="other"))))

    assert list(ledger.candidates) == [seed.id, child.id]
    assert ledger.candidates[seed.id].op == "seed"
    assert ledger.children(seed.id) == (child.id,)


_BIG = """
import resource, time
from opto.search import Ledger, Rollout
ledger, before = Ledger(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
for n in range(100_000):
    ledger.add(Rollout(f"c{n % 200}", n // 200 % 100, "val", n // 20_000, 0.5, trace="t" * 3_000))
    if n % 200 == 0:
        ledger.front(), ledger.ranked(), ledger.paired("c0", "c1")
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(ledger.rollouts("c7")[0].trace) == 3_000
print(time.perf_counter() - start, (after - before) / 1024)
"""


def test_a_hundred_thousand_rollouts_take_seconds_and_little_memory() -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _BIG], capture_output=True, text=True, check=True
    )
    seconds, mebibytes = map(float, done.stdout.split())

    assert seconds < 40
    assert mebibytes < 120  # the texts alone are 300
