"""Texts of rollouts in a temporary file, so that 100,000 traces need little memory.

Lives here: `Spool`.
Never here: what is durable (the log of the run is); the file is gone with the process.
"""

from __future__ import annotations

import json
import tempfile
import threading
from dataclasses import replace
from typing import IO

from opto.search.cost import Cost
from opto.search.results import Rollout

SHORT = 64
"""Texts up to this many characters, all together, stay in memory."""
_IN_MEMORY = -1


class Spool:
    """Takes the texts out of rollouts and puts them back. Any thread may read."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end, self._at_end = 0, True
        self._lock = threading.Lock()

    def put(self, rollout: Rollout) -> tuple[Rollout, int]:
        """The rollout without its texts, and where they are."""
        parts = [rollout.feedback, rollout.trace, rollout.note, rollout.output]
        if sum(map(len, parts)) <= SHORT:
            return rollout, _IN_MEMORY
        texts = json.dumps(parts).encode("ascii")
        with self._lock:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as this)
            if not self._at_end:  # seeking would flush the buffer each time
                self._file.seek(self._end)
                self._at_end = True
            self._file.write(len(texts).to_bytes(8, "big") + texts)
            at, self._end = self._end, self._end + 8 + len(texts)
        return replace(rollout, feedback="", trace="", note="", output=""), at

    def get(self, rollout: Rollout, at: int, *, cost: Cost | None = None) -> Rollout:
        """The rollout with its texts again, at another cost if one is given."""
        price = rollout.cost if cost is None else cost
        if at == _IN_MEMORY or self._file is None:
            return rollout if cost is None else replace(rollout, cost=price)
        with self._lock:
            self._file.seek(at)
            self._at_end = False
            size = int.from_bytes(self._file.read(8), "big")
            feedback, trace, note, output = json.loads(self._file.read(size))
        texts = {"feedback": feedback, "trace": trace, "note": note, "output": output}
        return replace(rollout, **texts, cost=price)

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()
