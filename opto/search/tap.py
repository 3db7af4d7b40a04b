"""Counting the model calls of one action, whoever makes them, also when it fails half way.

Lives here: `Tap`, a recorder that counts `llm.call` events and passes everything on.
Never here: models; the kinds of events are the contract.
"""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

from opto.search.cost import NOTHING, Cost
from traces.events import Event
from traces.record import NOTHING as NOWHERE
from traces.record import NullStore, Recorder, current


class Tap(Recorder):
    """The ambient recorder of one action: counts answered and failed model calls."""

    def __init__(self, log: Recorder | None = None, span: str | None = None) -> None:
        """Tap the recorder in force here; events go on to it, and to the log of the study.

        Args:
            log: Recorder of the study's run, where it has one.
            span: The action; events without a span get this one in the log.
        """
        super().__init__(NullStore(), "tap")
        self._outer = current() or NOWHERE
        self._log, self._span = log or NOWHERE, span
        self._counted = NOTHING
        self._counting = threading.Lock()

    @property
    def cost(self) -> Cost:
        """What the model calls took so far."""
        with self._counting:
            return self._counted

    def emit(self, kind: str, /, span: str | None = None, **data: Any) -> Event:
        if kind in {"llm.call", "llm.recalled"}:
            self._add(_cost(data.get("completion", {}).get("usage", {})))
        elif kind == "llm.error":
            self._add(Cost(llm=1))
        self._outer.emit(kind, span, **data)
        return self._log.emit(kind, span or self._span, **data)

    def _add(self, cost: Cost) -> None:
        with self._counting:
            self._counted = self._counted + cost


def _cost(usage: dict[str, Any]) -> Cost:
    usd = usage.get("usd")
    return Cost(
        llm=1,
        tokens_in=usage.get("input_tokens", 0),
        tokens_out=usage.get("output_tokens", 0),
        usd=Decimal(usd or 0),
        unpriced=int(usd is None),
    )
