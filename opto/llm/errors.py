"""Why a call to a language model gave no usable answer, one type per cause.

Lives here: the error types, their stable codes, and how often a retry of each makes sense.
Never here: detection (providers do that), waiting, SDK types.

A message may quote what a server said, so whoever raises one of these passes server text through
`opto.llm.secret.redact` first.
"""

# ruff: noqa: N818  (the names say what happened; "TruncatedError" says no more)

from __future__ import annotations

from typing import ClassVar

from opto.errors import OptoError
from opto.llm.types import Completion, Usage


class ModelCallError(OptoError):
    """A call to a language model failed."""

    code: ClassVar[str] = "llm.failed"
    retries: ClassVar[int] = 0
    """How many further attempts are worth making; the deadline of the call may allow fewer."""
    may_be_billed: bool = False
    """Can the server have charged for the failed attempt?"""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        fix: str = "",
        retry_after_s: float | None = None,
        completion: Completion | None = None,
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.retry_after_s = retry_after_s
        """The server asked to wait at least this long, seconds."""
        self.completion = completion
        """The answer that was not usable, where there is one."""
        self.attempts = 1
        """How often the server was asked."""
        self.usage: Usage | None = None
        """What the failed attempts took, where the server said."""


class UnknownModel(ModelCallError):
    """The model spec names no provider, or the server does not have the model."""

    code = "llm.unknown_model"


class NoModel(ModelCallError):
    """No model is configured."""

    code = "llm.no_model"


class AuthError(ModelCallError):
    """There is no key, or the server refuses it."""

    code = "llm.auth"


class InvalidRequest(ModelCallError):
    """The server does not accept the request as it is; sending it again will not help."""

    code = "llm.invalid_request"


class ContextTooLong(InvalidRequest):
    """The messages and the answer together do not fit into the model's context."""

    code = "llm.context_too_long"


class UnreachableServer(ModelCallError):
    """No connection: refused, reset, no such host."""

    code = "llm.unreachable"
    retries = 2
    may_be_billed = True  # the connection may have broken after the work was done


class CircuitOpen(UnreachableServer):
    """The server failed several times in a row and is left alone for a while."""

    code = "llm.circuit_open"
    may_be_billed = False


class RateLimited(ModelCallError):
    """The server is there and asks to slow down."""

    code = "llm.rate_limited"
    retries = 8


class QuotaExhausted(ModelCallError):
    """The account has no credit left; waiting does not bring it back."""

    code = "llm.quota"


class ServerError(ModelCallError):
    """The server failed (5xx, overloaded)."""

    code = "llm.server"
    retries = 5


class ModelTimeout(ModelCallError):
    """The server did not answer in time."""

    code = "llm.timeout"
    retries = 1
    may_be_billed = True


class BadResponse(ModelCallError):
    """What came back is not an answer: broken JSON, no choices, an error inside a 200."""

    code = "llm.bad_response"
    retries = 2
    may_be_billed = True


class EmptyAnswer(BadResponse):
    """A finished answer without any content; the same question tends to get the same answer."""

    code = "llm.empty"
    retries = 0


class UnexpectedTool(BadResponse):
    """The model asked for a tool instead of answering; no request of ours offers one."""

    code = "llm.unexpected_tool"
    retries = 0


class Truncated(ModelCallError):
    """The answer was cut off at `max_tokens`; `completion` has the part there is."""

    code = "llm.truncated"


class Refused(ModelCallError):
    """The model, or a filter in front of it, declined to answer."""

    code = "llm.refused"


class BudgetExceeded(ModelCallError):
    """The worst this call can cost does not fit into what is left of a budget."""

    code = "llm.budget"


class UnknownPrice(ModelCallError):
    """There is a budget in dollars, and nobody knows what this model costs."""

    code = "llm.unknown_price"
