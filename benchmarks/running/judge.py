"""From what came of a problem to its record: verdicts, class of the error, comparison of models.

Lives here: `judged`, and what it needs to know (`Facts`).
Never here: the rules of comparison (`benchmarks.scoring`), calls of models.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from benchmarks.items import Item, ItemResult
from benchmarks.scoring import error_class, verdicts
from opto.llm.budget import Spent
from opto.modeling.answer import Answer
from solvers_bridge import Model, solve_model
from solvers_bridge.errors import BridgeError

_CLOSURE = {"<": "<=", ">": ">="}
_TEXT = 500
"""Characters of a reason or a message that the record keeps; the transcript has all of it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What came of one problem, before anybody looks at the accepted answers."""

    status: str
    """One of `benchmarks.items.STATUSES`."""
    pipeline: str
    why: str = ""
    value: float | str | None = None
    answer: Answer | None = None

    @property
    def model(self) -> Model | None:
        return self.answer.model if self.answer else None


def judged(item: Item, sample: int, facts: Facts, *, spent: Spent, seconds: float) -> ItemResult:
    """The record of one try.

    Args:
        item: The problem with its accepted answers.
        sample: Which try.
        facts: What came of it.
        spent: On model calls.
        seconds: Wall time.
    """
    right = verdicts(facts.value, item.accepted)
    findings = facts.answer.findings if facts.answer else ()
    result = ItemResult(
        id=item.id,
        set=item.set,
        sample=sample,
        accepted=item.accepted,
        status=facts.status,
        answer=facts.value,
        strict=right.strict,
        main=right.main,
        lenient=right.lenient,
        why=facts.why[:_TEXT],
        findings=tuple(
            {"code": f.code, "path": f.path, "message": f.message[:_TEXT]} for f in findings
        ),
        kind=item.kind,
        labels=item.labels,
        overlap=item.overlap,
        pipeline=facts.pipeline,
        repairs=facts.answer.repairs if facts.answer else 0,
        calls=spent.calls,
        tokens_in=spent.input_tokens,
        tokens_out=spent.output_tokens,
        usd=None if spent.usd is None else str(spent.usd),
        seconds=round(seconds, 3),
    )
    return _explained(item, result, facts)


def _explained(item: Item, result: ItemResult, facts: Facts) -> ItemResult:
    """The record with what a gold model, or a twin, says about it."""
    wrong = bool(item.accepted) and not result.main
    model = facts.model if wrong and isinstance(facts.value, float) else None
    twin, closed = (_twin(model), _closed(model)) if model else (None, None)
    if item.gold_model is None:
        return replace(result, error=error_class(result, twin=twin, closed=closed))
    from benchmarks.scoring import diff_model, same_model  # noqa: PLC0415  (a solver)

    diff = diff_model(facts.model, item.gold_model)
    same = same_model(facts.model, item.gold_model).same if facts.model else False
    error = error_class(result, diff=diff, twin=twin, closed=closed)
    return replace(result, declarations=diff.counts, same_model=same, error=error)


def _twin(model: Model) -> float | None:
    """Optimum with every variable whole; where all are, with none. None where there is none."""
    whole = all(variable.domain != "real" for variable in model.variables)
    domain = "real" if whole else "integer"
    variables = [variable.model_copy(update={"domain": domain}) for variable in model.variables]
    return _optimum(model.model_copy(update={"variables": variables}))


def _closed(model: Model) -> float | None:
    """Optimum with strict rows as their closure; None where there is no such row, or no optimum."""
    if not any(row.relation in _CLOSURE for row in model.constraints):
        return None
    rows = [
        row.model_copy(update={"relation": _CLOSURE.get(row.relation, row.relation)})
        for row in model.constraints
    ]
    return _optimum(model.model_copy(update={"constraints": rows}))


def _optimum(model: Model) -> float | None:
    with suppress(BridgeError):
        return solve_model(model, second=False).objective
    return None
