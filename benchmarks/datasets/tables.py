"""Tables that problems of a file speak of: inside the folder of that file, and readable.

Lives here: from the names a record gives to paths, or an error.
Never here: what is in a table (`opto.modeling.problem`).

A data file may come from anybody, so it cannot reach files outside its folder.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets.errors import DatasetError
from opto.errors import InputError
from opto.modeling.problem import read_table


def tables_of(names: Sequence[str], file: Path, problem: str) -> tuple[str, ...]:
    """Absolute paths of the tables, each of which can be read.

    Args:
        names: As the record gives them, from the folder of `file`.
        file: The data file.
        problem: Id of the problem, for errors.

    Raises:
        DatasetError: A name leads out of the folder, also by a link, or there is no such table.
    """
    return tuple(_table(name, file, problem) for name in names)


def _table(name: str, file: Path, problem: str) -> str:
    folder = file.parent.resolve()
    where = f"{file}, problem {problem}, table {name!a}"
    try:
        path = (folder / name).resolve()
    except (OSError, ValueError, RuntimeError) as fault:  # NUL bytes, links in a circle
        raise DatasetError(f"A table has no usable name: {fault}.", where=where) from fault
    if Path(name).is_absolute() or not path.is_relative_to(folder):
        raise DatasetError(
            "A table lies outside the folder of the data.",
            where=where,
            fix=f"Put it into {folder} and name it from there.",
        )
    try:
        read_table(path)
    except (InputError, csv.Error) as fault:
        what = fault.what if isinstance(fault, InputError) else f"{fault}."
        raise DatasetError(
            f"A table cannot be read: {what}",
            where=where,
            fix="Give a CSV file beside the data, with a line of names and one or more of values.",
        ) from fault
    return str(path)
