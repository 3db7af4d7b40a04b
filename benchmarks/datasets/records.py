"""Records of a JSON or JSON-lines file, one at a time.

Lives here: telling the two apart, streaming both, errors that name the line.
Never here: what the fields of a record mean.

Numbers with a point or an exponent come as `Printed`, which keeps their digits; so do whole numbers
that are too long for a float.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.printed import Printed

Record: TypeAlias = dict[str, Any]
_LONGEST_WHOLE = 300
"""Characters of a whole number that any float can hold."""
_SEPARATED = {".csv": "", ".tsv": ", delimiter='\\t'"}
"""Tables by the end of their name, and what `csv.DictReader` must be told of them."""
_CHUNK = 1 << 16
LONGEST = 1 << 26
"""Characters of one record, 64 Mi; more is not a problem set."""
_SPACE = " \t\r\n"


def _whole_number(digits: str) -> int | Printed:
    return int(digits) if len(digits) <= _LONGEST_WHOLE else Printed(digits)


_DECODER = json.JSONDecoder(parse_float=Printed, parse_int=_whole_number)


def records(file: Path) -> Iterator[tuple[str, Record]]:
    """Name and fields of each record; the name is empty where the file gives none.

    Read as they are needed: of a list or of JSON lines only one record is in memory.

    Args:
        file: JSON lines; a JSON list of objects; or one object whose values are the records, by
            name. A line of JSON lines may be such an object as well.

    Raises:
        DatasetError: No such file, not UTF-8, not JSON, or not records.
    """
    try:
        with file.open(encoding="utf-8-sig") as text:
            yield from _any(text, file)
    except OSError as fault:
        raise DatasetError(
            f"Cannot read the file: {fault.strerror or fault}.",
            where=str(file),
            fix="Check the path; a JSON or JSON-lines file is expected.",
        ) from fault
    except UnicodeDecodeError as fault:
        raise DatasetError(
            f"The data is not UTF-8 text (byte {fault.start}).",
            where=str(file),
            fix="Give a JSON or JSON-lines file; archives and tables are not read.",
        ) from fault


def _any(text: TextIO, file: Path) -> Iterator[tuple[str, Record]]:
    start = ""
    while not start and (block := text.read(_CHUNK)):  # not by lines: a list may be one long line
        start = block.strip("\ufeff" + _SPACE)
    text.seek(0)
    if start.startswith("["):
        yield from (("", record) for record in _listed(text, file))
    elif start:
        first = next((line for line in text if line.strip("\ufeff" + _SPACE)), "")
        text.seek(0)
        if _is_json(first.strip("\ufeff" + _SPACE)):
            yield from _lines(text, file)
        else:
            whole = text.read(LONGEST).strip("\ufeff" + _SPACE)
            yield from _named(_decoded(whole, file), file)


def _is_json(line: str) -> bool:
    try:
        _DECODER.decode(line)
    except (ValueError, RecursionError):
        return False
    return True


def _decoded(text: str, file: Path, where: str = "") -> Any:
    """The value of a JSON text; errors name `where`, or else the line within the text."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as fault:
        raise _not_json(file, where or f"line {fault.lineno}", fault.msg) from fault
    except RecursionError as fault:
        raise _too_deep(file, where) from fault


def _lines(text: TextIO, file: Path) -> Iterator[tuple[str, Record]]:
    for number, line in enumerate(text, start=1):
        if line.strip(_SPACE):
            yield from _named(_decoded(line.strip("\ufeff" + _SPACE), file, f"line {number}"), file)


def _named(value: Any, file: Path) -> Iterator[tuple[str, Record]]:
    """The records of one object: its values by name if all are objects, else itself."""
    if not isinstance(value, dict):
        raise DatasetError(
            f"A record is a {type(value).__name__}, not an object with fields.", where=str(file)
        )
    if value and all(isinstance(entry, dict) for entry in value.values()):
        yield from value.items()
    elif len(value) == 1 and isinstance(only := next(iter(value.values())), list):
        for entry in only:
            yield from _named(entry, file)
    else:
        yield "", value


def _listed(text: TextIO, file: Path) -> Iterator[Record]:
    """The objects of a JSON list, decoded one by one from a window that moves on."""
    window, at, number = text.read(_CHUNK).lstrip("\ufeff" + _SPACE), 1, 0
    while True:
        at = _skip(window, at)
        if at < len(window) and window[at] == "]":
            return
        try:
            value, end = _DECODER.raw_decode(window, at)
        except json.JSONDecodeError as fault:
            more = text.read(max(_CHUNK, len(window) - at))
            if not more or len(window) - at > LONGEST:
                raise _not_json(file, f"record {number}", fault.msg) from fault
            window, at = window[at:] + more, 0
            continue
        except RecursionError as fault:
            raise _too_deep(file, f"record {number}") from fault
        if not isinstance(value, dict):
            raise DatasetError(
                f"Record {number} is a {type(value).__name__}, not an object with fields.",
                where=str(file),
            )
        yield value
        number, at = number + 1, end


def _skip(window: str, at: int) -> int:
    """The next place that is neither space nor a comma."""
    while at < len(window) and window[at] in _SPACE + ",":
        at += 1
    return at


def _not_json(file: Path, where: str, why: str) -> DatasetError:
    return DatasetError(
        f"The data is not JSON: {why}.",
        where=f"{file}, {where}",
        fix=_converted(file)
        or "Give JSON lines, a JSON list of problems, or an object of problems by name.",
    )


def _converted(file: Path) -> str:
    """How a table becomes JSON lines; empty where the file is not called a table."""
    told = _SEPARATED.get(file.suffix.casefold())
    if told is None:
        return ""
    rows = f"csv.DictReader(open(0, encoding='utf-8-sig', newline=''){told})"
    return (
        "Tables are not read. Turn the rows into JSON lines, with `question` and `answer` as names "
        f'of columns: python -c "import csv, json; [print(json.dumps(row)) for row in {rows}]" '
        f"< {shlex.quote(str(file))} > {shlex.quote(file.stem + '.jsonl')}"
    )


def _too_deep(file: Path, where: str) -> DatasetError:
    return DatasetError(
        "The data is nested too deeply for problems.",
        where=f"{file}, {where}" if where else str(file),
        fix="Give JSON lines, a JSON list of problems, or an object of problems by name.",
    )
