"""From what a reply says to values that parameters can take.

Lives here: matching names, reading types, checking code; each refusal with its reason.
Never here: finding values in a reply, assigning them (`Optimizer.update`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from opto.optimizers.reading.names import match_name, unknown_name
from opto.optimizers.reading.suggestion import Suggestion
from opto.optimizers.reading.values import Refused, read_value
from opto.optimizers.report import Outcome

if TYPE_CHECKING:
    from opto.trace.nodes import ParameterNode

Update = dict["ParameterNode[Any]", Any]


class Readout(NamedTuple):
    """A reply as values and reasons."""

    values: Update
    outcomes: dict[str, Outcome]
    """By variable; also the refused ones."""
    unknown: Mapping[str, str]
    """Names there are no variables of, with what may be meant."""
    problems: tuple[str, ...] = ()
    reasoning: str = ""
    no_change: bool = False


def read_out(said: Suggestion, names: Mapping[str, ParameterNode[Any]]) -> Readout:
    """The values of `said` for the parameters called `names`."""
    values: Update = {}
    outcomes: dict[str, Outcome] = {}
    unknown: dict[str, str] = {}
    by_name = {name: (name, node) for name, node in names.items()}
    for written, raw in {**dict.fromkeys(said.bad), **said.values}.items():
        found = match_name(written, by_name)
        if found is None:
            unknown[written] = unknown_name(written, names)
            continue
        name, node = found
        try:
            if written in said.bad:
                raise Refused(said.bad[written])  # noqa: TRY301  (one place makes the outcome)
            values[node] = value_for(node, raw)
            outcomes[name] = Outcome(name, values[node])
        except Refused as why:
            values.pop(node, None)
            outcomes[name] = Outcome(name, refused=str(why))
    no_change = said.no_change and not outcomes
    return Readout(values, outcomes, unknown, said.problems, said.reasoning, no_change)


def value_for(node: ParameterNode[Any], raw: Any) -> Any:
    """`raw` as a value of `node`: of the type of the present one; code is checked.

    Raises:
        Refused: It cannot be.
    """
    check = getattr(node, "check", None)
    if check is None:
        return read_value(raw, node.data)
    if not isinstance(raw, str):
        raise Refused(f"expected the source of a function; got {type(raw).__name__}")
    try:
        return check(textwrap.dedent(raw))
    except SyntaxError as fault:
        line = f"line {fault.lineno}: " if fault.lineno else ""
        raise Refused(f"the code is no Python: {line}{fault.msg}") from fault
    except ValueError as fault:
        raise Refused(" ".join(str(fault).split("\n"))) from fault
