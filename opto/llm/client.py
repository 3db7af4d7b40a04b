"""The model as users hold it: ask it from sync or async code, and see what it took.

Lives here: `LM`.
Never here: provider details, opening by name (`opto.llm.open`), parsing of answers.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from opto.llm.budget import Spent, Tally
from opto.llm.errors import InvalidRequest, ModelCallError, Refused, Truncated, UnexpectedTool
from opto.llm.loop import BACKGROUND
from opto.llm.recorded import Recorded
from opto.llm.secret import redact
from opto.llm.stream import LISTENER, AsyncStream, Listener, Stream
from opto.llm.types import Capabilities, Completion, Provider, Request


class LM:
    """A language model.

    All its calls run in one background event loop, whoever asks: a script, a thread, a notebook
    or async code. A whole answer is returned; one that was cut off or refused is an error.
    """

    def __init__(self, provider: Provider) -> None:
        """Hold a provider; `opto.llm.open_model` makes one from a name such as `openai:gpt-4.1`."""
        self._provider = provider if isinstance(provider, Recorded) else Recorded(provider)
        self._tally = Tally()
        self._sampled: dict[str, Any] = {}

    def metered(self) -> LM:
        """The same model with a count of its own, which also counts here: for one task of many."""
        part = LM(self._provider)
        part._tally = Tally(whole=self._tally)
        part._sampled = self._sampled
        return part

    def sampling(self, sample: int, *, temperature: float) -> LM:
        """The same model for one of several tries: every request as this sample, so warm.

        Args:
            sample: Number of the try; equal questions of different tries are different requests,
                to caches and recordings too.
            temperature: Takes the place of the requests' own.
        """
        part = LM(self._provider)
        part._tally = Tally(whole=self._tally)
        part._sampled = {"sample": sample, "temperature": temperature}
        return part

    @property
    def name(self) -> str:
        """The model spec, e.g. `openai:gpt-4.1`."""
        return self._provider.name

    @property
    def capabilities(self) -> Capabilities:
        """What the provider does by itself."""
        return self._provider.capabilities

    @property
    def usage(self) -> Spent:
        """Calls, tokens, seconds and dollars so far, failed calls included."""
        return self._tally.spent

    def complete(self, request: Request) -> Completion:
        """The answer to `request`.

        Raises:
            ModelCallError: There is no complete answer; the subclass says why.
        """
        return BACKGROUND.run(self._complete(request))

    async def acomplete(self, request: Request) -> Completion:
        """The answer to `request`, from async code; cancelling it cancels the call."""
        return await BACKGROUND.arun(self._complete(request))

    def ask(self, text: str, *, system: str = "", purpose: str = "ask") -> str:
        """The text of the answer to one message."""
        return self.complete(Request.of(text, system=system, purpose=purpose)).text

    async def aask(self, text: str, *, system: str = "", purpose: str = "ask") -> str:
        """The text of the answer to one message, from async code."""
        return (await self.acomplete(Request.of(text, system=system, purpose=purpose))).text

    def stream(self, asked: Request | str) -> Stream:
        """The answer piece by piece, while it is written: `for piece in lm.stream("...")`.

        A provider that cannot stream gives one piece. An answer that stops before its end is an
        error of the loop, never a short answer; a retry is made only before the first piece.
        """
        request = Request.of(asked, purpose="ask") if isinstance(asked, str) else asked
        return Stream(lambda listener: self._told(request, listener))

    def astream(self, asked: Request | str) -> AsyncStream:
        """The answer piece by piece, for `async for`; see `stream`."""
        request = Request.of(asked, purpose="ask") if isinstance(asked, str) else asked
        return AsyncStream(lambda listener: self._told(request, listener))

    async def _told(self, request: Request, listener: Listener) -> Completion:
        LISTENER.set(listener)  # ends with this task
        completion = await self._complete(request)
        listener.finish(completion)
        return completion

    async def _complete(self, request: Request) -> Completion:
        self._check(request)
        if self._sampled:
            request = replace(request, **self._sampled)
        try:
            completion = await self._provider.complete(request)
        except ModelCallError as error:
            self._tally.add(error.usage, failed=True)
            raise
        except asyncio.CancelledError:
            self._tally.add(None, failed=True)
            raise
        problem = _not_whole(completion, request)
        self._tally.add(completion.usage, failed=problem is not None)
        if problem is not None:
            raise problem
        return completion

    def _check(self, request: Request) -> None:
        """Refuse what the provider cannot do instead of ignoring it."""
        for asked, able, name in (
            (request.grammar, self.capabilities.grammar, "grammar"),
            (request.prefill, self.capabilities.prefill, "prefill"),
        ):
            if asked is not None and not able:
                raise InvalidRequest(
                    f"{self.name} does not take a {name}.",
                    where=request.purpose,
                    fix="Ask `LM.capabilities` first, or use a local model (llamacpp:).",
                )

    def close(self) -> None:
        """Let go of connections and processes; calling it twice is harmless."""
        BACKGROUND.run(self._provider.aclose())

    async def aclose(self) -> None:
        """Let go of connections and processes, from async code."""
        await asyncio.wrap_future(BACKGROUND.submit(self._provider.aclose()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"LM({self.name!r}: {self.usage})"


def _not_whole(completion: Completion, request: Request) -> ModelCallError | None:
    """The error for an answer that was cut off or refused."""
    if completion.finish == "length":
        return Truncated(
            f"The answer was cut off at {request.max_tokens} tokens.",
            where=request.purpose,
            fix="Raise max_tokens, or ask for a shorter answer.",
            completion=completion,
        )
    if completion.finish == "filter":
        said = redact(completion.text.strip())[:300]
        return Refused(
            "The model declined to answer." + (f" It said: {said}" if said else ""),
            where=request.purpose,
            fix="Say it in other words, or use another model.",
            completion=completion,
        )
    if completion.finish == "tool":
        return UnexpectedTool(
            "The model asked for a tool instead of answering; none was offered.",
            where=request.purpose,
            completion=completion,
        )
    return None
