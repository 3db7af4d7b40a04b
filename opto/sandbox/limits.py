"""What one run may use.

Lives here: `Limits`, a frozen value. Never here: enforcing it (`jail`, `talk`).
"""

from __future__ import annotations

from typing import Any, NoReturn

from opto.errors import InputError

_FIELDS = ("wall_s", "memory_mb", "output_bytes", "result_bytes", "files_mb")


class Limits:
    """Ceilings of one run; each is enforced by the kernel or by killing the process."""

    __slots__ = _FIELDS

    wall_s: float
    """Seconds from handing over the code to its result, tool calls included."""
    memory_mb: int
    """Address space, which numpy and HiGHS take 192 MB of before any data."""
    output_bytes: int
    """What may be printed; a byte more ends the run."""
    result_bytes: int
    """Encoded size of the result with its artifacts, and of one tool call."""
    files_mb: int
    """Size of the scratch folder, shared by all files; fixed when a worker starts."""

    def __init__(
        self,
        *,
        wall_s: float = 10.0,
        memory_mb: int = 2048,
        output_bytes: int = 1_000_000,
        result_bytes: int = 4_000_000,
        files_mb: int = 64,
    ) -> None:
        given = (wall_s, memory_mb, output_bytes, result_bytes, files_mb)
        for name, value in zip(_FIELDS, given, strict=True):
            if not 0 < value < float("inf"):  # also refuses NaN
                raise InputError(
                    f"Limits({name}={value!r}) is not a positive number.",
                    fix="Every run needs a ceiling; give a finite number above zero.",
                )
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"Limits is frozen; make a new one to change {name!r}")

    def as_dict(self) -> dict[str, Any]:
        """Name to value, in the order of the arguments."""
        return {name: getattr(self, name) for name in _FIELDS}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Limits) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash(tuple(self.as_dict().values()))

    def __repr__(self) -> str:
        return f"Limits({', '.join(f'{k}={v!r}' for k, v in self.as_dict().items())})"
