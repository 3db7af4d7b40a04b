"""One try of one problem as a page of plain text: the verdict first, then what explains it.

Lives here: layout of `opto bench show` and of a line of `opto bench errors`.
Never here: reading runs or data sets, the transcript. Nothing is made safe for a terminal here: who
prints it does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from benchmarks.items import Item, ItemResult
from benchmarks.report.words import seconds
from benchmarks.scoring import MEANINGS, is_guess
from opto.display.text import amount, number
from solvers_bridge import Model
from solvers_bridge.render import render

_DECISIONS = 30
_WHY = 160


def verdict(record: ItemResult) -> str:
    """`right`, `wrong` or `no gold answer`."""
    return "right" if record.main else "wrong" if record.accepted else "no gold answer"


def one_line(record: ItemResult, *, samples: int) -> str:
    """The try in a list: `p1 sample 0  coefficient (a guess): 12.0 for 14 (optimal)`."""
    gold = " or ".join(record.accepted) or "no gold answer"
    name = f"{record.id} sample {record.sample}" if samples > 1 else record.id
    kind = "right" if record.main else record.error or "-"
    return f"{name}  {kind}{_doubt(record)}: {record.answer} for {gold} ({record.status})"


def reasons(record: ItemResult) -> Iterator[str]:
    """Why there is no answer, and what the checks say, each cut to a line."""
    for said in (record.why, *(f"{f['code']}: {f['message']}" for f in record.findings)):
        if said:
            yield " ".join(said.split())[:_WHY]


def one_page(
    record: ItemResult,
    answer: Mapping[str, Any] | None,
    item: Item | None,
    *,
    samples: int = 1,
) -> str:
    """The page.

    Args:
        record: What came of the try.
        answer: The last `solve.answer` of its transcript: model and solution; None where it did
            not come to a model.
        item: The problem, where its data is here.
        samples: Tries on each problem.
    """
    parts = [_head(record, samples)]
    if item is not None:
        parts.append(_section("Question", item.question.strip().splitlines()))
    if answer is not None and answer.get("model") is not None:
        parts.append(_section("Model", _model(answer["model"])))
        parts.append(_section("Solution", _solution(answer.get("solution") or [])))
    if item is not None and item.gold_model is not None:
        parts.append(_section("Gold model", gold_lines(item.gold_model)))
    return "\n\n".join(filter(None, parts))


def gold_lines(gold: Mapping[str, Any]) -> list[str]:
    """A gold model, in the matrix form of `Item.gold_model`, as lines for people."""
    names = [str(name) for name in gold["vars"]]
    offset = gold.get("offset") or 0
    shift = f" + {number(offset)}" if offset else ""
    lines = [f"{gold['sense']}imize  {_terms(gold['c'], names)}{shift}"]
    for row in gold["rows"]:
        relation = {"<=": "<", ">=": ">"}.get(row["op"], "=") if row.get("strict") else row["op"]
        lines.append(f"  {_terms(row['coef'], names)} {relation} {number(row['rhs'])}")
    domain = gold.get("domain")
    if isinstance(domain, str):
        lines.append(f"  all {domain}")
    elif domain:
        pairs = zip(names, domain, strict=False)
        lines.append("  " + ", ".join(f"{name} {kind}" for name, kind in pairs))
    return lines


def _head(record: ItemResult, samples: int) -> str:
    which = f", sample {record.sample} (of 0 to {samples - 1})" if samples > 1 else ""
    facts = [
        ("answer", "none" if record.answer is None else _value(record.answer)),
        ("accepted", " or ".join(record.accepted) or "nothing: the set has no answer"),
        ("status", record.status),
    ]
    if record.error:
        meaning = MEANINGS.get(record.error, "a class of another version")
        facts.append(("class", f"{record.error}{_doubt(record)}: {meaning}"))
    facts += [("because", said) for said in reasons(record)]
    tokens = record.tokens_in + record.tokens_out
    cost = "price unknown" if record.usd is None else f"{record.usd} USD"
    facts.append(
        (
            "took",
            f"{record.calls} model calls, {tokens} tokens, {cost}, {seconds(record.seconds)}; "
            f"pipeline {record.pipeline or 'unknown'}, {record.repairs} corrections",
        )
    )
    lines = [f"{record.id}{which}: {verdict(record)}"]
    return "\n".join([*lines, *(f"  {name:9} {said}" for name, said in facts)])


def _doubt(record: ItemResult) -> str:
    guess = is_guess(record.error, gold_model=record.declarations is not None)
    return " (a guess, without a gold model)" if guess else ""


def _section(title: str, lines: Iterable[str]) -> str:
    body = [f"  {line}".rstrip() for line in lines]
    return "\n".join([title, *body]) if body else ""


def _model(data: Any) -> list[str]:
    try:
        return render(Model.model_validate(data)).splitlines()
    except ValidationError:  # written by another version
        return ["(in a form of another version; --calls has it)"]


def _solution(chosen: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for one in chosen[:_DECISIONS]:
        key = ", ".join(str(part) for part in one["key"])
        name = f"{one['variable']}[{key}]" if key else one["variable"]
        lines.append(f"{name} = {amount(one['value'], one.get('unit'))}")
    if len(chosen) > _DECISIONS:
        lines.append(f"and {len(chosen) - _DECISIONS} more; --calls has all")
    return lines


def _terms(coefs: Sequence[float], names: Sequence[str]) -> str:
    """`3 chairs - tables`; `0` where there is no term."""
    text = ""
    for coef, name in zip(coefs, names, strict=True):
        if not coef:
            continue
        size = "" if abs(coef) == 1 else f"{number(abs(coef))} "
        sign = ("- " if coef < 0 else "+ ") if text else ("-" if coef < 0 else "")
        text += f"{' ' if text else ''}{sign}{size}{name}"
    return text or "0"


def _value(answer: float | str) -> str:
    return answer if isinstance(answer, str) else number(answer)
