"""A recorded study as a ledger, without its task or its algorithm: for lists, pages and diffs.

Lives here: `Log`, `read_ledger`.
Never here: resuming (the algorithm runs again for that), showing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opto.search.candidate import Candidate
from opto.search.journal import ACTION, RESULT, result_from_json
from opto.search.ledger import Ledger

if TYPE_CHECKING:
    from traces.store.sqlite import Store


class Log:
    """Actions and results of a run, in whatever order they were logged."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], Candidate] = {}
        self._results: dict[tuple[int, int], Any] = {}

    def take(self, kind: str, data: Mapping[str, Any]) -> None:
        """Take one event in; those of other kinds mean nothing here."""
        if kind == ACTION:
            for item in data["actions"]:
                if "made" in item:
                    made = Candidate.from_json(item["made"])
                    self._made[data["step"], item["at"]] = made
        elif kind == RESULT:
            self._results[data["step"], data["index"]] = data["result"]

    def steps(self) -> Iterator[Ledger]:
        """One ledger as it was after each step, growing; nothing where there are no results."""
        ledger = Ledger()
        places = sorted({*self._made, *self._results})
        for at, place in enumerate(places):
            if place in self._made:
                ledger.admit(self._made[place])
            if place in self._results:
                ledger.add(result_from_json(self._results[place]))
            if at + 1 == len(places) or places[at + 1][0] != place[0]:
                yield ledger


def read_ledger(store: Store, run: str) -> Ledger:
    """The results of a recorded run in logical order.

    Answers that cost nothing because they were known are not in the log, so its digest is that of
    the paid results alone.

    Raises:
        UnknownRunError: There is no such run; a near miss is named.
    """
    from traces.read import events  # noqa: PLC0415  (needs SQLite)

    log, ledger = Log(), Ledger()
    for event in events(store, run):
        log.take(event.kind, event.data)
    for found in log.steps():
        ledger = found
    return ledger
