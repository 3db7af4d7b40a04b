"""What both vendors' wire formats have in common: distrust of the bytes, and HTTP failures.

Lives here: reading a capped body, decoding JSON that may be broken, pulling typed fields out of
it, and turning a failed status into an error type.
Never here: SDKs, retries, anything only one vendor does.

Measured reason: the vendors' SDKs accept an empty `choices`, an error inside a 200, a lone
surrogate and a 200 MB body as success, and let a broken body escape as a bare JSONDecodeError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from opto.llm.errors import (
    AuthError,
    BadResponse,
    ContextTooLong,
    InvalidRequest,
    ModelCallError,
    ModelTimeout,
    QuotaExhausted,
    RateLimited,
    ServerError,
    UnknownModel,
)
from opto.llm.secret import redact

MAX_BODY_BYTES = 16 * 2**20
_QUOTED = 500
_LONG = re.compile(
    r"context.{0,20}(length|size|window)|prompt is too long|too many (input )?tokens|max_model_len",
    re.IGNORECASE,
)
_BROKE = re.compile(r"insufficient_quota|credit balance|billing", re.IGNORECASE)
_STOP_TOKENS = re.compile(
    r"(?:\s*<(?:\|(?:im_end|eot_id|eom_id|endoftext|end_of_text|end|eos)\||/s|end_of_turn)>)+\s*\Z"
)
_NEXT_TURN = re.compile(
    r"<\|(?:im_end|eot_id)\|>\s*<\|(?:im_start|start_header_id)\|>.*\Z"
    r"|<end_of_turn>\s*<start_of_turn>.*\Z",
    re.DOTALL,
)
_RESET_HEADERS = ("x-ratelimit-reset-requests", "x-ratelimit-reset-tokens")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SERVER_FAULT = 500
_BY_STATUS: dict[int, type[ModelCallError]] = {
    401: AuthError,
    402: QuotaExhausted,
    403: AuthError,
    404: UnknownModel,
    408: ModelTimeout,
    409: ServerError,
    413: ContextTooLong,
    425: ServerError,
    429: RateLimited,
    504: ModelTimeout,
}
_SAID: dict[type[ModelCallError], tuple[str, str]] = {
    AuthError: ("The server does not accept the API key.", ""),
    QuotaExhausted: (
        "The account behind the API key has no credit left.",
        "Add credit at the vendor, or choose another model.",
    ),
    UnknownModel: (
        "The server does not know this model, or this is not the address of its API.",
        "Check the name, and that the base URL ends where the API starts (often /v1).",
    ),
    ModelTimeout: ("The server reported a timeout.", ""),
    ServerError: ("The server failed.", ""),
    ContextTooLong: (
        "The request is too long for the model.",
        "Shorten the input, lower max_tokens, or use a model with a larger context.",
    ),
    RateLimited: ("The server limits the rate of requests.", ""),
    InvalidRequest: ("The server does not accept the request.", ""),
}
_PASSING = (RateLimited, ServerError, ModelTimeout)
T = TypeVar("T")


def decode_object(body: bytes, *, where: str) -> tuple[dict[str, Any], bool]:
    """The JSON object in `body`, and whether bytes that are not UTF-8 became U+FFFD.

    Raises:
        BadResponse: It is no JSON object, or it is an error report sent with status 200.
    """
    try:
        text, damaged = body.decode("utf-8"), False
    except UnicodeDecodeError:
        text, damaged = body.decode("utf-8", errors="replace"), True
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise BadResponse(
            f"The server's answer is not a JSON object ({len(body)} bytes).",
            where=f"{where}: {quote(text)}",
            fix="If this repeats, check that the base URL is the API's and not a web page's.",
        )
    if data.get("error"):
        raise BadResponse(
            "The server reported an error with a success status.",
            where=f"{where}: {quote(json.dumps(data['error']))}",
        )
    return data, damaged


def take(data: Mapping[str, Any], name: str, kind: type[T], *, where: str) -> T:
    """`data[name]`, which must be a `kind`.

    Raises:
        BadResponse: It is missing or of another type.
    """
    value = data.get(name)
    if not isinstance(value, kind):
        got = "nothing" if value is None else type(value).__name__
        raise BadResponse(
            f"The server's answer has {got} where {name} ({kind.__name__}) belongs.",
            where=f"{where}: {quote(json.dumps(data))}",
        )
    return value


def count(data: Mapping[str, Any], name: str) -> int:
    """A token count; 0 where the server gives none or gives nonsense (some do)."""
    value = data.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def clean(text: str) -> str:
    """`text` that can be written as UTF-8: a lone surrogate becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")


def without_stop_tokens(text: str) -> str:
    """`text` without the tokens that end a turn, which some servers forget to cut off.

    Where a model went on to invent the next turn, that is cut off as well.
    """
    if "<" not in text:
        return text
    return _STOP_TOKENS.sub("", _NEXT_TURN.sub("", text))


def quote(text: str) -> str:
    """At most 500 characters of what a server said, on one line, without keys."""
    flat = " ".join(redact(clean(text)).split())
    return flat if len(flat) <= _QUOTED else flat[:_QUOTED] + "…"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long the server asks to wait, seconds; None when it does not say.

    Reads `retry-after-ms`, `retry-after` as seconds or as an HTTP date, and where both are missing
    `x-ratelimit-reset-*` (`6m0s`, `20ms`): the longer one, since either limit can be the cause.
    """
    with suppress(KeyError, ValueError):
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    said = headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(said))
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return max(
            filter(None, (_span_s(headers.get(name, "")) for name in _RESET_HEADERS)), default=None
        )
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _span_s(said: str) -> float | None:
    """`1m30.5s` in seconds; None when it is no such text."""
    parts = _SPAN.findall(said)
    if not parts or "".join(number + unit for number, unit in parts) != said.strip():
        return None
    return sum(float(number) * _UNIT_S[unit] for number, unit in parts)


def status_error(
    status: int, text: str, headers: Mapping[str, str], *, name: str, key_hint: str
) -> ModelCallError:
    """The error for a failed HTTP status.

    Args:
        status: HTTP status, 300 or more.
        text: What the server said; redacted and shortened here.
        headers: Response headers, lower-case lookup.
        name: The provider's name, for the message.
        key_hint: How to give a key to this server.
    """
    kind = _BY_STATUS.get(status) or (ServerError if status >= _SERVER_FAULT else InvalidRequest)
    if kind in {InvalidRequest, RateLimited} and _BROKE.search(text):
        kind = QuotaExhausted
    elif kind is InvalidRequest and _LONG.search(text):
        kind = ContextTooLong
    what, fix = _SAID[kind]
    return kind(
        what,
        where=f"{name}: HTTP {status}: {quote(text)}",
        fix=key_hint if kind is AuthError else fix,
        retry_after_s=retry_after_s(headers) if kind in _PASSING else None,
    )
