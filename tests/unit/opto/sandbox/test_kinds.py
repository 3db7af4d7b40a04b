"""Dates, decimals, paths and arrays cross the border with their type; hostile ones do not."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opto.sandbox import NotPlainError, Sandbox
from opto.sandbox.kinds import ARRAY_BYTES
from opto.sandbox.plain import dumps, is_plain, loads, pack, unpack

ZONES = (
    st.none() | st.just(UTC) | st.integers(-800, 800).map(lambda m: timezone(timedelta(0, 60 * m)))
)
SINGLE = (
    st.complex_numbers(allow_nan=False)
    | st.dates()
    | st.datetimes(timezones=ZONES)
    | st.times()
    | st.timedeltas()
    | st.decimals(-(10**30), 10**30, places=9)
    | st.sampled_from([Path("/a/b.txt"), PurePosixPath("c"), Decimal("Infinity"), Decimal("-0.00")])
)
ARRAYS: list[Any] = [
    np.arange(6).reshape(2, 3).T,
    np.zeros((0, 3)),
    np.array(3.0),
    np.array([], dtype="f4"),
    np.array([True, False]),
    np.array([1 + 2j]),
    np.array(["a", "b\u00e9\U0001f600"]),
    np.array(["", ""]),
    np.array([b"x", b"yz"]),
    np.array(["2020-01-01", "NaT"], dtype="M8[ns]"),
    np.array([1, 2], dtype="m8[s]"),
    np.arange(3, dtype=">i4"),
    np.float64(1.5),
    np.float16(2),
    np.int32(-3),
    np.bool_(True),
    np.str_(""),
    np.str_("text"),
    np.datetime64("2020-01-01"),
]


def there_and_back(value: Any) -> Any:
    return unpack(loads(dumps(pack(value))))


@given(SINGLE)
def test_a_value_of_the_standard_library_comes_back_as_itself(value: object) -> None:
    back = there_and_back([value, {"k": value}])

    assert is_plain(value)
    assert [type(back[0]), repr(back[0])] == [type(value), repr(value)]
    assert repr(back[1]["k"]) == repr(value)


@pytest.mark.parametrize("value", ARRAYS, ids=repr)
def test_arrays_and_their_items_come_back_as_themselves(value: Any) -> None:
    back = there_and_back(value)

    assert is_plain(value)
    assert type(back) is type(value)
    assert np.asarray(back).shape == np.asarray(value).shape
    assert repr(back) == repr(value)


def test_an_array_can_be_changed_on_the_other_side(sandbox: Sandbox) -> None:
    source = "def f(x, k):\n    x[0] = 7\n    return [x, x.sum(), x.dtype == k.dtype]"

    changed, total, same = sandbox.call(source, "f", [np.arange(3), np.int64(1)])

    assert changed.tolist() == [7, 1, 2]
    assert (type(total), total, bool(same)) == (np.int64, 10, True)
    changed[0] = 1


def test_times_and_paths_work_on_the_other_side(sandbox: Sandbox) -> None:
    source = "def f(day, span, price, path): return day + span, 2 * price, path.suffix"

    result = sandbox.call(
        source, "f", [date(2020, 2, 28), timedelta(1), Decimal("1.10"), Path("a.txt")]
    )

    assert result == (date(2020, 2, 29), Decimal("2.20"), ".txt")


@dataclass
class Shape:
    width: int = 1


class Color(Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.array([object()]), "an array of object"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "an array of"),
        (np.zeros(ARRAY_BYTES // 8 + 1), "33,554,432"),
        (np.ma.array([1]), r"MaskedArray is not plain data; x.tolist\(\) may be"),
        (datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")), "astimezone"),
        (time(1, tzinfo=ZoneInfo("Europe/Berlin")), "ZoneInfo"),
        (Decimal("1E+99999"), "Decimal"),
        (Decimal("sNaN"), "Decimal"),
        (Path("\udcff"), "not Unicode"),
        (Shape(), r"Shape is not plain data; dataclasses.asdict\(x\) is"),
        (Color.RED, r"Color is not plain data; x.value is"),
        (range(3), r"range is not plain data; list\(x\) is"),
        (type("Own", (dict,), {})(), r"dict\(x\) is"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_cross_says_why_and_what_could(value: object, said: str) -> None:
    assert not is_plain([value])
    with pytest.raises(NotPlainError, match=said):
        pack([value])


def test_a_class_that_takes_the_name_of_another_does_not_cross() -> None:
    posing = type("Decimal", (), {"__module__": "decimal"})

    with pytest.raises(NotPlainError, match="not plain data"):
        pack(posing())


@pytest.mark.parametrize(
    "body",
    [
        {"$array": ["|O", [1], "AAAAAAAAAAA="]},
        {"$array": ["<V8", [1], "AAAAAAAAAAA="]},
        {"$array": ["<i8", [2], "AAAAAAAAAAA="]},
        {"$array": ["<i8", [-1], "AAAAAAAAAAA="]},
        {"$array": ["<i8", [0, 2**40], ""]},
        {"$array": ["<i8", [0, 2**30, 2**30, 2**30], ""]},
        {"$array": ["<i8", [1] * 40, "AAAAAAAAAAA="]},
        {"$array": ["<i8", [True], "AAAAAAAAAAA="]},
        {"$array": ["<i8", [1], "AAAAAAAAAAA"]},
        {"$array": ["<U1", [1], "AADYAA=="]},
        {"$array": ["<U1", [1], "AAD/fw=="]},
        {"$array": ["<U0", [1], ""]},
        {"$array": "<i8"},
        {"$array": 1},
        {"$scalar": ["<i8", ""]},
        {"$scalar": [[], "AA=="]},
        {"$complex": ["1", "2"]},
        {"$complex": [1, 2]},
        {"$decimal": "1E9999999"},
        {"$decimal": "1_0"},
        {"$decimal": "1" * 300},
        {"$decimal": ["1"]},
        {"$date": "20200101"},
        {"$date": 1},
        {"$datetime": "2020-01-01"},
        {"$timedelta": [0, 90_000, 0]},
        {"$timedelta": [10**70, 0, 0]},
        {"$timedelta": [True, 0, 0]},
        {"$path": "a//b"},
        {"$path": ["a"]},
    ],
    ids=lambda body: json.dumps(body)[:50],
)
def test_what_no_packing_can_have_made_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(NotPlainError, match=r"malformed|a Decimal of"):
        unpack(loads(json.dumps(body).encode()))


def test_bytes_that_are_no_truth_values_become_some() -> None:
    made = unpack({"$array": ["|b1", [3], "AAJ/"]})

    assert made.view("u1").tolist() == [0, 1, 1]


def test_data_from_inside_cannot_make_the_program_import_numpy() -> None:
    program = """
import sys
from opto.sandbox import NotPlainError
from opto.sandbox.plain import pack, unpack
pack([1, {}])
try:
    unpack({"$array": ["<i8", [0], ""]})
except NotPlainError as refused:
    print(refused.problem, "numpy" in sys.modules)
"""

    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "data of numpy, which the program has not imported False\n"
