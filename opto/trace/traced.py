"""The methods of a node that compute: every one records its operation.

Lives here: Python's operators and the methods of text, lists and dicts, each a call of the
operator of that name.
Never here: what the operators do (`opto.trace.operators`), bookkeeping of nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opto.trace.table import OPS


def _concat_or(name: str, left: Any, right: Any) -> Any:
    """`name` of both; two texts are concatenated, which reads better in a trace."""
    return OPS["concat" if isinstance(left._now, str) else name](left, right)


class Traced:
    """What can be done with a node as if it were its data."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return _concat_or("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return OPS["concat" if isinstance(other, str) else "add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return OPS["subtract"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return OPS["subtract"](other, self)

    def __mul__(self, other: Any) -> Any:
        return OPS["multiply"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return OPS["multiply"](self, other)

    def __floordiv__(self, other: Any) -> Any:
        return OPS["floor_divide"](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return OPS["floor_divide"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return OPS["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return OPS["divide"](other, self)

    def __mod__(self, other: Any) -> Any:
        return OPS["mod"](self, other)

    def __rmod__(self, other: Any) -> Any:
        return OPS["mod"](other, self)

    def __divmod__(self, other: Any) -> Any:
        return OPS["node_divmod"](self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return OPS["node_divmod"](other, self)

    def __pow__(self, other: Any) -> Any:
        return OPS["power"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return OPS["power"](other, self)

    def __lshift__(self, other: Any) -> Any:
        return OPS["lshift"](self, other)

    def __rlshift__(self, other: Any) -> Any:
        return OPS["lshift"](other, self)

    def __rshift__(self, other: Any) -> Any:
        return OPS["rshift"](self, other)

    def __rrshift__(self, other: Any) -> Any:
        return OPS["rshift"](other, self)

    def __and__(self, other: Any) -> Any:
        return OPS["and_"](self, other)

    def __rand__(self, other: Any) -> Any:
        return OPS["and_"](other, self)

    def __or__(self, other: Any) -> Any:
        return OPS["or_"](self, other)

    def __ror__(self, other: Any) -> Any:
        return OPS["or_"](other, self)

    def __xor__(self, other: Any) -> Any:
        return OPS["xor"](self, other)

    def __rxor__(self, other: Any) -> Any:
        return OPS["xor"](other, self)

    def __lt__(self, other: Any) -> Any:
        return OPS["lt"](self, other)

    def __le__(self, other: Any) -> Any:
        return OPS["le"](self, other)

    def __gt__(self, other: Any) -> Any:
        return OPS["gt"](self, other)

    def __ge__(self, other: Any) -> Any:
        return OPS["ge"](self, other)

    def __neg__(self) -> Any:
        return OPS["neg"](self)

    def __pos__(self) -> Any:
        return OPS["pos"](self)

    def __abs__(self) -> Any:
        return OPS["abs"](self)

    def __invert__(self) -> Any:
        return OPS["invert"](self)

    def __floor__(self) -> Any:
        return OPS["floor"](self)

    def __ceil__(self) -> Any:
        return OPS["ceil"](self)

    def __trunc__(self) -> Any:
        return OPS["trunc"](self)

    def __round__(self, n: Any = None) -> Any:
        return OPS["round"](self) if n is None else OPS["round"](self, n)

    def __getitem__(self, key: Any) -> Any:
        return OPS["getitem"](self, key)

    def __contains__(self, item: Any) -> bool:
        return bool(OPS["in_"](item, self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return OPS["call"](self, *args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        from opto.trace.iterators import iterate  # noqa: PLC0415  (it knows nodes)

        return iter(iterate(self))

    def getattr(self, name: Any) -> Any:
        return OPS["node_getattr"](self, name)

    def len(self) -> Any:
        return OPS["len_"](self)

    def clone(self) -> Any:
        return OPS["clone"](self)

    def eq(self, other: Any) -> Any:
        return OPS["eq"](self, other)

    def neq(self, other: Any) -> Any:
        return OPS["neq"](self, other)

    def format(self, *args: Any, **kwargs: Any) -> Any:
        return OPS["format"](self, *args, **kwargs)

    def capitalize(self) -> Any:
        return OPS["capitalize"](self)

    def lower(self) -> Any:
        return OPS["lower"](self)

    def upper(self) -> Any:
        return OPS["upper"](self)

    def swapcase(self) -> Any:
        return OPS["swapcase"](self)

    def title(self) -> Any:
        return OPS["title"](self)

    def split(self, sep: Any = None, maxsplit: Any = -1) -> Any:
        return OPS["split"](self, sep, maxsplit)

    def strip(self, chars: Any = None) -> Any:
        return OPS["strip"](self, chars)

    def replace(self, old: Any, new: Any, count: Any = -1) -> Any:
        return OPS["replace"](self, old, new, count)

    def join(self, seq: Any) -> Any:
        return OPS["join"](self, seq)

    def values(self) -> Any:
        return OPS["values"](self)

    def keys(self) -> Any:
        return OPS["keys"](self)

    def get(self, key: Any, default: Any = None) -> Any:
        return OPS["get"](self, key, default)

    def pop(self, index: Any = -1) -> Any:
        return OPS["pop"](self, index)

    def append(self, value: Any) -> Any:
        return OPS["append"](self, value)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the data; the attribute and the call are both recorded."""
        return OPS["call"](OPS["node_getattr"](self, method), *args, **kwargs)

    def items(self) -> Any:
        """Iterate over `(key node, value node)` of a dict."""
        from opto.trace.gather import as_node  # noqa: PLC0415
        from opto.trace.iterators import DictIterable  # noqa: PLC0415

        return DictIterable(as_node(self))
