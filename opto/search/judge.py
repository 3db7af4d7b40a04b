"""A model as the judge of outputs.

Lives here: `LLMJudge`.
Never here: SDKs, other prompts, retries (the model's client has them).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opto.search.errors import SearchError
from opto.search.guide import Score
from opto.search.task import Example, input_of, target_of

if TYPE_CHECKING:
    from opto.llm.client import LM


class JudgeError(SearchError):
    """The judge gave no verdict that can be used; the evaluation failed, it did not score 0."""

    code = "opto.search.judge"


@dataclass(slots=True)
class _Verdict:
    feedback: str
    score: float


class LLMJudge:
    """Scores outputs from 0 to 1 by a rubric. Its calls are charged like any other."""

    error_score = 0.0

    def __init__(self, lm: LM, rubric: str, *, repairs: int = 1) -> None:
        """Prepare a judge.

        Args:
            lm: Who judges.
            rubric: What makes an output good, in words.
            repairs: Further calls when a verdict cannot be read.
        """
        self.lm, self.rubric, self.repairs = lm, rubric, repairs

    def __call__(self, output: Any, example: Example) -> Score:
        """The verdict.

        Raises:
            JudgeError: It cannot be read, or is not within 0 and 1.
            ModelCallError: There was no answer.
        """
        from opto.llm.structured import Unreadable, ask_structured  # noqa: PLC0415  (loads pydantic)
        from opto.llm.types import Message, Request  # noqa: PLC0415
        from opto.prompts.render import render  # noqa: PLC0415

        target = target_of(example)
        turns = render(
            "judge",
            rubric=self.rubric,
            input=str(input_of(example)),
            target="(none given)" if target is None else str(target),
            output=str(output),
        )
        messages = tuple(Message(turn.role, turn.content) for turn in turns)  # type: ignore[arg-type]
        request = Request(messages=messages, temperature=0.0, purpose="judge")
        verdict = ask_structured(self.lm, request, _Verdict, repairs=self.repairs)
        if isinstance(verdict, Unreadable):
            raise JudgeError(f"The judge's answer is no verdict: {verdict.why}", where=self.lm.name)
        if not math.isfinite(verdict.score) or not 0 <= verdict.score <= 1:
            raise JudgeError(
                f"The judge gave {verdict.score}, which is not within 0 and 1.", where=self.lm.name
            )
        return Score(verdict.score, verdict.feedback)
