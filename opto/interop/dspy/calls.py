"""Counting what a program's model calls take, whichever of dspy's clients makes them.

dspy tells a usage tracker what each answered call took, and callbacks which calls began and ended;
an answer from dspy's own cache is not told to the tracker, and costs nothing. Both go along into
the threads that dspy starts.

Lives here: `Calls`, and the events of calls that `opto.llm` does not see.
Never here: making calls, budgets.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import dspy
from dspy.utils.callback import ACTIVE_CALL_ID, BaseCallback
from dspy.utils.usage_tracker import UsageTracker

from opto.llm.prices import price_usd
from opto.llm.recorded import CALL, ERROR
from opto.llm.secret import redact
from opto.llm.types import Completion, Message, Request, Usage
from opto.search.cost import NOTHING, Cost
from traces.record import Recorder, current

_HOPELESS = (dspy.LMAuthError, dspy.LMBillingError, dspy.LMConfigurationError)
_NO_MODEL = "No LM is loaded"
"""How the ValueError begins that dspy raises where no model is configured."""
_VENDORS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "gemini": "https://generativelanguage.googleapis.com",
    "groq": "https://api.groq.com",
    "mistral": "https://api.mistral.ai",
    "deepseek": "https://api.deepseek.com",
}
"""Where the vendors that dspy's model names start with are, for the price tables."""


class Calls(UsageTracker):  # type: ignore[misc]  # dspy has no types
    """The model calls of one piece of work, in all threads that dspy starts for it."""

    def __init__(self) -> None:
        super().__init__()
        self._outer: UsageTracker | None = dspy.settings.usage_tracker
        self.recorder: Recorder | None = current()
        """Where the events of the work go; dspy's threads do not know it."""
        self._lock = threading.Lock()
        self._told: dict[str, Usage] = {}
        self._cost = NOTHING

    @property
    def cost(self) -> Cost:
        """All calls that have ended."""
        with self._lock:
            return self._cost

    @contextmanager
    def watching(self, trace: list[Any], **settings: Any) -> Iterator[None]:
        """Count in this block, and let dspy write its trace into `trace`."""
        heard = [*dspy.settings.callbacks, _Listener(self)]
        with dspy.context(usage_tracker=self, callbacks=heard, trace=trace, **settings):
            yield

    def add_usage(self, lm: str, usage_entry: dict[str, Any]) -> None:
        """Called by dspy for every answer that is not from its cache."""
        if self._outer is not None:
            self._outer.add_usage(lm, usage_entry)
        usage = Usage(
            input_tokens=_count(usage_entry, "prompt_tokens", "input_tokens"),
            output_tokens=_count(usage_entry, "completion_tokens", "output_tokens"),
        )
        with self._lock:
            self._told.setdefault(str(ACTIVE_CALL_ID.get()), usage)

    def paid(self, usage: Usage) -> None:
        """Called by `OptoLM`, which knows more than it can tell dspy: the price above all."""
        with self._lock:
            call = str(ACTIVE_CALL_ID.get())
            before = self._told.get(call)
            self._told[call] = usage if before is None else before.plus(usage)

    def ended(
        self, call: str, lm: Any, inputs: Mapping[str, Any], answers: Any, error: Any
    ) -> None:
        """One call came back, with answers or with an error."""
        own = getattr(lm, "is_opto", False)  # recorded and priced where it is made
        aware = dspy.settings.usage_tracker is self  # else the program counts for itself in here
        with self._lock:
            usage = self._told.pop(call, None)
            if usage is None and error is None and aware and getattr(lm, "cache", False):
                return
            usage = usage or Usage()
            if not own:
                usage = _priced(lm, usage)
            times = max(1, len(answers)) if isinstance(answers, list) else 1
            self._cost = self._cost + Cost(
                llm=times,
                tokens_in=usage.input_tokens,
                tokens_out=usage.output_tokens,
                usd=usage.usd or Decimal(0),
                unpriced=int(usage.usd is None and error is None),
            )
        if not own and self.recorder is not None:
            _record(self.recorder, lm, inputs, answers, usage, error)

    def __deepcopy__(self, memo: dict[int, Any]) -> Calls:
        return self  # dspy copies trackers for its threads, and would lose what is counted there

    def __bool__(self) -> bool:
        return True


class _Listener(BaseCallback):  # type: ignore[misc]  # dspy has no types
    """Tells `Calls` of calls that ended."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._open: dict[str, tuple[Any, Mapping[str, Any]]] = {}

    def on_lm_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        self._open[call_id] = (instance, inputs)

    def on_lm_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        lm, inputs = self._open.pop(call_id)
        self._calls.ended(call_id, lm, inputs, outputs, exception)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Listener:
        return self


def fresh(lm: Any, rep: int) -> Any:
    """The model for another repetition: dspy's cache must not answer with the first one.

    Models that dspy does not cache, and those at temperature 0, are taken as they are.
    """
    cached = getattr(lm, "is_opto", False) or (isinstance(lm, dspy.LM) and lm.cache)
    if not rep or not cached or lm.kwargs.get("temperature") == 0:
        return lm
    return lm.copy(rollout_id=1_000 * (lm.kwargs.get("rollout_id") or 0) + rep)


def is_hopeless(error: Exception) -> bool:
    """No key, no credit, no model: would every further call fail in the same way?"""
    return isinstance(error, _HOPELESS) or _NO_MODEL in str(error)


def _count(usage: Mapping[str, Any], *names: str) -> int:
    found = next((usage[name] for name in names if usage.get(name) is not None), 0)
    return int(found)


def _priced(lm: Any, usage: Usage) -> Usage:
    vendor, _, name = str(lm.model).partition("/")
    place = lm.kwargs.get("api_base") or lm.kwargs.get("base_url") or _VENDORS.get(vendor)
    usd = None if place is None else price_usd(name, usage, base_url=str(place))
    return Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, usd=usd)


def _record(
    recorder: Recorder,
    lm: Any,
    inputs: Mapping[str, Any],
    answers: Any,
    usage: Usage,
    error: BaseException | None,
) -> None:
    messages = inputs.get("messages") or [{"role": "user", "content": inputs.get("prompt")}]
    request = Request(messages=tuple(map(_turn, messages)), purpose="program")
    model = f"dspy:{lm.model}"
    about: dict[str, Any] = {
        "model": model,
        "key": request.key(model),
        "request": request.to_json(),
    }
    if error is not None:
        code = str(getattr(error, "code", None) or type(error).__name__)
        recorder.emit(ERROR, **about, code=code, message=redact(str(error)), attempts=1)
        return
    said = answers if isinstance(answers, list) else [getattr(answers, "text", answers)]
    words = [item.get("text") if isinstance(item, Mapping) else item for item in said]
    completion = Completion(
        text=_words(words[0] if words else ""), usage=usage, model=str(lm.model)
    )
    recorder.emit(CALL, **about, completion=completion.to_json())


def _turn(item: Any) -> Message:
    if isinstance(item, Mapping):
        return Message(item["role"], _words(item["content"]))
    return Message(item.role, _words(item.text))


def _words(content: Any) -> str:
    return content if isinstance(content, str) else str(content)
