"""From the records of an evaluation to its report, one record at a time.

Lives here: `fold`.
Never here: printing; records as a whole are never kept, only their small facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter

from benchmarks.items import ItemResult
from benchmarks.report.model import RULES, Cost, Group, Planned, Progress, Report, Row, Share
from benchmarks.report.samples import voting
from benchmarks.scoring.errors import is_guess
from benchmarks.scoring.statistics import quantile
from benchmarks.scoring.verdict import gold_status

PROVED = ("optimal", "infeasible", "unbounded")
"""Statuses of a try that came to a proved answer."""
_WHY = 200
"""Characters of a reason that a row keeps."""
_CODES = 8
"""Codes of findings that a row keeps."""
_NAME = 80
"""Characters of a code or a kind that a row keeps."""
_GROUPS = 40
"""Most groups that are told apart; the smaller ones are put together."""
_OTHERS = "(others)"
Problem = tuple[str, str]


class _Money:
    """Sums over tries."""

    def __init__(self) -> None:
        self.tokens_in = self.tokens_out = self.unpriced = 0
        self.usd: Decimal | None = None
        self.errors = self.declared = 0
        self.same: Counter[bool] = Counter()
        self.undecided = 0

    def add(self, result: ItemResult) -> None:
        self.tokens_in += result.tokens_in
        self.tokens_out += result.tokens_out
        if result.usd is None:
            self.unpriced += 1
        else:
            self.usd = (self.usd or Decimal(0)) + Decimal(result.usd)
        if result.declarations is not None:
            self.errors += result.declarations["errors"]
            self.declared += result.declarations["declared"]
            if result.same_model is None:
                self.undecided += 1
            else:
                self.same[result.same_model] += 1


def fold(results: Iterable[ItemResult], *, planned: Planned | None = None) -> Report:
    """The report of an evaluation.

    Args:
        results: In any order, each try once; a try recorded twice counts as it was first.
        planned: How many problems and tries of each were asked for, so that the report can say how
            much of it is there; None where that is not known.

    Memory: some 500 bytes a try; records are dropped as they come.
    """
    rows: dict[tuple[str, str, int], Row] = {}
    sums = _Money()
    for result in results:
        key = (result.set, result.id, result.sample)
        if key not in rows:
            rows[key] = _row(result)
            sums.add(result)
    report = _report(tuple(rows.values()), sums)
    return report if planned is None else replace(report, progress=_progress(report, planned))


def _progress(report: Report, planned: Planned) -> Progress:
    tries = Counter(row.problem for row in report.rows)
    done = sum(number >= planned.samples for number in tries.values())
    return Progress(planned, done, len(report.rows))


def _row(result: ItemResult) -> Row:
    codes = dict.fromkeys(str(finding.get("code", ""))[:_NAME] for finding in result.findings)
    return Row(
        id=result.id,
        set=result.set,
        sample=result.sample,
        accepted=tuple(result.accepted),
        status=result.status,
        answer=result.answer,
        strict=result.strict,
        main=result.main,
        lenient=result.lenient,
        error=result.error,
        guessed=is_guess(result.error, gold_model=result.declarations is not None),
        why=result.why[:_WHY],
        findings=tuple(codes)[:_CODES],
        kind=(result.kind or "")[:_NAME],
        labels=result.labels or "",
        overlap=bool(result.overlap),
        repairs=result.repairs,
        calls=result.calls,
        tokens=result.tokens_in + result.tokens_out,
        seconds=result.seconds,
        span=result.span,
    )


def _report(rows: tuple[Row, ...], sums: _Money) -> Report:
    problems: dict[Problem, list[Row]] = {}
    for row in rows:
        problems.setdefault(row.problem, []).append(row)
    scored = [tries for tries in problems.values() if tries[0].accepted]
    wrong = Counter(row.error or "other" for row in rows if row.accepted and not row.main)
    decided = sums.same.total()
    return Report(
        rows=rows,
        problems=len(problems),
        missing_gold=len(problems) - len(scored),
        accuracy={rule: _share(scored, attrgetter(rule)) for rule in RULES},
        executed=_share(list(problems.values()), lambda row: row.status in PROVED),
        by_kind=_groups(scored, lambda row: row.kind or "(none)"),
        by_labels=_groups(scored, lambda row: row.labels or "(unknown)"),
        by_overlap=_groups(scored, lambda row: "in other sets too" if row.overlap else "only here"),
        by_set=_groups(scored, lambda row: row.set),
        statuses=dict(
            sorted(Counter((row.status, gold_status(row.accepted)) for row in rows).items())
        ),
        errors=dict(wrong.most_common()),
        guessed=sum(row.guessed for row in rows),
        findings=_findings(rows),
        cost=_cost(rows, sums),
        samples=voting(scored),
        declarations=1 - sums.errors / sums.declared if sums.declared else None,
        declared=sums.declared,
        same_model=Share(sums.same[True], decided) if decided else None,
        undecided_models=sums.undecided,
    )


def _share(problems: Sequence[Sequence[Row]], right: Callable[[Row], bool]) -> Share:
    total = sum(sum(map(right, tries)) / len(tries) for tries in problems)
    return Share(total, len(problems))


def _groups(problems: Sequence[Sequence[Row]], name: Callable[[Row], str]) -> tuple[Group, ...]:
    """By name, the largest group first; empty where all problems are in one."""
    parts: dict[str, list[Sequence[Row]]] = {}
    for tries in problems:
        parts.setdefault(name(tries[0]), []).append(tries)
    if len(parts) <= 1:
        return ()
    ordered = sorted(parts.items(), key=lambda part: (-len(part[1]), part[0]))
    if len(ordered) > _GROUPS:
        rest = [tries for _, part in ordered[_GROUPS - 1 :] for tries in part]
        ordered = [*ordered[: _GROUPS - 1], (_OTHERS, rest)]
    return tuple(Group(named, _share(part, lambda row: row.main)) for named, part in ordered)


def _findings(rows: Iterable[Row]) -> dict[str, tuple[int, int]]:
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for row in rows:
        if row.accepted:
            (right if row.main else wrong).update(row.findings)
    codes = sorted(right | wrong, key=lambda code: (-right[code] - wrong[code], code))
    return {code: (right[code], wrong[code]) for code in codes}


def _cost(rows: Sequence[Row], sums: _Money) -> Cost:
    seconds = sorted(row.seconds for row in rows) or [0.0]
    return Cost(
        calls=sum(row.calls for row in rows),
        tokens_in=sums.tokens_in,
        tokens_out=sums.tokens_out,
        usd=sums.usd,
        unpriced=sums.unpriced,
        seconds=sum(seconds),
        median_s=quantile(seconds, 0.5),
        p95_s=quantile(seconds, 0.95),
        longest_s=seconds[-1],
    )
