"""Small helpers that Trace's users import from here.

Lives here: re-exports, and text helpers without a better home.
Never here: the graph itself.
"""

from __future__ import annotations

from opto.trace.gather import contain
from opto.trace.modules import for_all_methods
from opto.trace.propagators import sum_feedback

__all__ = [
    "contain",
    "dedent",
    "for_all_methods",
    "parse_eqs_to_dict",
    "remove_non_ascii",
    "sum_feedback",
]


def dedent(text: str) -> str:
    """`text` without common indentation and without blank lines at its ends."""
    import textwrap  # noqa: PLC0415  (brings `re`, which most programs never need here)

    return textwrap.dedent(text).strip("\n")


def remove_non_ascii(text: str) -> str:
    """`text` without characters outside ASCII."""
    return text.encode("ascii", "ignore").decode("ascii")


def parse_eqs_to_dict(text: str) -> dict[str, str]:
    """Lines `name=value` as a dict; a line without `=` continues the value above it."""
    found: dict[str, str] = {}
    last = None
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip().isidentifier():
            last = name.strip()
            found[last] = value.strip()
        elif last is not None:
            found[last] += f"\n{line}"
    return found
