"""The model server that ships with the package, under the name tests know it by."""

from __future__ import annotations

from opto.llm.testing.answers import (
    Answer,
    Asked,
    anthropic_body,
    as_bytes,
    fails,
    openai_body,
    says,
    sends,
)
from opto.llm.testing.server import ModelServer

__all__ = [
    "Answer",
    "Asked",
    "ModelServer",
    "anthropic_body",
    "as_bytes",
    "fails",
    "openai_body",
    "says",
    "sends",
]
