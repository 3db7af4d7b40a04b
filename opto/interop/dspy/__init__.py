"""DSPy: its programs as tasks of our searches, our optimizers as its teleprompters.

`opto.optimize(program, trainset, metric, budget=...)` finds `DspyTask` by itself; see the README
beside this package.

Lives here: the public names, and what to do where dspy is not installed.
Never here: the parts; each has its module.
"""

from __future__ import annotations

from opto.interop.dspy.errors import MissingDspyError

try:
    import dspy as _dspy  # noqa: F401  (the modules below import it; here it may fail with advice)
except ModuleNotFoundError as missing:
    if missing.name != "dspy":
        raise
    raise MissingDspyError(
        "The package dspy is not installed.",
        where="opto.interop.dspy",
        fix="pip install 'optolab[dspy]'   (in one command: dspy alone may replace openai)",
    ) from missing

from opto.interop.dspy.chat import Chat
from opto.interop.dspy.model import OptoLM
from opto.interop.dspy.task import DspyTask
from opto.interop.dspy.teleprompter import Teleprompter

__all__ = ["Chat", "DspyTask", "OptoLM", "Teleprompter"]
