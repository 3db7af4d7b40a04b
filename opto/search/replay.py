"""A recorded study as a ledger, without its task or its algorithm: for lists, pages and diffs.

Lives here: `read_ledger`.
Never here: resuming (the algorithm runs again for that), showing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opto.search.candidate import Candidate
from opto.search.journal import ACTION, RESULT, result_from_json
from opto.search.ledger import Ledger

if TYPE_CHECKING:
    from traces.store.sqlite import Store


def read_ledger(store: Store, run: str) -> Ledger:
    """The results of a recorded run in logical order.

    Answers that cost nothing because they were known are not in the log, so its digest is that of
    the paid results alone.

    Raises:
        UnknownRunError: There is no such run; a near miss is named.
    """
    from traces.read import events  # noqa: PLC0415  (needs SQLite)

    ledger = Ledger()
    made: dict[tuple[int, int], Candidate] = {}
    results: dict[tuple[int, int], Any] = {}
    for event in events(store, run):
        data: dict[str, Any] = event.data
        if event.kind == ACTION:
            for item in data["actions"]:
                if "made" in item:
                    made[data["step"], item["at"]] = Candidate.from_json(item["made"])
        elif event.kind == RESULT:
            results[data["step"], data["index"]] = data["result"]
    for place in sorted({*made, *results}):
        if place in made:
            ledger.admit(made[place])
        if place in results:
            ledger.add(result_from_json(results[place]))
    return ledger
