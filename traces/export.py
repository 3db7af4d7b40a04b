"""Events as lines of JSON, to share, archive and replay them.

Lives here: the line format: the event's fields, then `crc32` of the line without that field.
Never here: HTML, SQL.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from traces.errors import EventError, ExportError
from traces.events import Event, clean, clean_name, clean_text, dumps
from traces.redact import Redactor

VERSION = 1
"""Of the line format."""
_CRC = ',"crc32":"'
_TAIL = len(_CRC) + 8 + len('"}')


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file of events holds; iterates over the events."""

    events: tuple[Event, ...]
    torn_line: int | None = None
    """Number of a last line that was cut off and is left out, as a kill or full disk does it."""

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


def to_jsonl(
    events: Iterable[Event],
    file: str | os.PathLike[str] | IO[str],
    *,
    redactor: Redactor | None = None,
) -> int:
    """Write one line per event; returns how many.

    Args:
        events: In the order in which they are to be read.
        file: A stream, or a path: that is replaced as a whole at the end, or stays as it was.
        redactor: Takes secrets out; by default what looks like one.

    Raises:
        ExportError: The file cannot be written.
        EventError: An event made by hand holds what is not JSON.
    """
    hide = redactor or Redactor()
    count = 0
    with _writer(file) as out:
        for event in events:
            out.write(_line(event, hide))
            count += 1
    return count


def from_jsonl(file: str | os.PathLike[str] | IO[str]) -> Imported:
    """Read what `to_jsonl` wrote, whole and checked.

    Args:
        file: A path, or a stream of text.

    Raises:
        ExportError: The file cannot be read, or a line that was not merely cut off is damaged.
    """
    if isinstance(file, str | os.PathLike):
        name = os.fspath(file)
        try:
            text = Path(file).read_bytes().decode("utf-8", "replace")  # a cut letter fails its crc
        except OSError as error:
            raise _unusable(f"Cannot read it: {error.strerror}.", name) from error
    else:
        name, text = str(getattr(file, "name", "stream")), file.read()
    lines = text.split("\n")
    tail = lines.pop()  # empty, unless the last line lacks its end
    events = [_event(line, f"{name}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not tail:
        return Imported(tuple(events))
    try:
        return Imported((*events, _event(tail, f"{name}, line {len(lines) + 1}")))
    except ExportError:
        return Imported(tuple(events), torn_line=len(lines) + 1)


def _line(event: Event, hide: Redactor) -> str:
    body = dumps(
        {
            "v": VERSION,
            "run": clean_text(event.run),
            "seq": event.seq,
            "at": clean_text(event.at),
            "kind": hide.text(clean_text(event.kind)),
            "span": None if event.span is None else hide.text(clean_text(event.span)),
            "data": hide.json(clean(event.data)),
        }
    )
    return f'{body[:-1]}{_CRC}{zlib.crc32(body.encode()):08x}"}}\n'


def _event(line: str, where: str) -> Event:
    line = line.rstrip("\r")  # a checkout on another system may have added it
    body, mark = line[:-_TAIL] + "}", line[-_TAIL:]
    if mark != f'{_CRC}{zlib.crc32(body.encode()):08x}"}}':
        raise _unusable("The line is damaged: its checksum does not fit.", where)
    try:  # a checksum proves no good will: files come from strangers
        return _event_of(json.loads(body), where)
    except (ValueError, KeyError, TypeError, RecursionError, EventError) as error:
        raise _unusable(f"The line is not an event: {error!r}.", where) from error


def _event_of(found: dict[str, object], where: str) -> Event:
    if found["v"] != VERSION:
        raise ExportError(
            f"The line has format {found['v']!r}, this version reads {VERSION}.",
            where=where,
            fix="Upgrade to a version that reads it.",
        )
    seq, at, span, data = found["seq"], found["at"], found["span"], clean(found["data"])
    if type(seq) is not int or not isinstance(at, str) or not isinstance(data, dict):
        raise TypeError("seq, at or data has another type")
    return Event(
        clean_name(str(found["run"]), what="run"),
        seq,
        clean_text(at),
        clean_name(str(found["kind"]), what="kind"),
        None if span is None else clean_name(str(span), what="span"),
        data,
    )


def _unusable(what: str, where: str) -> ExportError:
    return ExportError(what, where=where, fix="Export the run again, or choose another file.")


@contextmanager
def _writer(file: str | os.PathLike[str] | IO[str]) -> Iterator[IO[str]]:
    if not isinstance(file, str | os.PathLike):
        yield file
        return
    path = Path(file)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    except OSError as error:
        raise _unwritable(path, error) from error
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> ExportError:
    return ExportError(
        f"Cannot write the export: {error.strerror}.",
        where=str(path),
        fix="Free some space, or choose a path in a folder that you may write to.",
    )
