"""The problem as the user gave it: words, and tables whose cells never enter a prompt.

Lives here: reading text and CSV files, and refusing what cannot be a problem.
Never here: calls to a model, formulation.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from opto.errors import InputError

MAX_CHARACTERS = 100_000
"""Longest problem text; about 25,000 tokens, more than any published problem by a factor of ten."""

_GOAL = re.compile(
    r"\b(maximi[sz]\w*|minimi[sz]\w*|optim\w+|most|least|fewest|cheapest|lowest|highest|largest"
    r"|smallest|greatest|best|as (much|many|few|little|cheap\w*) as|at (most|least)|feasible"
    r"|how (many|much)|schedule|assign|allocat\w+)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; every value is a number, or none has to be."""

    name: str
    values: tuple[str, ...]

    @property
    def numeric(self) -> bool:
        """Do all values read as finite numbers?"""
        return all(_number(value) is not None for value in self.values)

    def numbers(self) -> list[int | float]:
        """The values as numbers; call only where `numeric` holds."""
        return [n for value in self.values if (n := _number(value)) is not None]


@dataclass(frozen=True)
class Table:
    """A CSV file: named columns of equal length."""

    name: str
    columns: tuple[Column, ...]

    @property
    def rows(self) -> int:
        """Number of rows below the header."""
        return len(self.columns[0].values)

    def column(self, name: str) -> Column:
        """The column called `name`.

        Raises:
            InputError: There is none; the message lists those there are.
        """
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(column.name for column in self.columns)
        raise InputError(
            f"Table {self.name!r} has no column {name!r}.",
            where=f"columns: {known}",
            fix="Add the column to the file, or name one of these in the problem text.",
        )


@dataclass(frozen=True)
class Problem:
    """What has to be modelled. `text` is untrusted and is only ever shown or quoted."""

    text: str
    tables: tuple[Table, ...] = ()

    @cached_property
    def tables_in_words(self) -> str:
        """Names, columns and sizes of the tables, never their cells."""
        if not self.tables:
            return "There are no tables."
        return "\n".join(_describe(table) for table in self.tables)


def read_problem(source: str, *, tables: Sequence[Path] = ()) -> Problem:
    """The problem in `source`: a path of a text file, or the text itself.

    Raises:
        InputError: Empty, binary, too long, a missing file, or text that asks for no decision.
    """
    where = "the text given"
    text = source
    if _is_path(source):
        where = source
        text = _read_text(Path(source))
    return Problem(_checked(text, where=where), tuple(read_table(path) for path in tables))


def read_table(path: Path) -> Table:
    """The CSV file `path` as a table named after the file.

    Raises:
        InputError: Missing file, no header, duplicate or empty column names, ragged rows.
    """
    lines = list(csv.reader(_read_text(path).splitlines()))
    if len(lines) < 2:  # noqa: PLR2004 - a header and one row
        raise InputError(
            "The table has no rows.", where=str(path), fix="Give a header line and one row or more."
        )
    header = [cell.strip() for cell in lines[0]]
    if "" in header or len(set(header)) < len(header):
        raise InputError(
            "Column names must be there and differ.", where=f"{path}, line 1: {', '.join(header)}"
        )
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(header):
            raise InputError(
                f"Expected {len(header)} cells, found {len(line)}.",
                where=f"{path}, line {number}",
                fix="Give every row one cell per column; quote cells that hold commas.",
            )
    cells = zip(*lines[1:], strict=True)
    columns = tuple(
        Column(name, tuple(cell.strip() for cell in values))
        for name, values in zip(header, cells, strict=True)
    )
    return Table(re.sub(r"\W", "_", path.stem), columns)


def _is_path(source: str) -> bool:
    if not source.strip() or "\n" in source or len(source) > 1024:  # noqa: PLR2004 - longer than any sane path
        return False
    if os.path.exists(source):  # noqa: PTH110 - Path.exists raises for text longer than a name
        return True
    if re.fullmatch(r"\S+\.(txt|md|text|csv|json)", source):
        raise InputError(
            f"There is no file {source!r}.", fix="Check the path, or give the problem as text."
        )
    return False


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise InputError(f"{path} is a folder.", fix="Name a text file inside it.")
    try:
        if path.stat().st_size > 8 * MAX_CHARACTERS and path.suffix != ".csv":
            raise _too_long(f"{path.stat().st_size:,} bytes", where=str(path))
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "This is not a text file.",
            where=f"{path}, byte {error.start}",
            fix="Give UTF-8 text; save a PDF or Word document as plain text first.",
        ) from error
    except OSError as error:
        raise InputError(f"Cannot read the file: {error.strerror}.", where=str(path)) from error


def _checked(text: str, *, where: str) -> str:
    text = text.strip()
    if not text:
        raise InputError(
            "The problem is empty.",
            where=where,
            fix="Describe what to decide, what to maximize or minimize, and the limits.",
        )
    if "\x00" in text:
        raise InputError("This is not text: it holds NUL bytes.", where=where, fix="Give text.")
    if len(text) > MAX_CHARACTERS:
        raise _too_long(f"{len(text):,} characters", where=where)
    if not _GOAL.search(text):
        raise InputError(
            "Nothing in the text says what to decide or what to optimize.",
            where=f"{where}: {' '.join(text.split())[:80]}",
            fix="Say what is to be maximized, minimized or kept within limits.",
        )
    return text


def _too_long(size: str, *, where: str) -> InputError:
    return InputError(
        f"The problem is too long: {size}; the limit is {MAX_CHARACTERS:,} characters.",
        where=where,
        fix="Keep the words in the text and put tables into CSV files given with --data.",
    )


def _describe(table: Table) -> str:
    parts = []
    for column in table.columns:
        kind = "numbers" if column.numeric else f"{len(set(column.values))} different labels"
        parts.append(f"{column.name} ({kind})")
    return f"Table {table.name}, {table.rows} rows; columns: {', '.join(parts)}"


def _number(cell: str) -> int | float | None:
    try:
        number = float(cell.replace(",", ""))
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and "." not in cell else number
