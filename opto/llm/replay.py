"""`replay:FILE`: the answers of a recorded run, in place of a model.

FILE holds events as `traces.export` writes them; those of kind `llm.call` are answers, and those of
kind `llm.error` are raised again. A request is found by what it asks, whoever answered it then.
Strict: what was not recorded is an error that shows the nearest recorded request. A question
recorded more than once gets its answers in their order, and the last one from then on.

Lives here: the lookup and the miss.
Never here: recording, the line format, any call of a model.
"""

from __future__ import annotations

import copy
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher, unified_diff
from pathlib import Path

from opto.errors import InputError
from opto.llm.errors import (
    AuthError,
    BadResponse,
    CircuitOpen,
    ContextTooLong,
    EmptyAnswer,
    InvalidRequest,
    ModelCallError,
    ModelTimeout,
    QuotaExhausted,
    RateLimited,
    ServerError,
    UnknownModel,
    UnreachableServer,
)
from opto.llm.recorded import CALL, ERROR
from opto.llm.types import Capabilities, Completion, OpenOptions, Request
from traces.errors import TraceError
from traces.events import Event
from traces.export import from_jsonl

_DIFF_LINES = 24
_DIFF_COLUMNS = 200
_COMPARED = 4000
"""Characters of a request that are compared to find the nearest one."""
_CANDIDATES = 200
_TYPES: dict[str, type[ModelCallError]] = {
    kind.code: kind
    for kind in (
        AuthError,
        BadResponse,
        CircuitOpen,
        ContextTooLong,
        EmptyAnswer,
        InvalidRequest,
        ModelTimeout,
        QuotaExhausted,
        RateLimited,
        ServerError,
        UnknownModel,
        UnreachableServer,
    )
}
"""Errors that a server was the cause of; the others arise again by themselves."""


class ReplayMiss(ModelCallError):  # noqa: N818  (the name says what happened)
    """The recording has no answer to this request."""

    code = "llm.replay_miss"


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded question with its answer."""

    question: str
    """`Request.key("")` of the question."""
    request: Request | None
    """None where the recording withholds its questions; they are then found by key alone."""
    completion: Completion | ModelCallError
    """The answer, or what the call ended with instead."""


class Replay:
    """A provider that knows only what was recorded. Safe for parallel calls."""

    def __init__(self, calls: Iterable[Call], *, name: str) -> None:
        """Take the recorded calls in their order."""
        self.name = name
        self._calls = tuple(calls)
        self._answers: defaultdict[str, list[Completion | ModelCallError]] = defaultdict(list)
        for call in self._calls:
            self._answers[call.question].append(call.completion)
        self._given: defaultdict[str, int] = defaultdict(int)
        self._lock = threading.Lock()
        asked = [call.request for call in self._calls if call.request is not None]
        withheld = len(asked) < len(self._calls)
        # what the recorded model was asked for, it could do
        self.capabilities = Capabilities(
            schema=True,
            seed=True,
            grammar=withheld or any(request.grammar is not None for request in asked),
            prefill=withheld or any(request.prefill is not None for request in asked),
        )

    async def complete(self, request: Request) -> Completion:
        """The recorded answer.

        Raises:
            ReplayMiss: There is none.
            ModelCallError: The recorded call failed, so.
        """
        key = request.key("")
        answers = self._answers.get(key)
        if not answers:
            raise self._miss(request)
        with self._lock:
            turn = self._given[key]
            self._given[key] += 1
        answer = answers[min(turn, len(answers) - 1)]
        if isinstance(answer, ModelCallError):
            raise copy.copy(answer)
        return answer

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _miss(self, request: Request) -> ReplayMiss:
        fix = "Record the run again with a model; or make the same request as then."
        if not self._calls:
            return ReplayMiss("The recording holds no model calls.", where=self.name, fix=fix)
        asked = [call.request for call in self._calls if call.request is not None]
        if not asked:
            return ReplayMiss(
                f"The recording has no answer to this request ({request.purpose or 'no purpose'}).",
                where=f"{self.name}, which withholds its questions",
                fix=fix,
            )
        near = nearest(request, asked)
        diff = difference(near, request)
        return ReplayMiss(
            f"The recording has no answer to this request ({request.purpose or 'no purpose'}).",
            where=f"{self.name}; the nearest recorded request differs so:\n{diff}",
            fix=fix,
        )


def open_provider(rest: str, options: OpenOptions) -> Replay:  # noqa: ARG001 - one signature for all
    """The provider for `replay:FILE`.

    Raises:
        InputError: FILE cannot be read, or is no recording.
    """
    try:
        events = from_jsonl(Path(rest).expanduser())
    except TraceError as fault:
        raise InputError(fault.what, where=fault.where, fix=fault.fix) from fault
    return Replay(calls_of(events, where=rest), name=f"replay:{rest}")


def calls_of(events: Iterable[Event], *, where: str) -> list[Call]:
    """The model calls among `events`.

    Raises:
        InputError: An event calls itself a model call and is none.
    """
    calls: list[Call] = []
    for event in events:
        failed = event.kind == ERROR
        if event.kind != CALL and not (failed and event.data.get("code") in _TYPES):
            continue
        try:
            completion = _failure(event) if failed else _answer(event)
            if "question" in event.data:
                calls.append(Call(str(event.data["question"]), None, completion))
                continue
            request = Request.from_json(event.data["request"])  # type: ignore[arg-type]
            question = request.key("")
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as fault:
            raise InputError(
                f"Event {event.seq} is not a model call this version can read: {fault!r}.",
                where=where,
                fix="Record it again.",
            ) from fault
        calls.append(Call(question, request, completion))
    return calls


def _answer(event: Event) -> Completion:
    return Completion.from_json(event.data["completion"])  # type: ignore[arg-type]


def _failure(event: Event) -> ModelCallError:
    """The recorded error; its message was redacted when it was recorded."""
    what, _, rest = str(event.data["message"]).partition("\n")
    error = _TYPES[str(event.data["code"])](what, where=rest)
    error.attempts = int(event.data.get("attempts", 1))  # type: ignore[arg-type]
    return error


def withhold_questions(events: Iterable[Event]) -> Iterator[Event]:
    """The model calls among `events` with each question replaced by its key.

    Such a recording can be passed on where the questions may not be; it still answers them.
    """
    for event in events:
        if event.kind == CALL:
            request = Request.from_json(event.data["request"])  # type: ignore[arg-type]
            kept = {name: event.data[name] for name in ("model", "completion")}
            yield replace(event, data={"question": request.key(""), **kept})


def nearest(request: Request, recorded: Sequence[Request]) -> Request:
    """The recorded request most like `request`; those with its purpose come first."""
    same = [other for other in recorded if other.purpose == request.purpose]
    wanted = _text(request)[-_COMPARED:]
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)

    def likeness(other: Request) -> float:
        matcher.set_seq1(_text(other)[-_COMPARED:])
        return matcher.quick_ratio()

    return max((same or recorded)[-_CANDIDATES:], key=likeness)


def difference(recorded: Request, request: Request) -> str:
    """A short line diff, recorded (-) against asked (+)."""
    before, after = _text(recorded).splitlines(), _text(request).splitlines()
    lines = unified_diff(before, after, "recorded", "asked", n=1, lineterm="")
    shown = [line if len(line) <= _DIFF_COLUMNS else line[:_DIFF_COLUMNS] + "…" for line in lines]
    if len(shown) > _DIFF_LINES:
        shown = [*shown[:_DIFF_LINES], f"... {len(shown) - _DIFF_LINES} more lines"]
    return "\n".join(shown)


def _text(request: Request) -> str:
    """The request as readable lines, without what its key ignores."""
    data = request.to_json()
    del data["purpose"]
    messages = data.pop("messages")
    settings = json.dumps({k: v for k, v in data.items() if v is not None}, indent=1)
    turns = [f"{turn['role']}:\n{turn['content']}" for turn in messages]
    return "\n".join([*turns, settings])
