"""What a reply says, before its values have types.

Lives here: `Suggestion`, the form every reader gives.
Never here: readers.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Suggestion(NamedTuple):
    """The parts of a reply."""

    values: dict[str, Any]
    """Variable name as the model wrote it, to text or a JSON value."""
    reasoning: str = ""
    no_change: bool = False
    """Does the reply answer that nothing should change?"""
    problems: tuple[str, ...] = ()
    """What could not be read, in words for the model."""
    bad: dict[str, str] = {}  # noqa: RUF012  (never changed)
    """Variable name to why its value could not be read, where the name could."""


STOP_WORD = "TERMINATE"


def says_stop(answer: object) -> bool:
    """Is this answer the word that asks for no change, and nothing else?"""
    return isinstance(answer, str) and answer.strip().strip("\"'`*.").upper() == STOP_WORD
