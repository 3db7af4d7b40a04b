"""Does a key fit the set it is used with?

Lives here: literal keys, and indices that run over another set than the subscript's.
Never here: computed keys such as `t-1`, whose values `check.probe` tries.

An index from another set is right when its keys are: text keys rarely agree by chance, numbers
often do (periods 1..4, plants 1..4), so equal numbers from another set get a warning.
"""

from __future__ import annotations

from difflib import get_close_matches

from solvers_bridge.check.findings import Report
from solvers_bridge.check.symbols import Symbols, type_hint
from solvers_bridge.ir.tables import brief

_SCAN = 2_000
"""Sets are compared key by key up to this size; beyond it `check.probe` and `compile` decide."""


def check_literal_key(
    symbols: Symbols, report: Report, key: object, base: str, *, path: str
) -> None:
    """Report a literal key that is not in its set."""
    axis = symbols.base(base)
    if axis is None or not isinstance(key, (str, int)) or axis.place((key,)) is not None:
        return
    near: list[str] = []
    if isinstance(key, str) and axis.size <= _SCAN:
        near = get_close_matches(key, [part for (part,) in axis if isinstance(part, str)], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else type_hint(key, axis)
    fix = f'Use a key of "{base}", or add it there.'
    report.error(path, "wrong-index-set", f'{brief(key)} is not in set "{base}"{hint}', fix)


def check_key_name(symbols: Symbols, report: Report, use: tuple[str, str, str], path: str) -> None:
    """Report an index of one set where a subscript wants another.

    Args:
        symbols: The names of the model.
        report: Gets the finding.
        use: Index name, the base set it runs over, the base set that is wanted.
        path: Of the expression.
    """
    name, found, wanted = use
    if found == wanted:
        return
    have, need = symbols.base(found), symbols.base(wanted)
    if have is None or need is None or max(have.size, need.size) > _SCAN:
        return
    common = sum(need.place(key) is not None for key in have)
    message = f'index "{name}" runs over "{found}", but this place is for "{wanted}"'
    fix = f'Use an index of "{wanted}", or make "{found}" a tuple set of "{wanted}".'
    if not common and have.size:
        report.error(path, "wrong-index-set", message, fix)
    elif symbols.numeric(found):
        report.warn(path, "wrong-index-set", message, fix)
