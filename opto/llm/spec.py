"""Options inside a model spec: `NAME?threads=2&slots=4`.

Lives here: splitting the part after the provider's name into its head and typed options.
Never here: what an option means, settings, environment variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar
from urllib.parse import unquote

from opto.errors import SettingsError

Number = TypeVar("Number", int, float)


def split_options(rest: str, *, known: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """`("NAME", {"threads": "2"})` for `NAME?threads=2`; a text without `?` has no options.

    Raises:
        SettingsError: An option is unknown, given twice, or has no value.
    """
    head, mark, tail = rest.rpartition("?")
    if not mark:
        return rest, {}
    options: dict[str, str] = {}
    for item in tail.split("&"):
        name, equals, value = item.partition("=")
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise SettingsError(
                f"{name!r} is not an option here.",
                where=rest,
                fix=(f"Did you mean {near[0]!r}? " if near else "")
                + f"Known: {', '.join(known) or 'none'}.",
            )
        if not equals or not value or name in options:
            raise SettingsError(f"The option {name!r} needs one value, as in {name}=4.", where=rest)
        options[name] = unquote(value)
    return head, options


def positive(
    options: Mapping[str, str], name: str, kind: type[Number], *, default: Number
) -> Number:
    """The option `name` as a number above zero, or `default` when it is not given.

    Raises:
        SettingsError: It is no such number.
    """
    if name not in options:
        return default
    try:
        value = kind(options[name])
    except ValueError:
        value = kind(0)
    if not 0 < value < float("inf"):
        raise SettingsError(f"{name}={options[name]} is not a number above zero.")
    return value
