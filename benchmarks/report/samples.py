"""What several tries on one problem are worth: pass@k, and a vote.

Lives here: both measures.
Never here: single tries.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report.model import Row, Samples, Share
from benchmarks.scoring import pass_at_k, verdicts

_TOLERANCE = 1e-6


def voting(problems: Sequence[Sequence[Row]]) -> Samples | None:
    """Measures over problems of the same number of tries; of others, over the least number.

    Args:
        problems: Per problem with a gold answer, its tries.

    Returns:
        None where some problem was tried only once.
    """
    k = min(map(len, problems), default=0)
    if k <= 1:
        return None
    steps = sorted({k, *(2**power for power in range(k.bit_length()) if 2**power <= k)})
    chances = {
        step: sum(pass_at_k(len(tries), sum(row.main for row in tries), step) for tries in problems)
        / len(problems)
        for step in steps
    }
    right = 0
    for tries in problems:
        first = sorted(tries, key=lambda row: row.sample)
        answer = vote([row.answer for row in first])
        right += verdicts(answer, first[0].accepted).main
    return Samples(k, chances, Share(right, len(problems)))


def vote(answers: Sequence[float | str | None]) -> float | str | None:
    """The answer that most tries gave; where two are given equally often, the earlier.

    Numbers are one answer if they are within 1e-6 (relative) of the first of their cluster. A try
    without an answer has no vote.
    """
    clusters: list[tuple[float | str, int]] = []
    for answer in answers:
        if answer is None:
            continue
        for place, (first, votes) in enumerate(clusters):
            if _agree(first, answer):
                clusters[place] = (first, votes + 1)
                break
        else:
            clusters.append((answer, 1))
    # max keeps the first of equals, and clusters are in the order of their first try
    return max(clusters, key=lambda cluster: cluster[1], default=(None, 0))[0]


def _agree(one: float | str, other: float | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return abs(one - other) <= _TOLERANCE * max(1.0, abs(one), abs(other))
