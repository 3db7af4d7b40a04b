"""A model server that misbehaves on request, for tests of anything that talks to models.

Lives here: the server, its 26 faults and the tool-call garbage. Public: a provider written as a
plug-in is tested with the same faults as ours, so this ships in the package and not in `tests`.
Never here: anything the package itself runs on; only tests import this.
"""

from __future__ import annotations

from opto.llm.testing.answers import Answer, Asked, fails, says, sends
from opto.llm.testing.faults import FAULTS, TOOL_GARBAGE, Fault, mix
from opto.llm.testing.server import ModelServer

__all__ = [
    "FAULTS",
    "TOOL_GARBAGE",
    "Answer",
    "Asked",
    "Fault",
    "ModelServer",
    "fails",
    "mix",
    "says",
    "sends",
]
