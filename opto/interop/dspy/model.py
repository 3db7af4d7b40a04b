"""A model of `opto.llm` as a model of dspy: its budget, cache, limits, retries and record.

Lives here: `OptoLM` and the engine inside it.
Never here: providers, counting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dspy
from dspy import lm15

from opto.errors import OptoError, SettingsError
from opto.interop.dspy.calls import Calls
from opto.interop.dspy.errors import ProgramError
from opto.llm import errors as faults
from opto.llm.chat import as_request
from opto.llm.types import Completion, Message, Request, Usage
from traces.record import current, recording

if TYPE_CHECKING:
    from opto.llm.client import LM

_ERRORS: tuple[tuple[type[OptoError], type[Exception]], ...] = (
    (faults.ContextTooLong, lm15.ContextLengthError),
    (faults.UnknownModel, lm15.UnsupportedModelError),
    (faults.InvalidRequest, lm15.InvalidRequestError),
    (faults.AuthError, lm15.AuthError),
    (faults.QuotaExhausted, lm15.BillingError),
    (faults.BudgetExceeded, lm15.BillingError),
    (faults.UnknownPrice, lm15.BillingError),
    (faults.NoModel, lm15.NotConfiguredError),
    (faults.UnreachableServer, lm15.TransportError),
    (faults.RateLimited, lm15.RateLimitError),
    (faults.ServerError, lm15.ServerError),
    (faults.ModelTimeout, lm15.TimeoutError),
    (faults.ModelCallError, lm15.ProviderError),
    (SettingsError, lm15.ConfigurationError),
)
"""Ours to what dspy makes its own errors of; the first that fits. A spent budget is no credit."""
_FINISH = {"stop": "stop", "length": "length", "filter": "content_filter", "tool": "tool_call"}
_rollout: ContextVar[list[int] | None] = ContextVar("opto_dspy_rollout", default=None)
"""The number of the next sample of the call under way; dspy tells engines no rollout id."""


class Engine:
    """Answers dspy's requests, one attempt each, from sync and async code."""

    supported_params = frozenset({"temperature", "max_tokens", "seed", "response_format"})

    def __init__(self, lm: LM) -> None:
        self.lm = lm

    @property
    def supports_response_schema(self) -> bool:
        """Are answers held to a schema?"""
        return self.lm.capabilities.schema

    def complete(self, request: Any) -> Any:
        """The answer.

        Raises:
            LM15Error: There is none; the cause is ours.
        """
        asked, calls = _request(request), _calls()
        with _translated(calls), _recorded(calls):
            try:
                return _response(self.lm.complete(asked), request.model, calls)
            except (faults.Truncated, faults.Refused) as error:
                return _response(_partial(error), request.model, calls)

    async def acomplete(self, request: Any) -> Any:
        """As `complete`."""
        asked, calls = _request(request), _calls()
        with _translated(calls), _recorded(calls):
            try:
                return _response(await self.lm.acomplete(asked), request.model, calls)
            except (faults.Truncated, faults.Refused) as error:
                return _response(_partial(error), request.model, calls)

    def __deepcopy__(self, memo: dict[int, Any]) -> Engine:
        return self  # copies of a program ask the same model

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self.lm.name,)


class AsyncEngine:
    """The same for dspy's async calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def complete(self, request: Any) -> Any:
        """See `Engine.complete`."""
        return await self._engine.acomplete(request)

    def __deepcopy__(self, memo: dict[int, Any]) -> AsyncEngine:
        return self


class OptoLM(dspy.LM):  # type: ignore[misc]  # dspy has no types
    """`dspy.configure(lm=OptoLM("openai:gpt-4.1-mini"))`.

    Retries, cache and limits are those of `opto.llm`; dspy adds none of its own. Other sampling
    options than temperature, max_tokens and seed are refused, and so are tools, images and streams.
    """

    is_opto = True

    def __init__(self, lm: LM | str | None = None, **options: Any) -> None:
        """Hold a model.

        Args:
            lm: An `opto.LM`, a spec such as `openai:gpt-4.1-mini`, or None for the configured one.
            options: Defaults of the calls: `temperature`, `max_tokens`, `seed`; `callbacks`.

        Raises:
            OptoError: The model cannot be opened: none is configured, no key.
        """
        opened = _open(lm) if lm is None or isinstance(lm, str) else lm
        engine = Engine(opened)
        super().__init__(
            model=f"opto/{opened.name}",
            cache=False,
            num_retries=0,
            engine=engine,
            async_engine=AsyncEngine(engine),
            **options,
        )

    @property
    def lm(self) -> LM:
        """The model that is asked."""
        found: LM = self.engine.lm
        return found

    def __call__(self, prompt: Any = None, **options: Any) -> Any:
        """See `dspy.LM`; a `rollout_id` asks for another sample of the same question."""
        with self._rolling(options):
            return super().__call__(prompt, **options)

    async def acall(self, prompt: Any = None, **options: Any) -> Any:
        """See `__call__`."""
        with self._rolling(options):
            return await super().acall(prompt, **options)

    @contextmanager
    def _rolling(self, options: dict[str, Any]) -> Iterator[None]:
        rollout = options.get("rollout_id", self.kwargs.get("rollout_id")) or 0
        token = _rollout.set([int(rollout) << 8])  # room for `n` samples of one rollout
        try:
            yield
        finally:
            _rollout.reset(token)

    def dump_state(self) -> dict[str, Any]:
        """What `load_state` opens it by: the model spec and the options, no key."""
        options = {name: value for name, value in self.kwargs.items() if value is not None}
        kind = type(self)
        return {
            "_dspy_lm_class": f"{kind.__module__}.{kind.__qualname__}",
            "lm": self.lm.name,
            **options,
        }

    @classmethod
    def load_state(
        cls,
        state: dict[str, Any],
        *,
        allow_custom_lm_class: bool = False,  # noqa: ARG003  (dspy asked before it came here)
    ) -> OptoLM:
        """The model of a saved program; `program.load(path, allow_unsafe_lm_state=True)`."""
        return cls(**{name: value for name, value in state.items() if name != "_dspy_lm_class"})


def _open(spec: str | None) -> LM:
    from opto.llm.open import open_model  # noqa: PLC0415  (loads settings and providers)

    return open_model(spec)


def _opened(name: str) -> Engine:
    return Engine(_open(name))


def _calls() -> Calls | None:
    """Who counts the calls of the work under way."""
    found = dspy.settings.usage_tracker
    return found if isinstance(found, Calls) else None


def _request(request: Any) -> Request:
    """What dspy asks, as our request.

    Raises:
        LM15Error: It asks for something that `opto.llm` does not do.
    """
    config = request.config
    asked = {
        name: value
        for name in (
            "top_p",
            "top_k",
            "stop",
            "tool_choice",
            "reasoning",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "service_tier",
            "extensions",
        )
        if (value := getattr(config, name, None))
    }
    odd = next(iter(asked), "tools" if request.tools else "")
    texts = [message.text for message in request.messages]
    if odd or None in texts or not isinstance(request.system, str | None):
        what = odd or "content that is no text"
        raise lm15.UnsupportedFeatureError(f"OptoLM does not take {what}.", feature=what)
    system = () if request.system is None else (Message("system", request.system),)
    turns = [{"role": m.role, "content": t} for m, t in zip(request.messages, texts, strict=True)]
    form = config.response_format
    if form is not None and form["type"] == "json_schema":
        form = {"type": "json_schema", "json_schema": {"schema": form["schema"]}}
    options = {"temperature": config.temperature, "max_tokens": config.max_tokens}
    made = as_request(turns, seed=config.seed, response_format=form, purpose="program", **options)
    rollout = _rollout.get() or [0]
    sample, rollout[0] = rollout[0], rollout[0] + 1
    return replace(made, messages=(*system, *made.messages), sample=sample)


def _response(completion: Completion, model: str, calls: Calls | None) -> Any:
    usage = completion.usage
    if calls is not None:
        calls.paid(usage)
    return lm15.Response(
        id=None,
        model=completion.model or model,
        message=lm15.Message.assistant(completion.text),
        finish_reason=_FINISH[completion.finish],
        usage=lm15.Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens),
    )


def _partial(error: faults.ModelCallError) -> Completion:
    """What there is of an answer that was cut off or declined; the program's adapter reads it."""
    return error.completion or Completion(text="", finish="length", usage=error.usage or Usage())


@contextmanager
def _recorded(calls: Calls | None) -> Iterator[None]:
    """Calls from dspy's own threads are events of the run, too."""
    if calls is None or calls.recorder is None or current() is not None:
        yield
    else:
        with recording(calls.recorder):
            yield


@contextmanager
def _translated(calls: Calls | None) -> Iterator[None]:
    try:
        yield
    except OptoError as error:
        usage = getattr(error, "usage", None)
        if calls is not None and usage is not None:
            calls.paid(usage)
        for ours, theirs in _ERRORS:
            if isinstance(error, ours):
                raise theirs(str(error)) from error
        raise ProgramError(str(error)) from error
