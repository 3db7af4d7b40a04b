"""Recording, storing, reading and replaying runs. Usable alone; knows nothing of opto.

The public surface is loaded on first use: importing this package opens no file and no database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from traces.errors import TraceError as TraceError
    from traces.events import Event as Event
    from traces.export import from_jsonl as from_jsonl
    from traces.export import to_jsonl as to_jsonl
    from traces.read import RunInfo as RunInfo
    from traces.read import runs as runs
    from traces.record import NOTHING as NOTHING
    from traces.record import Recorder as Recorder
    from traces.record import current as current
    from traces.record import new_run_name as new_run_name
    from traces.record import recording as recording
    from traces.redact import Redactor as Redactor
    from traces.store.sqlite import Store as Store

OWNER = "optolab"
"""Distribution that owns this package."""

_EXPORTS = {
    "NOTHING": "traces.record",
    "Event": "traces.events",
    "Recorder": "traces.record",
    "Redactor": "traces.redact",
    "RunInfo": "traces.read",
    "Store": "traces.store.sqlite",
    "TraceError": "traces.errors",
    "current": "traces.record",
    "from_jsonl": "traces.export",
    "new_run_name": "traces.record",
    "recording": "traces.record",
    "runs": "traces.read",
    "to_jsonl": "traces.export",
}

__all__ = [
    "NOTHING",
    "OWNER",
    "Event",
    "Recorder",
    "Redactor",
    "RunInfo",
    "Store",
    "TraceError",
    "current",
    "from_jsonl",
    "new_run_name",
    "recording",
    "runs",
    "to_jsonl",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'traces' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
