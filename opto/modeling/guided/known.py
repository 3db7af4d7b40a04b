"""What is settled about a problem once its numbers have been told apart.

Lives here: the facts that later stages rest on. Never here: rules, calls to a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ALL = "count"
"""Name of all variables added up; the system text tells it to the model."""


@dataclass(frozen=True, slots=True)
class Known:
    """The text, what is decided, and what is measured."""

    text: str
    variables: Mapping[str, str]
    """Name to meaning."""
    measures: Mapping[str, set[str]]
    """Name of what is measured per variable, to the words that speak of it."""
