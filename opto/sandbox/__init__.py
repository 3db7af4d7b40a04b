"""The place where code a model wrote runs: separate processes, confined by the kernel.

Lives here: the public names, loaded on first use (a worker imports this package too, and needs
none of them). `Sandbox.call` runs a function, `Sandbox.run` a script; what comes back is plain
data or a `SandboxedError`. See README.md for what is protected and what is not.
Never here: work at import, imports of numpy or a solver, trust in anything that comes back.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opto.sandbox.api import Run as Run
    from opto.sandbox.api import Sandbox as Sandbox
    from opto.sandbox.api import default as default
    from opto.sandbox.api import level as level
    from opto.sandbox.api import runs_by_level as runs_by_level
    from opto.sandbox.errors import BadResultError as BadResultError
    from opto.sandbox.errors import CodeSyntaxError as CodeSyntaxError
    from opto.sandbox.errors import DiedError as DiedError
    from opto.sandbox.errors import MemoryLimitError as MemoryLimitError
    from opto.sandbox.errors import NotPlainError as NotPlainError
    from opto.sandbox.errors import OutputLimitError as OutputLimitError
    from opto.sandbox.errors import SandboxedError as SandboxedError
    from opto.sandbox.errors import SandboxUnavailable as SandboxUnavailable
    from opto.sandbox.errors import TimeLimitError as TimeLimitError
    from opto.sandbox.limits import Limits as Limits
    from opto.sandbox.plain import Plain as Plain
    from opto.sandbox.program import Stub as Stub
    from opto.sandbox.program import Tool as Tool

_EXPORTS = {
    "api": ("Run", "Sandbox", "default", "level", "runs_by_level"),
    "errors": (
        *("BadResultError", "CodeSyntaxError", "DiedError", "MemoryLimitError", "NotPlainError"),
        *("OutputLimitError", "SandboxUnavailable", "SandboxedError", "TimeLimitError"),
    ),
    "limits": ("Limits",),
    "plain": ("Plain",),
    "program": ("Stub", "Tool"),
}
_HOME = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = [
    "BadResultError",
    "CodeSyntaxError",
    "DiedError",
    "Limits",
    "MemoryLimitError",
    "NotPlainError",
    "OutputLimitError",
    "Plain",
    "Run",
    "Sandbox",
    "SandboxUnavailable",
    "SandboxedError",
    "Stub",
    "TimeLimitError",
    "Tool",
    "default",
    "level",
    "runs_by_level",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'opto.sandbox' has no attribute {name!r}")
    return getattr(import_module(f"opto.sandbox.{_HOME[name]}"), name)
