"""From a model spec to a model: `openai:NAME`, `llamacpp:NAME`, `mailbox:DIR`, ...

Lives here: the table of providers, and what the settings say about calls.
Never here: the default model (`opto.llm.default`), the order of wrappers (`opto.llm.stack`);
provider details: each module imports its own SDK and is imported when first named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches

from opto.errors import OptoError
from opto.llm import store
from opto.llm.client import LM
from opto.llm.default import choose_model
from opto.llm.errors import UnknownModel
from opto.llm.pool import split_servers
from opto.llm.reserve import Budget
from opto.llm.retry import RetryPolicy
from opto.llm.stack import CallOptions, wrap
from opto.llm.types import OpenOptions, Provider
from opto.settings import Settings, load_settings

Opener = Callable[[str, OpenOptions], Provider]


class MissingPackage(OptoError):  # noqa: N818  (the name says what happened)
    """A provider needs a package that is not installed."""

    code = "llm.missing_package"


def open_model(
    spec: str | None = None,
    settings: Settings | None = None,
    *,
    progress: Callable[[str], None] | None = None,
    calls: CallOptions | None = None,
) -> LM:
    """The model a spec names; close it, or use it as a context manager.

    Args:
        spec: `openai:NAME`, `openai:NAME@http://host:port/v1`, `anthropic:NAME`,
            `llamacpp:NAME` or a path, `mailbox:DIR`, `replay:FILE`. Several servers of one
            model, `openai:NAME@http://a:8000/v1,http://b:8000/v1`, are one pool. None:
            `settings.model`, else the local default if it is in the cache; nobody is asked and
            nothing downloaded.
        settings: None reads them (`load_settings`).
        progress: Told, in one line, what opening waits for; called from another thread.
        calls: Budget, cache, limits and time limits; None takes them from the settings.

    Raises:
        UnknownModel: The spec names no provider.
        NoModel: No spec, and nothing to fall back on.
        MissingPackage: The provider's package is not installed.
        OptoError: The provider cannot be opened: no key, no such file, ...
    """
    settings = settings or load_settings()
    folder = settings.models_dir or store.models_folder()
    spec = spec or choose_model(settings)
    kind, colon, rest = spec.strip().partition(":")
    if not colon or kind not in _OPENERS:
        raise _unknown(spec)
    calls = _from_settings(calls or CallOptions(), settings)
    options = OpenOptions(
        model_dir=folder,
        attempt_timeout_s=settings.call_timeout_s,
        waits=calls.waits,
        streamed=calls.streamed,
        threads=settings.threads,
        progress=progress,
    )
    remote = kind in _REMOTE
    places = split_servers(rest) if remote else (rest,)
    try:
        members = [_OPENERS[kind](place, options) for place in places]
    except ModuleNotFoundError as missing:
        raise _missing(kind, missing) from missing
    return LM(wrap(members, calls, remote=remote))


def _from_settings(calls: CallOptions, settings: Settings) -> CallOptions:
    """What the caller left open, from the settings."""
    if calls.budget is None and settings.max_usd is not None:
        calls = replace(calls, budget=Budget(usd=settings.max_usd))
    if calls.price is None and settings.price is not None:
        from opto.llm.prices import Price  # noqa: PLC0415  (loads the price tables)

        calls = replace(calls, price=Price.of(settings.price))
    retry = calls.retry or RetryPolicy(deadline_s=settings.call_timeout_s)
    return replace(calls, cache=calls.cache or settings.cache_path, retry=retry)


def _openai(rest: str, options: OpenOptions) -> Provider:
    from opto.llm.openai import open_provider  # noqa: PLC0415  (SDKs load when first named)

    return open_provider(rest, options)


def _anthropic(rest: str, options: OpenOptions) -> Provider:
    from opto.llm.anthropic import open_provider  # noqa: PLC0415

    return open_provider(rest, options)


def _llamacpp(rest: str, options: OpenOptions) -> Provider:
    from opto.llm.llamacpp import open_provider  # noqa: PLC0415

    return open_provider(rest, options)


def _mailbox(rest: str, options: OpenOptions) -> Provider:
    from opto.llm.mailbox import open_provider  # noqa: PLC0415

    return open_provider(rest, options)


def _replay(rest: str, options: OpenOptions) -> Provider:
    from opto.llm.replay import open_provider  # noqa: PLC0415

    return open_provider(rest, options)


_OPENERS: dict[str, Opener] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "llamacpp": _llamacpp,
    "mailbox": _mailbox,
    "replay": _replay,
}
_REMOTE = frozenset({"openai", "anthropic"})
"""Providers behind a network, where asking again can help."""
_EXTRAS = {"anthropic": "anthropic", "llamacpp": "local"}


def _unknown(spec: str) -> UnknownModel:
    kind, colon, _ = spec.partition(":")
    guess = _vendor_of(spec)
    near = get_close_matches(kind.lower(), _OPENERS, n=1)
    if colon and near:
        hint = f"Did you mean {near[0]}:…? "
    elif guess:
        hint = f"Did you mean {guess}:{spec}? "
    else:
        hint = ""
    shown = re.sub(r"//[^/@]*@", "//…@", spec)  # a password has no place in a message
    return UnknownModel(
        f"No provider for the model {shown!r}.",
        where="a model spec is PROVIDER:NAME",
        fix=f"{hint}Providers: {', '.join(_OPENERS)}.",
    )


def _vendor_of(name: str) -> str:
    """The provider of a bare model name, where it gives itself away; else empty."""
    if name.endswith(".gguf") or name in store.known_models():
        return "llamacpp"
    if name.startswith("claude"):
        return "anthropic"
    return "openai" if name.startswith(("gpt", "o1", "o3", "o4")) else ""


def _missing(kind: str, missing: ModuleNotFoundError) -> MissingPackage:
    extra = _EXTRAS.get(kind)
    return MissingPackage(
        f"The provider {kind!r} needs the package {missing.name!r}.",
        where=f"{kind}:",
        fix="pip install 'optolab" + (f"[{extra}]'" if extra else "'"),
    )
