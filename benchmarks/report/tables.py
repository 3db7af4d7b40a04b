"""A report or a comparison as tables of plain text, the same for every way of showing them.

Lives here: which tables there are, and their cells.
Never here: markup; cells are untrusted text, cut to a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.report.compare import Change, Comparison
from benchmarks.report.model import Group, Progress, Report, Row
from benchmarks.report.words import answer, golds, limits, line, percent, seconds, shares
from opto.display.text import number

_HEAD = ("right", "n", "share", "95 % interval")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; the first column names, the others count."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def report_tables(report: Report) -> list[Table]:
    """What there is to say about an evaluation; tables that would be empty are left out."""
    made = [_accuracy(report)]
    groups = (
        ("By kind", report.by_kind),
        ("By labels", report.by_labels),
        ("By overlap with other sets", report.by_overlap),
        ("By set", report.by_set),
    )
    made += [_group(title, parts) for title, parts in groups if parts]
    made += [_statuses(report), _errors(report), _findings(report), _samples(report), _cost(report)]
    return [table for table in made if table.rows]


def comparison_tables(found: Comparison) -> list[Table]:
    """Two evaluations side by side, and what changed."""
    rows = (("A", *shares(found.a)), ("B", *shares(found.b)))
    said = (
        f"A minus B: {100 * found.difference:+.1f} points, 95 % interval "
        f"{limits(found.interval)}. McNemar's exact test: p = {found.p:.3g} "
        f"({len(found.only_a)} only A right, {len(found.only_b)} only B, {found.both} both, "
        f"{found.neither} neither)."
    )
    if found.left_out:
        said += f" {found.left_out} problems that only one has are left out."
    if found.other_gold:
        said += f" {found.other_gold} whose accepted answers differ are left out."
    title = "Main verdict on shared problems"
    if max(found.tries) > 1:
        title = "Main verdict of the first try on shared problems"
        said += (
            f" A has up to {found.tries[0]} tries a problem, B up to {found.tries[1]}: only the "
            "first try counts here, while a report gives the mean of all tries."
        )
    for name, progress in zip("AB", found.progress, strict=True):
        if so_far := unfinished(progress):
            said += f" {name}: {so_far}."
    made = [Table(title, ("", *_HEAD), rows, said)]
    head = ("problem", "accepted", "A", "B", "error")
    for title, changes in (("Only A is right", found.only_a), ("Only B is right", found.only_b)):
        if changes:
            made.append(Table(title, head, tuple(map(_changed, changes))))
    return made


def problem_rows(rows: Sequence[Row], *, many_sets: bool) -> Iterator[tuple[str, ...]]:
    """One line per try, for the table of problems; see `PROBLEM_HEAD`."""
    for row in rows:
        name = f"{row.set}/{row.id}" if many_sets else row.id
        verdict = "right" if row.main else "no gold answer" if not row.accepted else "wrong"
        yield (
            line(name, 80),
            str(row.sample),
            verdict,
            answer(row.answer),
            golds(row.accepted),
            line(row.status, 40),
            line(row.error or "", 40),
            line(row.kind, 40),
            f"{row.seconds:.1f}",
            line("; ".join(filter(None, [row.why, ", ".join(row.findings)]))),
        )


PROBLEM_HEAD = (
    "problem", "try", "verdict", "answer", "accepted", "status", "error", "kind", "seconds", "why",
)  # fmt: skip


def headline(report: Report) -> str:
    """The one line to quote; it begins with what is missing where the run is not finished."""
    main = report.accuracy["main"]
    gold = f", {report.missing_gold} more without a gold answer" if report.missing_gold else ""
    so_far = unfinished(report.progress)
    begin = f"{so_far[0].upper()}{so_far[1:]}. So far: " if so_far else ""
    if main.value is None:
        return f"{begin}no problem has a gold answer ({report.problems} problems)"
    return (
        f"{begin}{percent(main.value)} right (95 % interval {limits(main.interval)}) "
        f"of {main.n} problems{gold}"
    )


def unfinished(progress: Progress | None) -> str:
    """`3 of 60 problems done; the run is not finished`; empty where it is, or nobody knows."""
    if progress is None or progress.finished:
        return ""
    planned, samples = progress.planned
    tries = f" ({progress.tries} of {planned * samples} tries)" if samples > 1 else ""
    return f"{progress.problems} of {planned} problems done{tries}; the run is not finished"


def _accuracy(report: Report) -> Table:
    rows = [(rule, *shares(share)) for rule, share in report.accuracy.items()]
    rows.append(("proved answer", *shares(report.executed)))
    if report.same_model is not None:
        rows.append(("same model", *shares(report.same_model)))
    if report.declarations is not None:
        right = report.declarations * report.declared
        cells = (number(right), number(report.declared), percent(report.declarations), "")
        rows.append(("declarations", *cells))
    said = [
        "main: within 1e-4, half a unit of the last printed digit, or 1e-6. strict: 1e-6. "
        "lenient: 5 % after rounding, only to compare with published tables."
    ]
    if report.missing_gold:
        said.append(f"{report.missing_gold} problems have no gold answer and are left out.")
    if report.undecided_models:
        said.append(f"{report.undecided_models} models could not be compared.")
    return Table("Accuracy", ("", *_HEAD), tuple(rows), " ".join(said))


def _group(title: str, groups: Sequence[Group]) -> Table:
    rows = tuple((line(group.name, 60), *shares(group.share)) for group in groups)
    return Table(title, ("", *_HEAD), rows)


def _statuses(report: Report) -> Table:
    golden = sorted({gold for _, gold in report.statuses})
    given = sorted({said for said, _ in report.statuses})
    rows = tuple(
        (line(said, 40), *(number(report.statuses.get((said, gold), 0)) for gold in golden))
        for said in given
    )
    return Table(
        "Status: answer (row) and gold answer (column)",
        ("", *(line(gold, 40) for gold in golden)),
        rows,
    )


def _errors(report: Report) -> Table:
    total = sum(report.errors.values())
    rows = tuple(
        (line(name, 40), number(n), percent(n / total)) for name, n in report.errors.items()
    )
    said = ""
    if report.guessed:
        said = (
            f"{report.guessed} of these {total} classes are a guess, from the answer and the "
            "checks: the problem has no gold model to compare with."
        )
    return Table("Errors", ("class", "tries", "of all wrong"), rows, said)


def _findings(report: Report) -> Table:
    rows = tuple(
        (line(code, 40), number(right), number(wrong), percent(wrong / (right + wrong)))
        for code, (right, wrong) in report.findings.items()
    )
    return Table("Findings of the checks", ("code", "right", "wrong", "share wrong"), rows)


def _samples(report: Report) -> Table:
    if report.samples is None:
        return Table("", (), ())
    voted = report.samples.voted
    rows = [(f"pass@{k}", percent(chance), "") for k, chance in report.samples.pass_at.items()]
    rows.append(("vote", percent(voted.value), limits(voted.interval)))
    return Table(
        "Several tries",
        ("", "share", "95 % interval"),
        tuple(rows),
        "pass@k: chance that one of k tries is right (unbiased, Chen et al. 2021). vote: the "
        "answer most tries agree on.",
    )


def _cost(report: Report) -> Table:
    cost = report.cost
    usd = "unknown" if cost.usd is None else f"{float(cost.usd):.4g}"
    if cost.usd is not None and cost.unpriced:
        usd += f" ({cost.unpriced} tries without a known price)"
    rows = (
        ("model calls", number(cost.calls)),
        ("tokens in", number(cost.tokens_in)),
        ("tokens out", number(cost.tokens_out)),
        ("US dollars", usd),
        ("seconds a try, median", seconds(cost.median_s)),
        ("seconds a try, 95th percentile", seconds(cost.p95_s)),
        ("seconds a try, longest", seconds(cost.longest_s)),
        ("seconds, sum of tries", seconds(cost.seconds)),
    )
    return Table("Cost", ("", "value"), rows)


def _changed(change: Change) -> tuple[str, ...]:
    a, b = change.a, change.b
    name = line(f"{change.set}/{change.id}", 80)
    error = line(a.error or b.error or "", 40)
    return name, golds(a.accepted), answer(a.answer), answer(b.answer), error
