"""DSPy's examples as the search reads examples: mappings with `input` and `target`.

Lives here: `Row`, and field values as plain data.
Never here: programs, metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import dspy

from opto.interop.dspy.errors import ProgramError
from opto.search.canon import JSON, clean
from traces.errors import EventError


class Row(dict[str, Any]):
    """One example: `input` and `target` as plain data, and the `dspy.Example` itself.

    The plain data is what proposers see, what demonstrations are made of and what a resumed run is
    compared by; programs and metrics get the example.
    """

    __slots__ = ("example", "shown")

    def __init__(self, example: Any, *, shown: bool) -> None:
        """Read an example.

        Args:
            example: A `dspy.Example` with inputs.
            shown: Is it one of the training examples, of which proposers are told?
        """
        inputs = plain(dict(example.inputs().items()))
        super().__init__(input=inputs)
        if labels := plain(dict(example.labels().items())):
            self["target"] = labels
        self.example, self.shown = example, shown


def rows(examples: Sequence[Any], *, shown: bool, what: str) -> list[Row]:
    """Examples as rows.

    Raises:
        ProgramError: One is no `dspy.Example`, or does not say which fields are inputs.
    """
    found = []
    for at, example in enumerate(examples):
        known = isinstance(example, dspy.Example) and not isinstance(example, dspy.Prediction)
        if not known or example._input_keys is None:  # noqa: SLF001  (nothing public tells)
            lacks = "does not say which fields are inputs" if known else "is no dspy.Example"
            raise ProgramError(
                f"{what}[{at}] {lacks}.",
                where=type(example).__name__,
                fix="dspy.Example(question='2 + 2?', answer='4').with_inputs('question')",
            )
        found.append(Row(example, shown=shown))
    return found


def plain(value: Any) -> Any:
    """`value` as JSON: pydantic models dumped, and of what is no data its text or its type."""
    with suppress(EventError):
        return clean(value)
    if callable(dump := getattr(value, "model_dump", None)):
        return plain(dump())
    if isinstance(value, Mapping | dspy.Example):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    kind: Any = type(value)
    bare = kind.__repr__ is object.__repr__  # shows an address, which differs in each process
    return f"<{kind.__qualname__}>" if bare else str(value)


def text(value: JSON) -> str:
    """Plain data in one line for a prompt: text as it is, all else as Python writes it."""
    return " ".join(value.split()) if isinstance(value, str) else repr(value)
