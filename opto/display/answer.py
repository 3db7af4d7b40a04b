"""An answer as a person reads it in the terminal.

Lives here: the layout of `opto solve`. Never here: exit codes, JSON, facts of its own.
"""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from opto.display.text import amount, number, plain
from opto.modeling.answer import Answer, Chosen, Status
from solvers_bridge.render import render
from solvers_bridge.verify import TOLERANCE

_SHOWN_ROWS = 60
"""Most decisions printed; `--json` has them all."""

_HEADLINE = {
    Status.SOLVED: ("green", "Solved"),
    Status.INFEASIBLE: ("yellow", "Infeasible: no choice satisfies all rules"),
    Status.UNBOUNDED: ("yellow", "Unbounded: the objective can be made as good as one likes"),
    Status.NOT_SOLVED: ("red", "Not solved"),
}


_PROOF = {
    "proved": "proved by an exact bound",
    "within gap": "within the gap the solver reports",
    "not shown": "not shown",
}


def show(answer: Answer, console: Console) -> None:
    """Print model, solution, certificate, assumptions and cost of `answer`."""
    if answer.model is not None:
        _heading(console, "Model")
        console.print(escape(plain(render(answer.model))), soft_wrap=True)
    color, words = _HEADLINE[answer.status]
    _heading(console, "Answer")
    console.print(f"[bold {color}]{words}[/]")
    if answer.why:
        console.print(escape(plain(answer.why)), soft_wrap=True)
    _solution(answer, console)
    _certificate(answer, console)
    _doubts(answer, console)
    _cost(answer, console)


def _heading(console: Console, title: str) -> None:
    console.print(f"\n[bold]{title}[/]")


def _solution(answer: Answer, console: Console) -> None:
    if answer.objective is None or answer.model is None:
        return
    objective = answer.model.objective
    if objective.sense != "satisfy":
        best = "smallest" if objective.sense == "min" else "greatest"
        label = plain(objective.meaning) or "objective"
        if answer.status is not Status.SOLVED:
            best = "best found"
        console.print(
            f"{best} {escape(label)}: [bold]{escape(amount(answer.objective, objective.unit))}[/]"
        )
    choices = answer.choices()
    shown = [choice for choice in choices if choice.value or len(choices) <= _SHOWN_ROWS]
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for choice in shown[:_SHOWN_ROWS]:
        table.add_row(
            escape(_name(choice)),
            escape(amount(choice.value, choice.unit)),
            f"[dim]{escape(plain(choice.meaning))}[/]",
        )
    console.print(table)
    if left := len(choices) - min(len(shown), _SHOWN_ROWS):
        console.print(f"[dim]and {left} more decisions, zero or not shown; --json lists all[/]")


def _name(choice: Chosen) -> str:
    keys = ", ".join(str(key) for key in choice.key)
    return plain(f"{choice.variable}[{keys}]" if keys else choice.variable)


def _certificate(answer: Answer, console: Console) -> None:
    solved = answer.attempt.solved if answer.attempt else None
    if solved is None:
        return
    _heading(console, "Certificate")
    outcome, certificate = solved.outcome, solved.certificate
    console.print(f"{outcome.engine}: {escape(plain(outcome.raw_status))}")
    if answer.objective is not None:
        tolerance = f"within {TOLERANCE:g}, checked in exact arithmetic"
        feasible = f"feasible {tolerance}" if certificate.feasible else "NOT feasible"
        console.print(f"[bold]{feasible}; optimality {_PROOF[certificate.optimal]}[/]")
    for check in certificate.how if answer.objective is not None else ():
        mark = "[green]✓[/]" if check.passed else "[red]✗[/]"
        console.print(f"{mark} {escape(plain(check.name))}: {escape(plain(check.note))}")
    opinion = solved.opinion
    mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]·[/]"}[opinion.agrees]
    console.print(f"{mark} second solver: {escape(plain(opinion.note))}")


def _doubts(answer: Answer, console: Console) -> None:
    if answer.assumptions:
        _heading(console, "Assumptions")
        for assumption in answer.assumptions:
            others = "; ".join(assumption.alternatives)
            tail = f" (or: {others})" if others else ""
            console.print(f"- {escape(plain(assumption.text + tail))}", soft_wrap=True)
    warnings = [f for f in answer.findings if f.code not in {"infeasible", "unbounded"}]
    if warnings:
        _heading(console, "Please check")
        for finding in warnings:
            where = f"{finding.path}: " if finding.path else ""
            console.print(f"- {escape(plain(where + finding.message))}", soft_wrap=True)


def _cost(answer: Answer, console: Console) -> None:
    usage = answer.usage
    price = "price unknown" if usage.usd is None else f"{number(float(usage.usd))} USD"
    repairs = f", {answer.repairs} corrections taken" if answer.repairs else ""
    run = f" · run {answer.run}" if answer.run else ""
    calls = "1 model call" if usage.calls == 1 else f"{usage.calls} model calls"
    console.print(
        f"\n[dim]{calls} ({answer.pipeline}{repairs}), "
        f"{usage.input_tokens:,} + {usage.output_tokens:,} tokens, {usage.seconds:.1f} s, "
        f"{price}{escape(run)}[/]"
    )
