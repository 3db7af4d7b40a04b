"""How a bundled function behaves, as the user said in `bundle(...)`.

Lives here: the options.
Never here: what they do.
"""

from __future__ import annotations

from typing import NamedTuple


class Options(NamedTuple):
    """The arguments of `bundle` that hold for every call; see there."""

    traceable_code: bool = False
    process_inputs: bool = True
    catch_execution_error: bool = True
    allow_external_dependencies: bool = False
    overwrite_python_recursion: bool = False
    output_name: str | None = None
    trust: bool = False
    allow_imports: bool | tuple[str, ...] = ()
    allow_signature_change: bool = False
    timeout_s: float = 10.0
    quick: bool = False
    """An operator of ours: reads nothing but its arguments, so nothing needs watching."""
