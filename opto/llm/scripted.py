"""A model that says what it was told to say: for tests, tutorials and runs without a key.

Lives here: the strict fake.
Never here: matching rules, randomness, I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from opto.llm.errors import ModelCallError
from opto.llm.types import Capabilities, Completion, Request, Usage

Reply = str | Completion | ModelCallError


class Scripted:
    """Answers from a list in its order, or from a function; anything else is an AssertionError.

    `asked` keeps the requests in the order they came.
    """

    capabilities = Capabilities(schema=True, grammar=True, prefill=True, seed=True)

    def __init__(
        self, replies: Sequence[Reply] | Callable[[Request], Reply], *, name: str = "scripted:"
    ) -> None:
        """Script a model.

        Args:
            replies: The answers in order, or a function that gives the answer to a request. A
                string is a finished answer; an error is raised instead of answering.
            name: What `Provider.name` shall say.
        """
        self.name = name
        self.asked: list[Request] = []
        self._replies: Sequence[Reply] | Callable[[Request], Reply] = (
            replies if callable(replies) else tuple(replies)
        )

    async def complete(self, request: Request) -> Completion:
        number = len(self.asked)
        self.asked.append(request)
        if callable(self._replies):
            reply = self._replies(request)
        elif number < len(self._replies):
            reply = self._replies[number]
        else:
            raise AssertionError(f"call {number + 1} is not scripted: {request.messages[-1]!r}")
        if isinstance(reply, ModelCallError):
            raise reply
        if isinstance(reply, Completion):
            return reply
        return Completion(text=reply, model=self.name, usage=Usage(usd=Decimal(0)))

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def assert_all_used(self) -> None:
        """Fail when answers of the script were never asked for."""
        if not callable(self._replies) and len(self.asked) < len(self._replies):
            raise AssertionError(
                f"{len(self._replies) - len(self.asked)} scripted answers were not asked for"
            )
