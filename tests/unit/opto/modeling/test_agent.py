"""The loop from words to an answer, with a scripted model and the real solver."""

from __future__ import annotations

import asyncio
import json

import pytest
from drafts import GOOD, HOURS, MINIMUM, TEXT, constraint, draft, variable

from opto.llm.client import LM
from opto.llm.scripted import Scripted
from opto.llm.types import Request
from opto.modeling.agent import NotAModelError, SolveOptions, solve_problem
from opto.modeling.answer import Answer, Status
from opto.modeling.draft import Draft, DraftConstraint
from opto.modeling.pipelines.orthought import Orthought
from opto.modeling.pipelines.standard import Standard
from opto.modeling.problem import Problem


def solve(model: Scripted, *, repairs: int = 3, text: str = TEXT) -> Answer:
    answer = solve_problem(
        Problem(text), LM(model), pipeline=Standard(), options=SolveOptions(repairs=repairs)
    )
    return asyncio.run(answer)


def edit(action: str, item: DraftConstraint | None) -> str:
    data = None if item is None else item.model_dump()
    return json.dumps({"why": "the words say so", "action": action, "item": data})


def stubborn(same: Draft) -> Scripted:
    """A model that gives one draft and never changes its mind."""
    whole = same.model_dump_json()

    def reply(request: Request) -> str:
        if request.purpose != "repair":
            return whole
        if "action" in json.dumps(request.schema):
            return edit("keep", None)
        return json.dumps({"why": "it is right", "model": None})

    return Scripted(reply)


def test_a_good_draft_is_solved_and_checked_with_one_call() -> None:
    model = Scripted([GOOD.model_dump_json()])

    answer = solve(model)

    assert answer.status is Status.SOLVED
    assert answer.objective == 156
    assert {c.variable: c.value for c in answer.choices()} == {"chairs": 12, "tables": 12}
    assert answer.findings == ()
    assert answer.usage.calls == 1


def test_orthought_understands_before_it_builds() -> None:
    model = Scripted(["Objective: profit ...", GOOD.model_dump_json()])

    answer = asyncio.run(solve_problem(Problem(TEXT), LM(model), pipeline=Orthought()))

    assert answer.status is Status.SOLVED
    assert [request.purpose for request in model.asked] == ["understand", "formulate"]
    assert model.asked[1].messages[-2].content == "Objective: profit ..."


def test_a_relation_the_wrong_way_round_is_found_and_corrected() -> None:
    wrong = MINIMUM.model_copy(update={"relation": "<="})
    model = Scripted([draft(HOURS, wrong).model_dump_json(), edit("replace", MINIMUM)])

    answer = solve(model)

    assert answer.objective == 156
    assert answer.repairs == 1
    assert "constraints[1]" in model.asked[1].messages[-1].content
    assert 'reads as "at least"' in model.asked[1].messages[-1].content


def test_an_unknown_name_is_an_error_that_is_repaired_in_place() -> None:
    misspelt = HOURS.model_copy(update={"lhs": "2*chair + 3*tables"})
    model = Scripted([draft(misspelt, MINIMUM).model_dump_json(), edit("replace", HOURS)])

    answer = solve(model)

    assert answer.status is Status.SOLVED
    assert 'did you mean "chairs"?' in model.asked[1].messages[-1].content


def test_a_repair_that_adds_findings_is_not_taken() -> None:
    wrong = MINIMUM.model_copy(update={"relation": "<="})
    worse = constraint("no such words", "chair", "<=", "11", name="minimum")
    model = Scripted([draft(HOURS, wrong).model_dump_json(), edit("replace", worse)])

    answer = solve(model, repairs=1)

    assert answer.repairs == 0
    assert answer.model is not None
    assert answer.model.constraints[1].relation == "<="
    assert [finding.code for finding in answer.findings] == ["direction"]


def test_a_model_that_stays_wrong_ends_as_not_solved_after_three_repairs() -> None:
    broken = HOURS.model_copy(update={"lhs": "2*chair + 3*tables"})
    model = Scripted([draft(broken, MINIMUM).model_dump_json(), *[edit("keep", None)] * 3])

    answer = solve(model)

    assert answer.status is Status.NOT_SOLVED
    assert 'constraints[0].lhs: unknown name "chair"' in answer.why.replace("variable", "name")


def test_infeasible_rules_are_named_with_their_quotes() -> None:
    many = constraint("At least 10 chairs must be made", "chairs", ">=", "40", name="many")

    answer = solve(stubborn(draft(HOURS, many)))

    assert answer.status is Status.INFEASIBLE
    assert 'many ("At least 10 chairs must be made")' in answer.why
    assert 'hours ("at most 60 hours are available")' in answer.why


def test_an_unbounded_model_says_what_grows() -> None:
    text = "A shop sells chairs and tables. Make at least 10 chairs. Maximize profit."
    loose = draft(MINIMUM, expr="chairs + tables")

    answer = solve(stubborn(loose), text=text)

    assert answer.status is Status.UNBOUNDED
    assert "nothing limits" in answer.why.lower()


@pytest.mark.parametrize(
    "reply",
    ["I am sorry, what a lovely problem!", '{"sets": [], "param', '{"x": 1}', "[1, 2]"],
    ids=["prose", "truncated", "wrong-schema", "list"],
)
def test_an_answer_that_is_no_model_is_asked_for_once_more_and_then_explained(reply: str) -> None:
    model = Scripted([reply, reply])

    with pytest.raises(NotAModelError, match="cannot be read as an optimization model") as caught:
        solve(model)

    assert caught.value.exit_code == 4
    assert caught.value.fix
    assert len(model.asked) == 2


def test_the_answer_as_json_holds_everything_printed() -> None:
    answer = solve(Scripted([GOOD.model_dump_json()]))

    data = json.loads(json.dumps(answer.to_json()))

    assert data["status"] == "solved"
    assert data["objective"] == 156
    assert data["solution"][0] == {"variable": "chairs", "key": [], "value": 12, "unit": "chairs"}
    assert data["certificate"]["feasible"] is True
    assert data["usage"]["calls"] == 1
    assert Draft.model_validate(GOOD.model_dump()) == GOOD


def test_a_strict_rule_over_divisible_things_makes_the_value_a_limit() -> None:
    text = "Blend wine, in litres, from grapes. Use less than 10 litres. Maximize the wine."
    litres = variable("wine").model_copy(update={"domain": "real"})
    less = constraint("less than 10 litres", "wine", "<", "10", name="less")
    model = draft(less, expr="wine").model_copy(update={"variables": [litres]})

    answer = solve(stubborn(model), text=text)

    assert answer.status is Status.SOLVED
    assert answer.objective == 10
    assert "limit" in answer.why


def test_strict_rules_that_only_hold_with_equality_are_named() -> None:
    text = "Blend wine, in litres. Use less than 10 and more than 10 litres. Maximize the wine."
    litres = variable("wine").model_copy(update={"domain": "real"})
    less = constraint("less than 10", "wine", "<", "10", name="less")
    more = constraint("more than 10 litres", "wine", ">", "10", name="more")
    model = draft(less, more, expr="wine").model_copy(update={"variables": [litres]})

    answer = solve(stubborn(model), text=text)

    assert answer.status is Status.INFEASIBLE
    assert 'less ("less than 10"); more ("more than 10 litres")' in answer.why
