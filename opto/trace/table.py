"""The operators by name, so that nodes can call them without importing them.

`opto.trace.operators` fills the table when the package is imported.

Lives here: the table.
Never here: operators, nodes.
"""

from __future__ import annotations

from typing import Any

OPS: dict[str, Any] = {}
"""Operator name to the bundled function."""
