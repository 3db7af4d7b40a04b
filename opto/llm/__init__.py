"""Language models: requests, providers, and structured answers. Knows no graph and no solver.

Loaded on first use: importing this package touches no SDK and no pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opto.llm.client import LM as LM
    from opto.llm.lanes import BreakerPolicy as BreakerPolicy
    from opto.llm.lanes import LimitPolicy as LimitPolicy
    from opto.llm.open import open_model as open_model
    from opto.llm.prices import Price as Price
    from opto.llm.reserve import Budget as Budget
    from opto.llm.retry import RetryPolicy as RetryPolicy
    from opto.llm.scripted import Scripted as Scripted
    from opto.llm.stack import CallOptions as CallOptions
    from opto.llm.structured import Unreadable as Unreadable
    from opto.llm.structured import aask_structured as aask_structured
    from opto.llm.structured import ask_structured as ask_structured
    from opto.llm.types import Completion as Completion
    from opto.llm.types import Message as Message
    from opto.llm.types import Provider as Provider
    from opto.llm.types import Request as Request
    from opto.llm.types import Usage as Usage
    from opto.llm.types import Waits as Waits

_EXPORTS = {
    "LM": "opto.llm.client",
    "BreakerPolicy": "opto.llm.lanes",
    "Budget": "opto.llm.reserve",
    "CallOptions": "opto.llm.stack",
    "Completion": "opto.llm.types",
    "LimitPolicy": "opto.llm.lanes",
    "Message": "opto.llm.types",
    "Price": "opto.llm.prices",
    "Provider": "opto.llm.types",
    "Request": "opto.llm.types",
    "RetryPolicy": "opto.llm.retry",
    "Scripted": "opto.llm.scripted",
    "Unreadable": "opto.llm.structured",
    "Usage": "opto.llm.types",
    "Waits": "opto.llm.types",
    "aask_structured": "opto.llm.structured",
    "ask_structured": "opto.llm.structured",
    "open_model": "opto.llm.open",
}

__all__ = [
    "LM",
    "BreakerPolicy",
    "Budget",
    "CallOptions",
    "Completion",
    "LimitPolicy",
    "Message",
    "Price",
    "Provider",
    "Request",
    "RetryPolicy",
    "Scripted",
    "Unreadable",
    "Usage",
    "Waits",
    "aask_structured",
    "ask_structured",
    "open_model",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'opto.llm' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
