"""What a model's reply costs from JSON to audited answer: `python -m benchmarks.solving`.

Lives here: drafts written from the gold models of a JSONL data set (`question`, `gold_lp`), the CPU
time of each stage of their evaluation, and throughput with many at once. JSON on stdout.
Never here: data, language models, accuracy.

CPU time is that of this process and of all its children (solver workers), alive or ended. Every
pass gets texts and names of its own, so that no pass lives on what an earlier one has cached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opto.llm.parse import Problem as ParseProblem
from opto.llm.parse import Reader
from opto.modeling.audit import audit
from opto.modeling.bind import bind
from opto.modeling.draft import (
    Draft,
    DraftConstraint,
    DraftObjective,
    DraftParameter,
    DraftSet,
    DraftVariable,
)
from opto.modeling.evaluate import Attempt, evaluate
from opto.modeling.problem import Problem
from solvers_bridge.backends import get_backend
from solvers_bridge.check import check
from solvers_bridge.compile import compile_model
from solvers_bridge.opinion import second_opinion
from solvers_bridge.outcome import Limits
from solvers_bridge.strictness import settle
from solvers_bridge.verify import verify

Row = dict[str, Any]
STYLES = ("plain", "indexed")
LIMITS = Limits(time_limit_s=20.0)
_WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Task:
    """A reply as a language model would give it, and the problem it answers."""

    reply: str
    problem: Problem


@dataclass(slots=True)
class Meter:
    """CPU milliseconds by stage, one number per problem."""

    spent: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        children = _children_s()
        begun = time.process_time()  # inside, so that looking at the children is not counted
        yield
        own = time.process_time() - begun
        self.spent.setdefault(name, []).append(1000.0 * (own + _children_s() - children))


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    rows = _rows(arguments.data, arguments.limit)

    def tasks(names: str) -> list[Task]:
        """Drafts of all rows whose names end in `names`."""
        style, domain = arguments.style, arguments.domain
        return [_task(row, names, style=style, domain=domain) for row in rows]

    warm_up = asyncio.run(_start(tasks("w")[:_WARM_UP]))
    meter = Meter()
    with ThreadPoolExecutor(1) as thread:  # like `evaluate`: the main thread also hears Ctrl-C
        for task in tasks("s"):
            thread.submit(_by_stage, task, meter).result()
    report: dict[str, Any] = {
        "problems": len(rows),
        "style": arguments.style,
        "domain": arguments.domain,
        "start_cpu_ms": round(warm_up),
        "stages_cpu_ms": {name: _spread(spent) for name, spent in meter.spent.items()},
    }
    sums = [sum(parts) for parts in zip(*meter.spent.values(), strict=False)]
    report["stages_cpu_ms"]["sum"] = _spread(sums)
    attempts: list[Attempt] = []
    report["at_once"] = {}
    for number in arguments.at_once:
        attempts, facts = asyncio.run(_together(tasks(f"t{number}"), number))
        report["at_once"][str(number)] = facts
    verdicts = [attempt.solved.verdict.value if attempt.solved else "none" for attempt in attempts]
    report["verdicts"] = {name: verdicts.count(name) for name in sorted(set(verdicts))}
    agreed = [attempt.solved and attempt.solved.opinion.agrees for attempt in attempts]
    report["second_agrees"] = agreed.count(True)
    print(json.dumps(report, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.solving", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="JSONL: question, gold_lp")
    parser.add_argument("--limit", type=int, default=0, help="problems from the top; 0: all")
    parser.add_argument("--domain", choices=("integer", "real"), default="integer")
    parser.add_argument("--style", choices=STYLES, default="plain", help="how drafts are written")
    parser.add_argument("--at-once", type=int, nargs="*", default=[1, 8, 64])
    return parser.parse_args()


def _rows(file: Path, limit: int) -> list[Row]:
    if not file.is_file():
        raise SystemExit(f"There is no file {file}.")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row.get("gold_lp")]
    return rows[:limit] if limit else rows


def cpu_s() -> float:
    """CPU seconds of this process and its children, ended or (on Linux) still alive."""
    return time.process_time() + _children_s()


def _children_s() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + sum(map(_clock_of, _children()))


def _children() -> Iterator[int]:
    for file in Path("/proc/self/task").glob("*/children"):
        with suppress(FileNotFoundError):  # the thread ended in between
            yield from map(int, file.read_text().split())


def _clock_of(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3), exact to the ns
    except OSError:  # it ended in between
        return 0.0


async def _start(tasks: Sequence[Task]) -> float:
    """CPU milliseconds until the first few are done: imports, workers."""
    begun = cpu_s()
    for task in tasks:
        await _evaluated(task)
    return 1000.0 * (cpu_s() - begun)


async def _evaluated(task: Task) -> Attempt:
    return await evaluate(_read(task.reply), task.problem, limits=LIMITS)


def _read(reply: str) -> Draft:
    draft = Reader(Draft).read(reply)
    if isinstance(draft, ParseProblem):
        raise SystemExit(f"A draft of this benchmark cannot be read: {draft.why}")
    return draft


def _by_stage(task: Task, meter: Meter) -> None:
    """The stages of `evaluate` one by one, without its threads."""
    with meter.stage("reply"):
        draft = _read(task.reply)
    with meter.stage("bind"):
        model = bind(draft, task.problem)
    with meter.stage("check"):
        findings = check(model)
    if any(finding.severity == "error" for finding in findings):
        raise SystemExit(f"A draft of this benchmark does not pass the checks: {findings}")
    with meter.stage("compile"):
        form = compile_model(model)
    with meter.stage("solve"):
        engine = get_backend("highs")
        settled = settle(form, engine.solve(form, LIMITS), engine, LIMITS)
    with meter.stage("verify"):
        verify(model, form, settled.outcome)
    with meter.stage("second opinion"):
        second_opinion(form, settled.outcome, LIMITS)
    with meter.stage("audit"):
        audit(model, task.problem)


async def _together(tasks: Sequence[Task], number: int) -> tuple[list[Attempt], dict[str, float]]:
    """All of `tasks`, `number` at a time."""
    places = asyncio.Semaphore(number)

    async def one(task: Task) -> tuple[Attempt, float]:
        async with places:
            begun = time.perf_counter()
            return await _evaluated(task), 1000.0 * (time.perf_counter() - begun)

    wall, cpu = time.perf_counter(), cpu_s()
    done = await asyncio.gather(*map(one, tasks))
    wall, cpu = time.perf_counter() - wall, cpu_s() - cpu
    latencies = [latency for _, latency in done]
    return [attempt for attempt, _ in done], {
        "problems_per_s": round(len(tasks) / wall, 1),
        "cpu_ms_per_problem": round(1000.0 * cpu / len(tasks), 2),
        "wall_s": round(wall, 2),
        "latency_ms_median": round(statistics.median(latencies), 1),
        "latency_ms_longest": round(max(latencies), 1),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Median, mean and 95th percentile, in ms."""
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 2),
        "mean": round(statistics.fmean(ordered), 2),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 2),
    }


def _task(row: Row, suffix: str, *, style: str, domain: str) -> Task:
    gold = row["gold_lp"]
    names = [f"{_name(name)}_{suffix}" for name in gold["vars"]]
    write = _plain if style == "plain" else _indexed
    draft = write(gold, names, _Quotes(row["question"]), domain=domain)
    text = f"{row['question']} This is pass {suffix}."
    return Task(draft.model_dump_json(indent=1), Problem(text))


def _name(words: str) -> str:
    return "n_" + re.sub(r"\W+", "_", words)[:40].strip("_")


class _Quotes:
    """Sentences of a text by the words they hold; each place is quoted once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._from: dict[str, int] = {}

    def holding(self, words: str) -> str:
        """The next sentence with `words`; empty when there is none."""
        at = self._text.find(words, self._from.get(words, 0))
        if at < 0 or not words:
            return ""
        self._from[words] = at + len(words)
        start = max(self._text.rfind(mark, 0, at) for mark in (". ", "? ", "! ")) + 2
        start = 0 if start == 1 else start
        end = self._text.find(". ", at)
        return self._text[start : len(self._text) if end < 0 else end]


def _plain(gold: Row, names: Sequence[str], quotes: _Quotes, *, domain: str) -> Draft:
    """Every number in the expressions, as most models write small problems."""
    rows = [
        _constraint(f"rule_{number}", row, quotes, lhs=_sum(row["coef"], names))
        for number, row in enumerate(gold["rows"], start=1)
    ]
    return _draft(
        gold,
        rows,
        expr=_sum(gold["c"], names),
        variables=[_variable(name, [], domain=domain) for name in names],
    )


def _indexed(gold: Row, names: Sequence[str], quotes: _Quotes, *, domain: str) -> Draft:
    """Sets and parameters, as models write larger ones."""
    kinds = "KINDS_" + names[0].rpartition("_")[2]
    tables = {"gain": gold["c"]}
    rows = []
    for number, row in enumerate(gold["rows"], start=1):
        tables[f"rate_{number}"] = row["coef"]
        lhs = f"sum(rate_{number}[i] * amount[i] for i in {kinds})"
        rows.append(_constraint(f"rule_{number}", row, quotes, lhs=lhs))
    draft = _draft(
        gold,
        rows,
        expr=f"sum(gain[i] * amount[i] for i in {kinds})",
        variables=[_variable("amount", [kinds], domain=domain)],
    )
    elements = DraftSet(
        name=kinds, elements=list(names), first=None, last=None, column=None, meaning="kinds"
    )
    parameters = [
        DraftParameter(
            name=name, index=[kinds], values=values, column=None, unit=None, meaning="", quote=""
        )
        for name, values in tables.items()
    ]
    return draft.model_copy(update={"sets": [elements], "parameters": parameters})


def _draft(
    gold: Row, rows: Sequence[DraftConstraint], *, expr: str, variables: Sequence[DraftVariable]
) -> Draft:
    objective = DraftObjective(
        quote="", meaning=gold["objective_name"], sense=gold["sense"], expr=expr, unit=None
    )
    return Draft(
        sets=[],
        parameters=[],
        variables=list(variables),
        objective=objective,
        constraints=list(rows),
        assumptions=[],
    )


def _variable(name: str, index: Sequence[str], *, domain: str) -> DraftVariable:
    return DraftVariable.model_validate(
        {"name": name, "meaning": "how many", "index": list(index), "why_domain": ""}
        | {"domain": domain, "lower": 0, "upper": None, "unit": None}
    )


def _constraint(name: str, row: Row, quotes: _Quotes, *, lhs: str) -> DraftConstraint:
    strict = {"<=": "<", ">=": ">"} if row["strict"] else {}
    quote = quotes.holding(row["direction"] or "")
    return DraftConstraint.model_validate(
        {"quote": quote, "meaning": row["type"], "name": name, "kind": "stated", "forall": ""}
        | {"lhs": lhs, "relation": strict.get(row["op"], row["op"]), "rhs": f"{row['rhs']:g}"}
    )


def _sum(coefs: Sequence[float], names: Sequence[str]) -> str:
    """`10*a - 8*b`; `0` when every coefficient is."""
    terms = [
        f"{'-' if coef < 0 else '+'} {abs(coef)!r}*{name}"
        for coef, name in zip(coefs, names, strict=True)
        if coef
    ]
    return " ".join(terms).removeprefix("+ ") or f"0*{names[0]}"


if __name__ == "__main__":
    main()
