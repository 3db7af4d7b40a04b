"""The operators on containers. Those that change a container work on a copy and return the copy.

Lives here: making, converting and changing lists, dicts, sets and tuples.
Never here: `pop` and `append` of nodes, which change a root in place (`opto.trace.in_place`).
"""

from __future__ import annotations

import copy
from typing import Any

from opto.trace.value_operators import operator


@operator
def to_list(x: Any) -> Any:
    """The items of x as a list."""
    return list(x)


@operator
def make_list(*args: Any) -> Any:
    """A list of the arguments."""
    return list(args)


@operator
def to_dict(x: Any) -> Any:
    """Gives x as a dict."""
    return dict(x)


@operator
def make_dict(*pairs: Any, **items: Any) -> Any:
    """A dict: keys and values in turn, then the named items."""
    return dict(zip(pairs[::2], pairs[1::2], strict=True), **items)


@operator
def to_set(x: Any) -> Any:
    """The different items of x as a set."""
    return set(x)


@operator
def make_set(*args: Any) -> Any:
    """A set of the arguments."""
    return set(args)


@operator
def to_tuple(x: Any) -> Any:
    """The items of x as a tuple."""
    return tuple(x)


@operator
def make_tuple(*args: Any) -> Any:
    """A tuple of the arguments."""
    return tuple(args)


@operator
def keys(x: Any) -> Any:
    """The keys of x as a list."""
    return list(x.keys())


@operator
def values(x: Any) -> Any:
    """The values of x as a list."""
    return list(x.values())


@operator
def get(x: Any, key: Any, default: Any = None) -> Any:
    """x[key], or default where x has no such key."""
    return x.get(key, default)


@operator
def dict_update(x: Any, y: Any) -> Any:
    """Gives x with the items of y put in."""
    changed = copy.copy(x)
    changed.update(y)
    return changed


@operator
def dict_pop(x: Any, key: Any) -> Any:
    """Gives x without key."""
    changed = copy.copy(x)
    changed.pop(key)
    return changed


@operator
def dict_popitem(x: Any) -> Any:
    """Gives x without its last item."""
    changed = copy.copy(x)
    changed.popitem()
    return changed


@operator
def list_append(x: Any, y: Any) -> Any:
    """Gives x with y at its end."""
    changed = copy.copy(x)
    changed.append(y)
    return changed


@operator
def list_clear(x: Any) -> Any:
    """Gives x without its items."""
    changed = copy.copy(x)
    changed.clear()
    return changed


@operator
def list_extend(x: Any, y: Any) -> Any:
    """Gives x followed by the items of y."""
    changed = copy.copy(x)
    changed.extend(y)
    return changed


@operator
def list_insert(x: Any, index: Any, y: Any) -> Any:
    """Gives x with y put in before index."""
    changed = copy.copy(x)
    changed.insert(index, y)
    return changed


@operator
def list_pop(x: Any, index: Any = -1) -> Any:
    """Gives x without the item at index."""
    changed = copy.copy(x)
    changed.pop(index)
    return changed


@operator
def list_remove(x: Any, y: Any) -> Any:
    """Gives x without the first item equal to y."""
    changed = copy.copy(x)
    changed.remove(y)
    return changed


@operator
def list_reverse(x: Any) -> Any:
    """Gives x in reverse order."""
    changed = copy.copy(x)
    changed.reverse()
    return changed


@operator
def list_sort(x: Any, key: Any = None, reverse: Any = None) -> Any:
    """Gives x in order: by key, if given; from high to low, if reverse."""
    changed = copy.copy(x)
    changed.sort(key=key, reverse=bool(reverse))
    return changed


@operator
def set_add(x: Any, y: Any) -> Any:
    """Gives x with y."""
    changed = copy.copy(x)
    changed.add(y)
    return changed


@operator
def set_clear(x: Any) -> Any:
    """Gives x without its members."""
    changed = copy.copy(x)
    changed.clear()
    return changed


@operator
def set_discard(x: Any, y: Any) -> Any:
    """Gives x without y, if it was there."""
    changed = copy.copy(x)
    changed.discard(y)
    return changed


@operator
def set_intersection_update(x: Any, y: Any) -> Any:
    """What is in both x and y."""
    changed = copy.copy(x)
    changed.intersection_update(y)
    return changed


@operator
def set_pop(x: Any) -> Any:
    """Gives x without one of its members."""
    changed = copy.copy(x)
    changed.pop()
    return changed


@operator
def set_remove(x: Any, y: Any) -> Any:
    """Gives x without y."""
    changed = copy.copy(x)
    changed.remove(y)
    return changed


@operator
def set_symmetric_difference_update(x: Any, y: Any) -> Any:
    """What is in just one of x and y."""
    changed = copy.copy(x)
    changed.symmetric_difference_update(y)
    return changed


@operator
def set_update(x: Any, y: Any) -> Any:
    """What is in x or y."""
    changed = copy.copy(x)
    changed.update(y)
    return changed
