"""What a search was asked for on the command line, as it is recorded for `opto resume`.

Lives here: `Wanted`, reading of `--budget`.
Never here: loading of files, running.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from opto.search.budget import Budget
from opto.search.errors import BudgetError
from opto.search.limits import unknown_limit

_WHOLE = ("metric", "llm", "tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options of `opto optimize`; places are absolute once a run has begun."""

    program: str
    """`FILE.py:name`."""
    train: str | None = None
    """`FILE.jsonl`, `FILE.py:name`; None is `trainset` of the program's file."""
    val: str | None = None
    """The same for `valset`, which may be missing there."""
    guide: str | None = None
    """`FILE.py:name` or the name of one of ours; None is `guide` of the program's file."""
    optimizer: str = "opto"
    """A name, or `FILE.py:name`."""
    budget: Mapping[str, Any] | None = None
    """None is `budget` of the program's file."""
    workers: int = 8
    seed: int = 0
    model: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Wanted:
        return cls(**{name: data[name] for name in cls.__slots__ if name in data})

    def but(self, **given: Any) -> Wanted:
        """The same with what is not None."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})


def budget_from(text: str) -> Budget:
    """`metric=500,llm=50,usd=1,seconds=600` as a Budget.

    Raises:
        BudgetError: A part is no `name=amount`, or a name is no limit.
    """
    limits: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, amount = (piece.strip() for piece in part.partition("="))
        if name not in Budget.__slots__:
            raise unknown_limit(name, Budget.__slots__)
        if not equals or name in limits:
            raise BudgetError(
                f"The budget {text!r} cannot be read at {part!r}.",
                fix="Write it like --budget metric=500,llm=50,usd=1,seconds=600, each once.",
            )
        limits[name] = _amount(name, amount)
    return Budget(**limits)


def _amount(name: str, text: str) -> Any:
    try:
        plain = text.replace("_", "")
        return int(plain) if name in _WHOLE else text if name == "usd" else float(plain)
    except ValueError:
        raise BudgetError(f"A budget cannot have {name}={text!r}.", fix="Give a number.") from None
