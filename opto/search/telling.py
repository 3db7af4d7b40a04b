"""Results that a user's own loop tells, as the engine keeps them.

Lives here: `told_result`.
Never here: running.
"""

from __future__ import annotations

from typing import Any

from opto.search.actions import Evaluate
from opto.search.batch import Ticket
from opto.search.carry_out import checked, rollout
from opto.search.cost import Cost
from opto.search.errors import SearchError
from opto.search.results import ActionResult, Rollout
from opto.search.task import Task


def told_result(ticket: Ticket, result: Any, task: Task) -> ActionResult:
    """What the user told of an action.

    Raises:
        SearchError: It does not answer the action.
    """
    action = ticket.action
    if isinstance(action, Evaluate):
        if isinstance(result, Rollout):
            asked = (action.candidate.id, action.example, action.split, action.rep)
            if asked != (result.candidate, result.example, result.split, result.rep):
                raise SearchError(f"{result} does not answer {action}.")
            return result
        return rollout(action, result, Cost(metric=1))
    return checked(result, task, ticket.parents)
