"""Answers that were paid for once: a file of them, and one call for all who ask the same at once.

A broken file, a full disk, a lock that does not clear: each is a miss and one warning, never an
error of the call. The file is opened by the first question, not before.

Lives here: the file, and the wrapper around a provider.
Never here: the key of a request (`Request.key`), recordings (`opto.llm.replay`).
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import sqlite3
import threading
import time
import zlib
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from opto.llm.errors import ModelCallError
from opto.llm.secret import redact
from opto.llm.types import Capabilities, Completion, Provider, Request, Usage

_log = logging.getLogger("opto.llm")
_VERSION = 1
_PATIENCE_S = 0.25
"""Longest wait for another process that writes; after that it is a miss."""
_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, at REAL NOT NULL, model TEXT NOT NULL, answer TEXT NOT NULL,
  sum INTEGER NOT NULL
) WITHOUT ROWID
"""


class AnswerFile:
    """Answers by key, in SQLite. Any thread and any number of processes may use one file."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is opened yet."""
        self.path = path
        self._lock = threading.Lock()
        self._base: sqlite3.Connection | None = None
        self._process = 0
        self._broken = self._warned = False

    def get(self, key: str) -> Completion | None:
        """The answer kept under `key`; None when there is none that can be read."""
        with self._lock:
            try:
                base = self._open()
                if base is None:
                    return None
                row = base.execute("SELECT answer, sum FROM answers WHERE key = ?", (key,))
                found = row.fetchone()
            except (sqlite3.Error, OSError) as fault:
                self._fault(fault)
                return None
        if found is None:
            return None
        completion = _read(*found)
        if completion is None:
            self._warn("an answer in it is damaged")
        return completion

    def put(self, key: str, completion: Completion) -> None:
        """Keep an answer; a later one under the same key replaces it."""
        text = json.dumps(completion.to_json(), ensure_ascii=False)
        if redact(text) != text:
            return  # what looks like a key is not written anywhere
        row = (key, time.time(), completion.model, text, zlib.crc32(text.encode("utf-8")))
        with self._lock:
            try:
                base = self._open()
                if base is not None:
                    base.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", row)
            except (sqlite3.Error, OSError) as fault:
                self._fault(fault)

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        with self._lock:
            base, self._base = self._base, None
            if base is not None and self._process == os.getpid():
                base.close()

    def _open(self) -> sqlite3.Connection | None:
        """The database; None when it cannot be used. A child process opens its own."""
        if self._broken:
            return None
        if self._base is None or self._process != os.getpid():
            self._base, self._process = _connect(self.path), os.getpid()
        return self._base

    def _fault(self, fault: Exception) -> None:
        """Go on without the file; a lock held by another passes, the rest does not."""
        code = getattr(fault, "sqlite_errorcode", None)
        if code not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            self._broken = True
        self._warn(f"{type(fault).__name__}: {fault}")

    def _warn(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("The cache %s is not used as it should: %s.", self.path, redact(what))


def _connect(path: Path) -> sqlite3.Connection:
    """Open or make the file, for this user only.

    Raises:
        sqlite3.Error, OSError: It cannot be, or it is not ours.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    base = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        with closing(base.execute("PRAGMA user_version")) as cursor:
            (version,) = cursor.fetchone()
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"it has version {version}, this is {_VERSION}")
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")  # a lost answer is asked for again
        base.execute(_TABLE)
        base.execute(f"PRAGMA user_version = {_VERSION}")
    except sqlite3.Error:
        base.close()
        raise
    return base


class Cached:
    """A provider that is asked each question once.

    Kept are whole answers only: none that was cut off, refused, or damaged on its way.
    """

    def __init__(self, inner: Provider, file: AnswerFile) -> None:
        self.inner, self.file = inner, file
        self._under_way: dict[str, asyncio.Future[Completion]] = {}

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def complete(self, request: Request) -> Completion:
        key = request.key(self.name)
        while (other := self._under_way.get(key)) is not None:
            try:
                return _free(await asyncio.shield(other))
            except ModelCallError as error:
                raise copy.copy(error) from None  # each of those who wait gets its own
            except asyncio.CancelledError:
                if not other.cancelled():  # it is this call that is given up
                    raise
        found = self.file.get(key)
        if found is not None:
            return _free(found)
        return await self._ask(key, request)

    async def aclose(self) -> None:
        self.file.close()
        await self.inner.aclose()

    async def _ask(self, key: str, request: Request) -> Completion:
        """Ask on behalf of all who want the same."""
        turn: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._under_way[key] = turn
        try:
            completion = await self.inner.complete(request)
        except ModelCallError as error:
            turn.set_exception(copy.copy(error))
            turn.exception()  # looked at, so that nobody is warned when nobody waits
            raise
        else:
            if completion.finish == "stop" and not completion.damaged:
                self.file.put(key, completion)
            turn.set_result(completion)
            return completion
        finally:
            del self._under_way[key]
            if not turn.done():
                turn.cancel()  # given up: one of those who wait asks in its place


def _read(text: object, checksum: object) -> Completion | None:
    """The answer in a row; None when it is not as it was written."""
    if not isinstance(text, str) or zlib.crc32(text.encode("utf-8")) != checksum:
        return None
    try:
        return Completion.from_json(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        return None


def _free(completion: Completion) -> Completion:
    """An answer that costs nothing, with what it took when it was given."""
    saved = completion.saved or completion.usage
    return replace(completion, usage=Usage(usd=Decimal(0)), saved=saved)
