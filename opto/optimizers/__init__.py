"""Optimizers over traces: `zero_feedback`, `backward`, `step`. See README.md beside this file.

Loaded on first use: importing this package touches no SDK, no pydantic and no numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opto.optimizers.opro import OPRO as OPRO
    from opto.optimizers.opro_v2 import OPROv2 as OPROv2
    from opto.optimizers.optimizer import AbstractOptimizer as AbstractOptimizer
    from opto.optimizers.optimizer import Optimizer as Optimizer
    from opto.optimizers.optoprime import OptoPrime as OptoPrime
    from opto.optimizers.optoprime import OptoPrime as OptoPrimeV1
    from opto.optimizers.optoprime_v2 import OptoPrimeV2 as OptoPrimeV2
    from opto.optimizers.optoprimemulti import OptoPrimeMulti as OptoPrimeMulti
    from opto.optimizers.report import Outcome as Outcome
    from opto.optimizers.report import StepReport as StepReport
    from opto.optimizers.textgrad import TextGrad as TextGrad

_EXPORTS = {
    "OPRO": ("opro", "OPRO"),
    "OPROv2": ("opro_v2", "OPROv2"),
    "OptoPrimeMulti": ("optoprimemulti", "OptoPrimeMulti"),
    "TextGrad": ("textgrad", "TextGrad"),
    "AbstractOptimizer": ("optimizer", "AbstractOptimizer"),
    "Optimizer": ("optimizer", "Optimizer"),
    "OptoPrime": ("optoprime", "OptoPrime"),
    "OptoPrimeV1": ("optoprime", "OptoPrime"),
    "OptoPrimeV2": ("optoprime_v2", "OptoPrimeV2"),
    "Outcome": ("report", "Outcome"),
    "StepReport": ("report", "StepReport"),
}

__all__ = [
    "OPRO",
    "AbstractOptimizer",
    "OPROv2",
    "Optimizer",
    "OptoPrime",
    "OptoPrimeMulti",
    "OptoPrimeV1",
    "OptoPrimeV2",
    "Outcome",
    "StepReport",
    "TextGrad",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'opto.optimizers' has no attribute {name!r}")
    module, attribute = _EXPORTS[name]
    return getattr(import_module(f"opto.optimizers.{module}"), attribute)
