"""A finding: what is wrong in a model, where, and how to fix it.

Lives here: the type, the list that collects it, and the search for a near-miss name.
Never here: the checks themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a model, in words that a person or a language model can act on."""

    path: str
    """Where, e.g. `constraints[3].rhs`."""
    code: str
    """Stable name of the kind of fault, e.g. `unknown-name`."""
    severity: Severity
    """An error stops the compiler; a warning may be meant."""
    message: str
    fix: str

    def __str__(self) -> str:
        stop = "" if self.message.endswith("?") else "."
        return f"{self.path}: {self.message}{stop} {self.fix}".rstrip()


@dataclass(slots=True)
class Report:
    """The findings so far, in the order they were made, each once."""

    findings: dict[Finding, None] = field(default_factory=dict)

    def error(self, path: str, code: str, message: str, fix: str) -> None:
        """Add an error."""
        self.findings[Finding(path, code, "error", message, fix)] = None

    def warn(self, path: str, code: str, message: str, fix: str) -> None:
        """Add a warning."""
        self.findings[Finding(path, code, "warning", message, fix)] = None

    def unknown(self, path: str, kind: str, name: str, known: Iterable[str]) -> None:
        """Add an error about a name that nothing has, with the nearest one that exists."""
        near = get_close_matches(name, list(known), n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        fix = f'Write "{near[0]}", or declare "{name}".' if near else f'Declare "{name}".'
        self.error(path, "unknown-name", f'unknown {kind} "{name}"{hint}', fix)

    @property
    def failed(self) -> bool:
        """Whether there is an error among the findings."""
        return any(finding.severity == "error" for finding in self.findings)
