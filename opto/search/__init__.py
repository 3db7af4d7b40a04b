"""The search engine: candidates in, two expensive actions, everything charged, logged, resumable.

An algorithm is a deterministic generator that asks for evaluations and proposals and is told the
results in the order of its requests. See README.md beside this file.

The public surface is loaded on first use: `import opto.search` loads no numpy, SDK or database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opto.search.actions import Action as Action
    from opto.search.actions import Evaluate as Evaluate
    from opto.search.actions import Propose as Propose
    from opto.search.adapters import TextTask as TextTask
    from opto.search.algorithm import Algorithm as Algorithm
    from opto.search.algorithm import View as View
    from opto.search.budget import Budget as Budget
    from opto.search.budget import Left as Left
    from opto.search.budget import Meter as Meter
    from opto.search.budget import Reservation as Reservation
    from opto.search.candidate import Candidate as Candidate
    from opto.search.cost import Cost as Cost
    from opto.search.errors import StudyHalted as StudyHalted
    from opto.search.errors import StudyInterrupted as StudyInterrupted
    from opto.search.guide import Score as Score
    from opto.search.guide import contains as contains
    from opto.search.guide import exact_match as exact_match
    from opto.search.judge import LLMJudge as LLMJudge
    from opto.search.ledger import Ledger as Ledger
    from opto.search.program import ProgramTask as ProgramTask
    from opto.search.progress import Progress as Progress
    from opto.search.recorded import read_search as read_search
    from opto.search.result import Estimate as Estimate
    from opto.search.result import Result as Result
    from opto.search.results import ActionResult as ActionResult
    from opto.search.results import Outcome as Outcome
    from opto.search.results import Proposal as Proposal
    from opto.search.results import Rollout as Rollout
    from opto.search.rules import Rules as Rules
    from opto.search.streams import stream as stream
    from opto.search.study import Study as Study
    from opto.search.task import Task as Task

_EXPORTS = {
    "Action": "opto.search.actions",
    "ActionResult": "opto.search.results",
    "Algorithm": "opto.search.algorithm",
    "Budget": "opto.search.budget",
    "Candidate": "opto.search.candidate",
    "Cost": "opto.search.cost",
    "Evaluate": "opto.search.actions",
    "Ledger": "opto.search.ledger",
    "Left": "opto.search.budget",
    "Meter": "opto.search.budget",
    "Outcome": "opto.search.results",
    "Progress": "opto.search.progress",
    "Proposal": "opto.search.results",
    "Propose": "opto.search.actions",
    "Reservation": "opto.search.budget",
    "Rollout": "opto.search.results",
    "Task": "opto.search.task",
    "View": "opto.search.algorithm",
    "Estimate": "opto.search.result",
    "Result": "opto.search.result",
    "Rules": "opto.search.rules",
    "Study": "opto.search.study",
    "StudyHalted": "opto.search.errors",
    "StudyInterrupted": "opto.search.errors",
    "LLMJudge": "opto.search.judge",
    "Score": "opto.search.guide",
    "contains": "opto.search.guide",
    "exact_match": "opto.search.guide",
    "ProgramTask": "opto.search.program",
    "TextTask": "opto.search.adapters",
    "read_search": "opto.search.recorded",
    "stream": "opto.search.streams",
}

__all__ = [
    "Action",
    "ActionResult",
    "Algorithm",
    "Budget",
    "Candidate",
    "Cost",
    "Estimate",
    "Evaluate",
    "LLMJudge",
    "Ledger",
    "Left",
    "Meter",
    "Outcome",
    "ProgramTask",
    "Progress",
    "Proposal",
    "Propose",
    "Reservation",
    "Result",
    "Rollout",
    "Rules",
    "Score",
    "Study",
    "StudyHalted",
    "StudyInterrupted",
    "Task",
    "TextTask",
    "View",
    "contains",
    "exact_match",
    "read_search",
    "stream",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'opto.search' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
