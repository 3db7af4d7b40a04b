"""NL4OPT canonical forms: a few rows over nonnegative variables, four variants each.

Lives here: reading the forms, writing them as models, comparing status and objective.
Never here: the texts of the problems; only their matrix forms are used.

Variants: real or whole variables, and strict words ("more than") read as `<=` or kept as `<`.
The recorded answers for strict rows over reals were computed with those rows moved by 1e-6 instead
of a strict inequality. They are compared with a wider tolerance and only reported; a miss is solved
again with the rows moved, to see whether that explains it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solvers_bridge import Limits, Model, Solved, Verdict, solve_model

VARIANTS = {
    "continuous": ("real", False, 1e-6),
    "integer": ("integer", False, 1e-6),
    "integer_strict": ("integer", True, 1e-6),
    "continuous_strict": ("real", True, 1e-5),
}
"""Variant to domain, whether strict rows are kept, and relative tolerance."""
_MARGIN = 1e-6
_PRECISE = 1e-9
REQUIRED = ("continuous", "integer", "integer_strict")


@dataclass(frozen=True, slots=True)
class Result:
    """One variant of one form: what was recorded, what came out."""

    id: str
    variant: str
    expected: float | str
    got: float | str
    agrees: bool
    why: str
    """For a miss: which checks failed, and the verdict."""


@dataclass(frozen=True, slots=True)
class Report:
    """All results, and how long it took."""

    results: tuple[Result, ...]
    forms: int
    seconds: float
    proofs: dict[str, int]
    """How often optimality was proved, within gap, or not shown, over points found."""
    second: dict[str, int]
    """How often the second solver agreed, disagreed, or was not asked or undecided."""

    @property
    def passed(self) -> bool:
        """Whether every variant that must agree does, and no two solvers disagree."""
        misses = any(not result.agrees for result in self.results if result.variant in REQUIRED)
        return self.forms > 0 and not misses and not self.second["disagreed"]

    def summary(self) -> dict[str, Any]:
        """Counts for `--json`."""
        agreed = {
            variant: sum(r.agrees for r in self.results if r.variant == variant)
            for variant in VARIANTS
        }
        return {
            "set": "nl4opt",
            "forms": self.forms,
            "agreed": agreed,
            "passed": self.passed,
            "proofs": self.proofs,
            "second": self.second,
            "seconds": round(self.seconds, 1),
        }

    def misses(self) -> list[Result]:
        """Every result that differs from the record."""
        return [result for result in self.results if not result.agrees]


def run(file: Path, *, second: bool, limit: int | None = None) -> Report:
    """Solve the forms of `file` in all variants and compare.

    Args:
        file: JSON lines with `id`, `gold_lp` (vars, sense, c, rows) and `solved`.
        second: Whether another solver is asked as well.
        limit: Only the first so many forms.
    """
    begun = time.perf_counter()
    results: list[Result] = []
    proofs = dict.fromkeys(("proved", "within gap", "not shown"), 0)
    opinions = dict.fromkeys(("agreed", "disagreed", "none"), 0)
    items = list(_items(file))[:limit]
    for item in items:
        for variant, (domain, strict, _) in VARIANTS.items():
            model = model_of(item["gold_lp"], domain=domain, strict=strict)
            solved = solve_model(model, limits=Limits(time_limit_s=20.0), second=second)
            if solved.outcome.x is not None and not isinstance(_got(solved), str):
                proofs[solved.certificate.optimal] += 1
            opinions[{True: "agreed", False: "disagreed", None: "none"}[solved.opinion.agrees]] += 1
            results.append(_result(item, variant, solved))
    seconds = time.perf_counter() - begun
    return Report(tuple(results), len(items), seconds, proofs, opinions)


def _items(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _result(item: dict[str, Any], variant: str, solved: Solved) -> Result:
    expected, got = item["solved"][variant], _got(solved)
    if isinstance(expected, str) or isinstance(got, str):
        agrees = expected == got
    else:
        agrees = abs(expected - got) <= VARIANTS[variant][2] * max(1.0, abs(expected))
    why = "" if agrees else _doubts(solved)
    if not agrees and variant == "continuous_strict":
        why += _with_margin(item["gold_lp"], expected)
    return Result(item["id"], variant, expected, got, agrees, why)


def _doubts(solved: Solved) -> str:
    """What the checks hold against an answer, and what a strict row made of it."""
    failed = [f"{check.name}: {check.note}" for check in solved.certificate.how if not check.passed]
    return "; ".join([*failed, f"verdict {solved.verdict.value}"])


def _with_margin(form: dict[str, Any], expected: float | str) -> str:
    """Whether moving the strict rows, as the record did, gives the recorded answer."""
    rows = [
        {**row, "rhs": row["rhs"] + (_MARGIN if row["op"] == ">=" else -_MARGIN)}
        if row["strict"]
        else row
        for row in form["rows"]
    ]
    moved = model_of({**form, "rows": rows}, domain="real", strict=False)
    got = _got(solve_model(moved, second=False))
    if isinstance(expected, str) or isinstance(got, str):
        same = expected == got
    else:
        same = abs(expected - got) <= _PRECISE * max(1.0, abs(expected))
    return f"; with strict rows moved by {_MARGIN:g}: {got} ({'as' if same else 'not as'} recorded)"


def _got(solved: Solved) -> float | str:
    """The objective of a checked optimum (or limit of strict rows), else the verdict."""
    if solved.verdict in (Verdict.OPTIMAL, Verdict.LIMIT) and solved.objective is not None:
        return solved.objective
    return solved.verdict.value


def model_of(form: dict[str, Any], *, domain: str, strict: bool) -> Model:
    """A matrix form as a model: one set of decisions, one table per row.

    Args:
        form: `vars`, `sense`, `c` and `rows` with `coef`, `op`, `rhs`, `strict`.
        domain: Of every variable: real or integer.
        strict: Whether rows marked strict become `<` or `>`.
    """
    rows = form["rows"]
    parameters = [_parameter("gain", ["CHOICES"])]
    data = [_dense("gain", form["c"])]
    constraints = []
    for number, row in enumerate(rows):
        parameters += [_parameter(f"use{number}", ["CHOICES"]), _parameter(f"side{number}", [])]
        data += [_dense(f"use{number}", row["coef"]), _dense(f"side{number}", [row["rhs"]])]
        constraints.append(
            {
                "name": f"row{number}",
                "forall": "",
                "lhs": f"sum(use{number}[i]*amount[i] for i in CHOICES)",
                "relation": row["op"].rstrip("=") if strict and row["strict"] else row["op"],
                "rhs": f"side{number}",
                "kind": "stated",
                **_unsaid(),
            }
        )
    choices = {
        **dict.fromkeys(("first", "last", "tuples_of", "rows", "where")),
        "name": "CHOICES",
        "elements": list(range(len(form["vars"]))),
        "meaning": "",
        "quote": "",
    }
    amount = {
        "name": "amount",
        "index": ["CHOICES"],
        "domain": domain,
        "why_domain": "",
        "lower": 0,
        "upper": None,
        **_unsaid(),
    }
    expression = "sum(gain[i]*amount[i] for i in CHOICES)"
    return Model.model_validate(
        {
            "ir_version": "1",
            "name": "canonical form",
            "sets": [choices],
            "parameters": parameters,
            "variables": [amount],
            "constraints": constraints,
            "objective": {"sense": form["sense"], "expr": expression, **_unsaid()},
            "assumptions": [],
            "data": data,
        }
    )


def _unsaid() -> dict[str, Any]:
    return {"unit": None, "meaning": "", "quote": ""}


def _parameter(name: str, index: list[str]) -> dict[str, Any]:
    return {"name": name, "index": index, **_unsaid()}


def _dense(name: str, numbers: Sequence[float]) -> dict[str, Any]:
    return {"parameter": name, "dense": list(numbers), "cells": None, "default": None}
