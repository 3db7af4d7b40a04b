"""Running rewritten source in this process, for functions of which the user said `trust=True`.

Lives here: the only place of the trace that executes text.
Never here: text of functions without `trust=True` (`opto.trace.runner`).
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from opto.trace.listing import list_source
from opto.trace.surroundings import Surroundings


class _Namespace(dict[str, Any]):
    """Globals of a rewrite: what it defines itself, else what is around the function now."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(__builtins__=builtins, __name__=around.globals.get("__name__", "__main__"))
        self._around = around

    def __missing__(self, name: str) -> Any:
        return self._around.find(name)


def define(text: str, name: str, around: Surroundings) -> Callable[..., Any]:
    """The function that `text` defines as `name`; tracebacks show its lines.

    Raises:
        SyntaxError: The text is no Python.
        Exception: Whatever its definitions raise.
    """
    namespace = _Namespace(around)
    compiled = compile(text, list_source(text, name), "exec", dont_inherit=True)
    exec(compiled, namespace)  # noqa: S102  (bundle(trust=True))
    function: Callable[..., Any] = namespace[name]
    return function
