"""A whole problem through the pipeline, with a scripted model and the real solver."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from opto.errors import InputError
from opto.llm.client import LM
from opto.llm.errors import Truncated, UnreachableServer
from opto.llm.scripted import Reply, Scripted
from opto.llm.structured import Unreadable
from opto.llm.types import Capabilities
from opto.modeling.agent import solve_problem
from opto.modeling.answer import Answer, Status
from opto.modeling.draft import Draft
from opto.modeling.guided.table import alternatives
from opto.modeling.pipelines.base import Formulated
from opto.modeling.pipelines.guided import Candidate, Guided, best
from opto.modeling.pipelines.registry import choose_pipeline
from opto.modeling.problem import Column, Problem, Table

TEXT = (
    "A bakery makes scones and tarts. A scone needs 20 grams of butter and 50 grams of flour and "
    "a tart needs 35 grams of butter and 40 grams of flour. The bakery has 900 grams of butter and "
    "1500 grams of flour. At least 30% of the pastries must be tarts. Each scone earns $2 and each "
    "tart earns $3. How many of each should be baked to maximize profit?"
)
SHARE = "At least 30% of the pastries must be tarts."
VARIABLES = "scone: number of scones\ntart: number of tarts"
TABLE = (
    "20 grams per scone\n50 grams per scone\n35 grams per tart\n40 grams per tart\n"
    "900 grams in total\n1500 grams in total\n2 profit per scone\n3 profit per tart"
)
SPOILED = TABLE.replace("1500 grams in total", "1500 grams")


def formulate(model: Scripted, text: str = TEXT) -> Formulated | Unreadable:
    return asyncio.run(Guided().formulate(Problem(text), LM(model)))


def draft_of(replies: Sequence[Reply], text: str = TEXT) -> Draft:
    model = Scripted(replies)
    formulated = formulate(model, text)
    model.assert_all_used()
    assert isinstance(formulated, Formulated)
    return formulated.draft


def solve(replies: Sequence[Reply], text: str = TEXT) -> Answer:
    answer = solve_problem(Problem(text), LM(Scripted(replies)), pipeline=Guided())
    return asyncio.run(answer)


def test_two_questions_are_enough_where_the_words_decide_the_rest() -> None:
    answer = solve([VARIABLES, TABLE])

    assert answer.status is Status.SOLVED
    assert answer.usage.calls == 2
    assert answer.objective == 82
    assert {c.variable: c.value for c in answer.choices()} == {"scone": 17, "tart": 16}
    assert answer.findings == ()
    assert answer.assumptions == ()


def test_limits_are_written_over_variables_with_their_words_and_a_telling_name() -> None:
    draft = draft_of([VARIABLES, TABLE])

    assert [(c.name, f"{c.lhs} {c.relation} {c.rhs}") for c in draft.constraints] == [
        ("butter_at_most", "20*scone + 35*tart <= 900"),
        ("flour_at_most", "50*scone + 40*tart <= 1500"),
        ("tart_at_least", "tart >= 0.3*(scone + tart)"),
    ]
    assert [c.quote for c in draft.constraints] == [
        "The bakery has 900 grams of butter and 1500 grams of flour",
        "The bakery has 900 grams of butter and 1500 grams of flour",
        "At least 30% of the pastries must be tarts",
    ]
    assert draft.constraints[2].meaning == "tart at least 0.3 of all"


def test_the_goal_carries_its_direction_its_words_and_its_unit() -> None:
    goal = draft_of([VARIABLES, TABLE]).objective

    assert (goal.sense, goal.expr, goal.unit) == ("max", "2*scone + 3*tart", "$")
    assert goal.quote == "How many of each should be baked to maximize profit?"


def test_every_question_has_a_grammar_and_the_front_is_the_same_for_every_problem() -> None:
    model = Scripted([VARIABLES, TABLE])
    other = Scripted(lambda request: "x" if len(model.asked) else "")

    formulate(model)
    formulate(other, "Minimize the cost of 3 apples and 4 pears at $5 each.")

    front = model.asked[0].messages[:-1]
    assert len(front) > 40
    assert other.asked[0].messages[:-1] == front
    assert model.asked[1].messages[: len(front)] == front
    assert all(request.grammar and request.temperature == 0 for request in model.asked)


def test_the_grammar_holds_the_numbers_so_that_none_is_lost() -> None:
    model = Scripted([VARIABLES, TABLE])

    formulate(model)

    assert model.asked[1].grammar == (
        'root ::= "20 " word " per scone" "\\n" "50 " word " per scone" "\\n" '
        '"35 " word role "\\n" "40 " word role "\\n" "900 " word " in total" "\\n" '
        '"1500 " word " in total" "\\n" "2 " word " per scone" "\\n" "3 " word role\n'
        'role ::= " per " var | " in total"\n'
        'var ::= "scone" | "tart"\n'
        "word ::= [a-z] [a-z_]{1,17}"
    )


def test_a_limit_the_words_leave_open_is_asked_as_a_choice_of_whole_answers() -> None:
    text = TEXT.replace(SHARE, "At least 12 must be chilled.")
    model = Scripted([VARIABLES, TABLE, "count >= 12"])

    formulated = formulate(model, text)

    assert isinstance(formulated, Formulated)
    assert model.asked[2].messages[-1].content == "Limit: At least [12] must be chilled."
    assert '| "count >= 12"' in (model.asked[2].grammar or "")
    assert formulated.draft.constraints[2].lhs == "scone + tart"


def test_none_says_that_a_place_states_no_limit() -> None:
    text = TEXT.replace(SHARE, "It was founded 80 years ago.")
    table = TABLE.replace("\n2 profit", "\n80 years in total\n2 profit")

    draft = draft_of([VARIABLES, table, "none"] * 3, text)

    assert [c.name for c in draft.constraints] == ["butter_at_most", "flour_at_most"]
    assert any("not said whether at least or at most" in a.text for a in draft.assumptions)


def test_of_each_gives_a_limit_for_every_variable() -> None:
    text = TEXT.replace(SHARE, "They must bake at least 6 of each type.")

    draft = draft_of([VARIABLES, TABLE], text)

    assert [(c.name, c.lhs, c.rhs) for c in draft.constraints[2:]] == [
        ("scone_at_least", "scone", "6"),
        ("tart_at_least", "tart", "6"),
    ]


@pytest.mark.parametrize(
    "lost",
    [
        [VARIABLES, SPOILED],
        [VARIABLES, TABLE.replace("20 grams", "21 grams")],
        [VARIABLES, TABLE.rpartition("\n")[0]],
        [VARIABLES, TABLE.replace("2 profit per scone", "2 profit per bun")],
        ["scone"],
        ["scone: number of scones"],
        [VARIABLES, Truncated("cut off")],
    ],
    ids=["role", "number", "short", "stranger", "no-meaning", "one-variable", "cut-off"],
)
def test_a_reply_of_the_wrong_form_costs_one_attempt_and_the_next_is_drawn(
    lost: list[Reply],
) -> None:
    model = Scripted([*lost, VARIABLES, TABLE])

    formulated = formulate(model)

    assert isinstance(formulated, Formulated)
    assert [request.sample for request in model.asked] == [*[0] * len(lost), 1, 1]
    assert model.asked[-1].temperature == 0.7


def test_no_readable_attempt_is_a_value_that_says_why() -> None:
    answer = formulate(Scripted([VARIABLES, SPOILED] * 3))

    assert isinstance(answer, Unreadable)
    assert answer.text == SPOILED
    assert answer.why == "'1500 grams' does not say what 1500 is"
    assert answer.attempts == 3


def test_a_server_that_is_gone_is_no_lost_attempt() -> None:
    with pytest.raises(UnreachableServer):
        formulate(Scripted([UnreachableServer("no connection")]))


def test_a_draft_with_doubts_is_tried_again_and_the_clean_one_taken() -> None:
    doubtful = TABLE.replace("3 profit per tart", "3 coins per tart")

    draft = draft_of([VARIABLES, doubtful, VARIABLES, TABLE])

    assert draft.objective.expr == "2*scone + 3*tart"
    assert draft.assumptions == []


def test_doubts_that_stay_are_told_to_the_user() -> None:
    doubtful = TABLE.replace("3 profit per tart", "3 coins per tart")

    draft = draft_of([VARIABLES, doubtful] * 3)

    assert [assumption.text for assumption in draft.assumptions] == [
        "profit, the goal, leaves out tart",
        "no limit and no goal uses coins",
    ]


def test_among_equally_doubtful_candidates_the_objective_most_agree_on_wins() -> None:
    draft = draft_of([VARIABLES, TABLE])
    other = draft.model_copy(update={"constraints": []})
    candidates = [Candidate(other, 2, 7.0), Candidate(draft, 2, 85.0), Candidate(draft, 2, 85.0)]

    assert best([*candidates, Candidate(other, 3, 7.0)]).draft is draft
    assert best([*candidates, Candidate(other, 1, None)]).draft is other


def test_tables_are_refused_with_the_pipelines_that_read_them() -> None:
    table = Table("bakes", (Column("pastry", ("scone", "tart")), Column("profit", ("2", "3"))))
    lm = LM(Scripted([]))

    with pytest.raises(InputError, match="not from tables") as caught:
        asyncio.run(Guided().formulate(Problem(TEXT, (table,)), lm))

    assert "orthought or standard" in caught.value.fix
    assert "bakes" in caught.value.where


def test_a_text_without_numbers_is_refused_before_any_call() -> None:
    with pytest.raises(InputError, match="it has none"):
        formulate(Scripted([]), "Bake scones and tarts so that profit is as high as possible.")


def test_a_model_that_takes_no_grammar_is_refused() -> None:
    model = Scripted([])
    model.capabilities = Capabilities(schema=True)

    with pytest.raises(InputError, match="does not take grammars") as caught:
        formulate(model)

    assert "--pipeline compact" in caught.value.fix


def test_local_models_get_guided_by_default() -> None:
    assert choose_pipeline(None, LM(Scripted([], name="llamacpp:small"))).name == "guided"
    assert choose_pipeline(None, LM(Scripted([], name="openai:large"))).name == "orthought"


def test_alternatives_are_literal() -> None:
    assert alternatives(["a >= 1", "none"]) == '"a >= 1" | "none"'
