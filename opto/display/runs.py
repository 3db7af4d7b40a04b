"""Recorded runs in a list: what each is, how it stands, one line about it.

Lives here: `Described`, and the page of one solve.
Never here: SQL, the layout of searches (`opto.display.search_result`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from opto.display.text import number, plain
from opto.search.cost import Cost
from opto.search.journal import END
from opto.search.recorded import asked_of, score_in
from solvers_bridge.ir.model import Model
from solvers_bridge.render import render
from traces.read import RunInfo, events
from traces.store.sqlite import Store

SOLVE, ANSWER, BENCH = "solve.begin", "solve.answer", "bench.spec"
_WORDS = 60
_DECISIONS = 30


@dataclass(frozen=True, slots=True)
class Described:
    """One line of a list of runs."""

    info: RunInfo
    kind: str
    """`solve`, `search`, `bench`, or the kind of the first event where nobody here knows it."""
    state: str
    """`finished`, `running`, `interrupted`; empty where nobody here can tell."""
    summary: str

    def to_json(self) -> dict[str, Any]:
        return {
            "run": self.info.run,
            "kind": self.kind,
            "state": self.state,
            "events": self.info.events,
            "first_at": self.info.first_at,
            "last_at": self.info.last_at,
            "summary": self.summary,
        }

    def __str__(self) -> str:
        when = self.info.first_at[:16].replace("T", " ")
        head = f"{self.info.run:<22} {when}  {self.kind:<7} {self.state:<11} "
        return plain(head + self.summary).rstrip()


def describe(store: Store, info: RunInfo) -> Described:
    """What a run is; reads only a few of its events."""
    kind = kind_of(info)
    if kind == "search":
        over, summary = _search_line(store, info)
    elif kind == "solve":
        over, summary = _solve_line(store, info)
    elif kind == "bench":
        over, summary = _bench_line(store, info)
    else:
        return Described(info, kind, "running" if info.writer else "", f"{info.events} events")
    state = "finished" if over else "running" if info.writer else "interrupted"
    return Described(info, kind, state, summary)


def kind_of(info: RunInfo) -> str:
    """`solve`, `search`, `bench`, or the kind of the first event."""
    if info.first_kind in (SOLVE, BENCH):
        return "solve" if info.first_kind == SOLVE else "bench"
    return "search" if info.first_kind.startswith("opt.") else info.first_kind


def _search_line(store: Store, info: RunInfo) -> tuple[bool, str]:
    asked = asked_of(store, info.run)
    name = asked.spec.get("algorithm", {}).get("name", "")
    if not asked.ended:
        return False, f"{name}, {info.events} events".lstrip(", ")
    end = next(event.data for event in events(store, info.run, kind=END))
    cost = Cost.from_json(_mapping(end["cost"]))
    return True, f"{score_in(end)} with {name}, {cost}"


def _solve_line(store: Store, info: RunInfo) -> tuple[bool, str]:
    begin, answer = _solve(store, info.run)
    words = " ".join(str(begin.get("problem", "")).split())
    short = words if len(words) <= _WORDS else f"{words[:_WORDS]}..."
    if answer is None:
        return False, short
    value = answer.get("objective")
    found = f" {number(value)}" if isinstance(value, int | float) else ""
    return True, f"{answer.get('status')}{found}: {short}"


def _bench_line(store: Store, info: RunInfo) -> tuple[bool, str]:
    """An evaluation, from what it was asked for; `opto bench` knows the rest."""
    asked: Mapping[str, Any] = next(events(store, info.run, kind=BENCH)).data
    over = next(events(store, info.run, kind=END), None) is not None
    about = f"{asked.get('problems')} problems of {asked.get('set')}, {asked.get('model')}"
    return over, f"{about}: opto bench report {info.run}"


def _solve(store: Store, run: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    begin = next((dict(e.data) for e in events(store, run, kind=SOLVE)), {})
    answers = [dict(e.data) for e in events(store, run, kind=ANSWER)]
    return begin, answers[-1] if answers else None


def show_solve(store: Store, run: str, console: Console) -> None:
    """Print problem, model, answer and cost of a solve."""
    begin, answer = _solve(store, run)
    _part(console, "Problem", str(begin.get("problem", "")))
    console.print(Text(f"\nasked: {plain(str(begin.get('model')))}", style="dim"))
    if answer is None:
        console.print("It did not come to an answer.")
        return
    if answer.get("model") is not None:
        _part(console, "Model", _formulas(answer["model"]))
    lines = [f"{answer['status']} {answer['why']}".strip()]
    if isinstance(answer.get("objective"), int | float):
        lines.append(f"objective {number(answer['objective'])}")
    solution = answer["solution"]
    lines += [f"  {_decision(choice)}" for choice in solution[:_DECISIONS]]
    if len(solution) > _DECISIONS:
        lines.append(f"  and {len(solution) - _DECISIONS} more; --json has all")
    _part(console, "Answer", "\n".join(lines))
    usage = answer["usage"]
    tokens = usage.get("input_tokens", 0) + usage.get("output_tokens", 0)
    dollars = "price unknown" if usage.get("usd") is None else f"{usage['usd']} USD"
    console.print(Text(f"\ncost: {usage.get('calls', 0)} model calls, {tokens} tokens, {dollars}"))


def solve_json(store: Store, run: str) -> dict[str, Any]:
    """The same as data."""
    begin, answer = _solve(store, run)
    return {"run": run, **begin, "answer": answer}


def show_unknown(store: Store, run: str, console: Console) -> None:
    """Print what a run of another kind holds."""
    counts = Counter(event.kind for event in events(store, run))
    for kind, count in counts.items():
        console.print(Text(f"{count:>6}  {plain(kind)}"))


def event_words(kind: str, data: Mapping[str, Any]) -> str:
    """An event as a person reads it: a call as a conversation, the rest as indented JSON."""
    if kind != "llm.call":
        return json.dumps(data, indent=1, ensure_ascii=False)
    turns = [f"[{m['role']}]\n{m['content']}" for m in data["request"]["messages"]]
    answer = data["completion"]
    return "\n".join([*turns, f"[answer, {answer['finish']}]\n{answer['text']}"])


def _formulas(model: Any) -> str:
    try:
        return render(Model.model_validate(model))
    except ValidationError:  # written by another version
        return "(in a form of another version; --events has it)"


def _decision(choice: Mapping[str, Any]) -> str:
    key = ", ".join(str(part) for part in choice["key"])
    unit = f" {choice['unit']}" if choice.get("unit") else ""
    return f"{choice['variable']}{f'[{key}]' if key else ''} = {number(choice['value'])}{unit}"


def _part(console: Console, title: str, text: str) -> None:
    console.print(Text(f"\n{title}", style="bold"))
    console.print(Text(plain(text)), soft_wrap=True)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
