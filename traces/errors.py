"""Errors of `traces`: what happened, where, and how to fix it.

Lives here: one exception tree for the package.
Never here: imports of the package; the tree shares no base class with `opto` on purpose.
"""

from __future__ import annotations

from typing import ClassVar


class TraceError(Exception):
    """What happened, where, and how to fix it."""

    code: ClassVar[str] = "traces"

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__("\n".join(part for part in (what, where, fix) if part))


class EventError(TraceError):
    """What was to be recorded is not JSON; `where` is the path of the first fault."""

    code = "traces.event"


class LeaseError(TraceError):
    """Somebody else writes this run; `what` names the process and its host."""

    code = "traces.lease"


class UnknownRunError(TraceError):
    """The store holds no run of this name."""

    code = "traces.unknown_run"


class StoreError(TraceError):
    """The file of runs cannot be opened, read or written."""

    code = "traces.store"


class DiskFullError(StoreError):
    """Nothing more fits; what was recorded before is safe."""

    code = "traces.disk_full"


class ExportError(TraceError):
    """A line of an exported file is damaged; `where` names the file and the line."""

    code = "traces.export"
