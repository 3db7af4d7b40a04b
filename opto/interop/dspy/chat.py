"""A model of dspy as the callable that our proposers ask.

Lives here: `Chat`.
Never here: prompts, reading of replies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opto.interop.dspy.calls import Calls, is_hopeless
from opto.search.errors import StudyHalted


class Chat:
    """`Rewriter(Chat(dspy.LM("openai/gpt-4.1")))`: dspy's model writes the candidates."""

    def __init__(self, lm: Any) -> None:
        """Hold a `dspy.BaseLM`."""
        self.lm = lm

    def __call__(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> str:
        """The answer.

        Args:
            messages: Dicts with `role` and `content`; the model gets them as one text.
            temperature: Of this call; None leaves it to the model.
            seed: Which of several answers: dspy's cache gives the same for the same one.

        Raises:
            StudyHalted: There is no key, no credit or no model.
        """
        options: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
        if seed is not None and temperature != 0:
            options["rollout_id"] = seed
        text = "\n\n".join(message["content"] for message in messages)
        calls = Calls()
        with calls.watching([]):  # so that the calls are events of the run
            try:
                answers = self.lm(text, **options)
            except Exception as error:
                if is_hopeless(error):
                    raise StudyHalted(str(error)) from error
                raise
        first = answers[0] if answers else ""
        return str(first.get("text") or "") if isinstance(first, Mapping) else str(first)
