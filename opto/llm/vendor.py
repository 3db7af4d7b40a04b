"""What the clients of both vendors share: the model spec with a base URL, and giving way.

Lives here: `name@base-url`, the key for it, and resending a request without an option that the
server has refused (models differ in whether they take a schema, a temperature or a seed).
Never here: SDKs, wire formats, retries.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import httpx2

from opto.llm.errors import (
    AuthError,
    InvalidRequest,
    ModelCallError,
    ModelTimeout,
    ServerError,
    UnknownModel,
    UnreachableServer,
)
from opto.llm.schema import in_words
from opto.llm.secret import Secret
from opto.llm.types import Completion, Request
from opto.llm.wire import quote

_log = logging.getLogger("opto.llm")
_REFUSED = {
    "schema": re.compile(r"response_format|json_schema|json_object|output_config|output_format"),
    "temperature": re.compile(r"temperature"),
    "seed": re.compile(r"\bseed\b"),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one address."""

    provider: str
    model: str
    base_url: str
    custom: bool
    """The address was given by the user, so it is not the vendor's own."""

    @property
    def name(self) -> str:
        """The model spec that means this endpoint."""
        return f"{self.provider}:{self.model}" + (f"@{self.base_url}" if self.custom else "")

    @classmethod
    def parse(cls, rest: str, *, provider: str, vendor_url: str) -> Endpoint:
        """What follows `provider:` in a model spec: `NAME` or `NAME@http://host:port/v1`.

        Raises:
            UnknownModel: There is no name, or the address cannot be one.
        """
        head, url = _split_url(rest)
        if not head:
            raise UnknownModel(
                f"The model spec {provider + ':' + rest!r} names no model.",
                fix=f"Write {provider}:NAME or {provider}:NAME@http://host:port/v1.",
            )
        if url is None:
            return cls(provider, head, vendor_url, custom=False)
        if not _is_plain(url):
            raise UnknownModel(
                f"The base URL of model {head!r} cannot be used.",
                where=f"{provider}:{head}@…",
                fix="Write http://host:port/v1, without user, password or query; "
                "a key goes into the environment variable OPTO_API_KEY.",
            )
        return cls(provider, head, url.rstrip("/"), custom=True)

    def key(self, variable: str) -> Secret | None:
        """The key for this endpoint; None where a server named by URL may do without.

        Raises:
            AuthError: The vendor's own server needs a key and there is none, or it is malformed.
        """
        key = Secret.from_environment("OPTO_API_KEY" if self.custom else variable)
        if key is None and not self.custom:
            raise AuthError(
                f"No API key for {self.name}.", where=variable, fix=self.key_hint(variable)
            )
        if key is not None and not re.fullmatch(r"[!-~]+", key.reveal()):
            raise AuthError(
                "The API key has characters no key has (a space, a line break, an accent).",
                where="OPTO_API_KEY" if self.custom else variable,
                fix=self.key_hint(variable),
            )
        return key

    def key_hint(self, variable: str) -> str:
        """How to give a key to this endpoint."""
        name = "OPTO_API_KEY" if self.custom else variable
        return f"Set the environment variable {name}, or choose another model."


def _split_url(rest: str) -> tuple[str, str | None]:
    """`name@url` taken apart; a name may itself have an @."""
    found = re.search(r"@(?=https?://)", rest)
    return (rest, None) if found is None else (rest[: found.start()], rest[found.end() :])


def _is_plain(url: str) -> bool:
    """Host, maybe port and path, and nothing in which a key could hide."""
    try:
        parts = urlsplit(url)
        extra = (parts.username, parts.password, parts.query, parts.fragment)
        return bool(parts.hostname) and parts.port != 0 and not any(extra)
    except ValueError:
        return False


def no_answer(failure: Exception, endpoint: Endpoint, *, timeout_s: float) -> ModelCallError:
    """The error for a connection that gave nothing."""
    never_there = isinstance(failure, httpx2.ConnectTimeout | httpx2.ConnectError)
    if isinstance(failure, TimeoutError | httpx2.TimeoutException) and not never_there:
        return ModelTimeout(f"No answer within {timeout_s:g} s.", where=endpoint.name)
    error = UnreachableServer(
        "The server cannot be reached, or it broke off the connection.",
        where=f"{endpoint.name}: {quote(f'{type(failure).__name__}: {failure}')}",
        fix=f"Is a server running at {endpoint.base_url}?",
    )
    error.may_be_billed = not never_there
    return error


async def send_giving_way(
    send: Callable[[Request], Awaitable[Completion]], request: Request, refused: set[str]
) -> Completion:
    """The completion; options the server refuses are left out, now and next time.

    Args:
        send: Makes one attempt.
        request: As the caller wants it.
        refused: Options this server is known to refuse; extended in place.
    """
    while True:
        offered = _without(request, refused)
        try:
            return await send(offered)
        except (InvalidRequest, ServerError) as error:
            option = _refused_option(error.where, offered)
            if option is None:
                raise
        _log.warning("The server refuses the option %r; going on without it.", option)
        refused.add(option)


def _without(request: Request, refused: set[str]) -> Request:
    if "schema" in refused:
        request = in_words(request)
    return replace(
        request,
        temperature=None if "temperature" in refused else request.temperature,
        seed=None if "seed" in refused else request.seed,
    )


def _refused_option(said: str, offered: Request) -> str | None:
    """Which option of `offered` the server complains about."""
    has = {
        "schema": offered.schema is not None,
        "temperature": offered.temperature is not None,
        "seed": offered.seed is not None,
    }
    return next((name for name, word in _REFUSED.items() if has[name] and word.search(said)), None)
