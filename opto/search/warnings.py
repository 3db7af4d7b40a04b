"""What a user should not overlook in a result.

Lives here: `warnings_of`.
Never here: what ends a run (the engine raises for that), layout.
"""

from __future__ import annotations

from collections.abc import Mapping

from opto.search.budget import Budget
from opto.search.ledger import Ledger
from opto.search.progress import last_line

MANY = 0.2
"""Share of failures from which they are worth a word."""
LONGEST = 160
"""Of a note, in characters."""
_PLURAL = {"proposal": "proposals", "evaluation": "evaluations"}
_KNOWN = "duplicate"


def warnings_of(ledger: Ledger, stopped: str) -> tuple[str, ...]:
    """One line each: no proposal at all, proposals that came to nothing, failed evaluations."""
    found = []
    if len(ledger.candidates) == 1 and not ledger.proposals and limits_in(stopped):
        found.append(f"the budget ({stopped}) ended before anything was proposed")
    for kind in _PLURAL:
        counts = {
            status: count for (of, status), count in ledger.statuses.items() if of == kind and count
        }
        if line := _line(kind, counts, ledger):
            found.append(line)
    return tuple(found)


def limits_in(stopped: str) -> bool:
    """Was it limits of the budget that ended a search?"""
    return all(part in Budget.__slots__ for part in stopped.split(", "))


def _line(kind: str, counts: Mapping[str, int], ledger: Ledger) -> str:
    total, bad = sum(counts.values()), {s: n for s, n in counts.items() if s not in {"ok", _KNOWN}}
    failed = sum(bad.values())
    if total and counts.get(_KNOWN, 0) == total:
        return f"no proposal was new: all {total} were known already"
    if not failed or failed < MANY * total:
        return ""
    parts = ", ".join(f"{count} {status}" for status, count in bad.items())
    note = next((ledger.first_notes[kind, status] for status in bad), "")
    said = " ".join(last_line(note).split())[:LONGEST]
    which = f"all {total}" if failed == total else f"{failed} of {total}"
    first = f"; the first: {said}" if said else ""
    return f"{which} {_PLURAL[kind]} failed ({parts}){first}"
