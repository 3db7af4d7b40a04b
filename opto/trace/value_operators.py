"""The operators on single values: arithmetic, comparison, text, attributes.

Each is a bundled function: its docstring is what an optimizer reads about it.

Lives here: the operators on single values, and `operator`, which makes one.
Never here: how a call is recorded (`opto.trace.bundle`), containers.
"""

from __future__ import annotations

import builtins
import copy
import math
from collections.abc import Callable
from typing import Any

from opto.trace.bundle import FunModule
from opto.trace.options import Options
from opto.trace.table import OPS

_QUICK = Options(quick=True)


def operator(function: Callable[..., Any]) -> FunModule[..., Any]:
    """Make a function that reads nothing but its arguments an operator."""
    made: FunModule[..., Any] = FunModule(function, _QUICK, doc=function.__doc__ or "")
    OPS[function.__name__] = made
    return made


@operator
def clone(x: Any) -> Any:
    """A deep copy of x."""
    return copy.deepcopy(x)


@operator
def identity(x: Any) -> Any:
    """Gives x itself."""
    return x


@operator
def pos(x: Any) -> Any:
    """Gives +x."""
    return +x


@operator
def neg(x: Any) -> Any:
    """-x."""
    return -x


@operator
def abs(x: Any) -> Any:  # noqa: A001
    """The absolute value of x."""
    return builtins.abs(x)


@operator
def invert(x: Any) -> Any:
    """~x, every bit of x flipped."""
    return ~x


@operator
def round(x: Any, n: Any = None) -> Any:  # noqa: A001
    """Gives x rounded to n decimals; to a whole number without n."""
    return builtins.round(x, n)


@operator
def floor(x: Any) -> Any:
    """The greatest whole number not above x."""
    return math.floor(x)


@operator
def ceil(x: Any) -> Any:
    """The least whole number not below x."""
    return math.ceil(x)


@operator
def trunc(x: Any) -> Any:
    """Gives x without its fraction."""
    return math.trunc(x)


@operator
def add(x: Any, y: Any) -> Any:
    """Gives x + y."""
    return x + y


@operator
def subtract(x: Any, y: Any) -> Any:
    """Gives x - y."""
    return x - y


@operator
def multiply(x: Any, y: Any) -> Any:
    """Gives x * y."""
    return x * y


@operator
def floor_divide(x: Any, y: Any) -> Any:
    """Gives x // y."""
    return x // y


@operator
def divide(x: Any, y: Any) -> Any:
    """Gives x / y."""
    return x / y


@operator
def mod(x: Any, y: Any) -> Any:
    """Gives x % y."""
    return x % y


@operator
def node_divmod(x: Any, y: Any) -> Any:
    """The pair (x // y, x % y)."""
    return divmod(x, y)


@operator
def power(x: Any, y: Any) -> Any:
    """Gives x ** y."""
    return x**y


@operator
def lshift(x: Any, y: Any) -> Any:
    """Gives x << y."""
    return x << y


@operator
def rshift(x: Any, y: Any) -> Any:
    """Gives x >> y."""
    return x >> y


@operator
def and_(x: Any, y: Any) -> Any:
    """Gives x & y."""
    return x & y


@operator
def or_(x: Any, y: Any) -> Any:
    """Gives x | y."""
    return x | y


@operator
def xor(x: Any, y: Any) -> Any:
    """Gives x ^ y."""
    return x ^ y


@operator
def lt(x: Any, y: Any) -> Any:
    """Gives x < y."""
    return x < y


@operator
def le(x: Any, y: Any) -> Any:
    """Gives x <= y."""
    return x <= y


@operator
def eq(x: Any, y: Any) -> Any:
    """Gives x == y."""
    return x == y


@operator
def neq(x: Any, y: Any) -> Any:
    """Gives x != y."""
    return x != y


@operator
def ne(x: Any, y: Any) -> Any:
    """Gives x != y."""
    return x != y


@operator
def ge(x: Any, y: Any) -> Any:
    """Gives x >= y."""
    return x >= y


@operator
def gt(x: Any, y: Any) -> Any:
    """Gives x > y."""
    return x > y


@operator
def cond(condition: Any, x: Any, y: Any) -> Any:
    """Gives x if condition holds, else y."""
    return x if condition else y


@operator
def not_(x: Any) -> Any:
    """Gives not x."""
    return not x


@operator
def is_(x: Any, y: Any) -> Any:
    """Gives x is y."""
    return x is y


@operator
def is_not(x: Any, y: Any) -> Any:
    """Gives x is not y."""
    return x is not y


@operator
def in_(x: Any, y: Any) -> Any:
    """Gives x in y."""
    return x in y


@operator
def not_in(x: Any, y: Any) -> Any:
    """Gives x not in y."""
    return x not in y


@operator
def getitem(x: Any, index: Any) -> Any:
    """x[index]."""
    return x[index]


@operator
def len_(x: Any) -> Any:
    """The number of items of x."""
    return len(x)


@operator
def ord_(x: Any) -> Any:
    """The number of the character x in Unicode."""
    return ord(x)


@operator
def chr_(x: Any) -> Any:
    """The character with the number x in Unicode."""
    return chr(x)


@operator
def concat(x: Any, y: Any) -> Any:
    """Gives x followed by y."""
    return x + y


@operator
def lower(x: Any) -> Any:
    """Gives x in lower case."""
    return x.lower()


@operator
def upper(x: Any) -> Any:
    """Gives x in upper case."""
    return x.upper()


@operator
def title(x: Any) -> Any:
    """Gives x with a capital at the start of every word."""
    return x.title()


@operator
def swapcase(x: Any) -> Any:
    """Gives x with upper and lower case swapped."""
    return x.swapcase()


@operator
def capitalize(x: Any) -> Any:
    """Gives x with a capital at its start and the rest in lower case."""
    return x.capitalize()


@operator
def split(x: Any, y: Any = None, maxsplit: Any = -1) -> Any:
    """The parts of x between occurrences of y, at most maxsplit + 1; y is white space when None."""
    return x.split(y, maxsplit)


@operator
def strip(x: Any, chars: Any = None) -> Any:
    """Gives x without the given characters (white space when None) at both ends."""
    return x.strip(chars)


@operator
def replace(x: Any, old: Any, new: Any, count: Any = -1) -> Any:
    """Gives x with old replaced by new, the first count times; everywhere when -1."""
    return x.replace(old, new, count)


@operator
def format(x: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: A001
    """The template x with its braces filled: x.format(*args, **kwargs)."""
    return x.format(*args, **kwargs)


@operator
def join(x: Any, *y: Any) -> Any:
    """The texts y with x between them."""
    return x.join(y[0] if len(y) == 1 and not isinstance(y[0], str) else y)


@operator
def node_getattr(obj: Any, attr: Any) -> Any:
    """The attribute attr of obj."""
    return getattr(obj, attr)
