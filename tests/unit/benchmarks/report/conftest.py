"""Records of made-up evaluations."""

from __future__ import annotations

import pytest

from benchmarks.items import ItemResult
from benchmarks.scoring import verdicts


@pytest.fixture
def tried():
    """One try: `tried("a", 12.0, "12.00", sample=1, kind="lp")` is right by all rules."""

    def make(name, answer, *accepted, **given) -> ItemResult:
        right = verdicts(answer, accepted)
        status = (
            "not solved" if answer is None else answer if isinstance(answer, str) else "optimal"
        )
        facts = {
            "id": name,
            "set": "toy",
            "sample": 0,
            "accepted": accepted,
            "status": status,
            "answer": answer,
            "error": None if right.main or not accepted else "other",
            **right._asdict(),
        }
        return ItemResult(**(facts | given))

    return make
