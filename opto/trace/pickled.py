"""How bundled functions survive pickling: by the name under which their module has them.

A function's own text is not pickled, only the value of its code parameter; what is loaded is text
until it is called, then it is checked and runs as any rewrite does.

Lives here: finding a function again, refusing functions that no module has.
Never here: reading or writing pickles.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from opto.trace.bundle import FunModule
from opto.trace.errors import TraceError
from opto.trace.options import Options


def place_of(function: Callable[..., Any]) -> tuple[str, str]:
    """Module and qualified name under which `function`, or a bundle of it, can be found.

    Raises:
        TraceError: No module has it: it was made inside another function, or is a lambda.
    """
    module = getattr(function, "__module__", None) or "builtins"
    name = getattr(function, "__qualname__", "")
    try:
        found = attrgetter(name)(importlib.import_module(module))
    except (ImportError, AttributeError):
        found = None
    if found is function or (isinstance(found, FunModule) and found.fun is function):
        return module, name
    raise TraceError(
        f"{module}.{name} cannot be pickled: its module does not have it under that name.",
        fix="Define it at the top of a module or in a class there.",
    )


def function_again(module: str, name: str, options: Options, trainable: bool) -> Any:
    """A copy of the bundled function that `module` has as `name`, with these options."""
    found = attrgetter(name)(importlib.import_module(module))
    if isinstance(found, FunModule) and found.trainable == trainable and found.options == options:
        return found.detach()
    function = found.fun if isinstance(found, FunModule) else found
    made: FunModule[Any, Any] = FunModule(function, options, doc=function.__doc__ or "")
    if trainable:
        from opto.trace.code import make_trainable  # noqa: PLC0415  (needs `ast`)

        make_trainable(made, None, None)
    return made


def code_again(module: str, name: str, options: Options) -> Any:
    """What turns the text of that function into a callable."""
    return function_again(module, name, options, trainable=True).code
