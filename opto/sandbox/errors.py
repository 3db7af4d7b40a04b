"""What can go wrong with a run, as types a caller can tell apart.

Lives here: the errors of `opto.sandbox`; each says what happened, where, and
what to do.
Never here: deciding which error it is (`talk`), anything that runs code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from opto.errors import OptoError

Line = tuple[int, str, str]
"""Line number in the source, name of the function, text of the line."""


class SandboxUnavailable(OptoError):  # noqa: N818 - reads as the state it names
    """No level of the sandbox holds on this machine; nothing was run."""

    code = "sandbox.unavailable"


class NotPlainError(OptoError):
    """A value cannot cross the border of the sandbox: its type, its size or its depth."""

    code = "sandbox.not_plain"

    def __init__(self, problem: str, *, path: str = "") -> None:
        self.problem, self.path = problem, path
        super().__init__(
            f"{path}: {problem}" if path else problem,
            fix="Plain data can cross: numbers, text, bytes, dates, paths, arrays of numpy, and "
            "lists, tuples, sets and dicts of them. Convert it first.",
        )

    def inside(self, step: str) -> NotPlainError:
        """The same problem, seen from one container further out."""
        return NotPlainError(self.problem, path=step + self.path)


class SandboxedError(OptoError):
    """The code ran and did not give a result; `type_name` and `message` are its own words."""

    code = "sandbox.error"
    advice: ClassVar[str] = "Change the code; the line above is where it failed."

    def __init__(
        self, type_name: str, message: str, *, lines: Sequence[Line] = (), stdout: str = ""
    ) -> None:
        """Keep the facts; the text is made of them.

        Args:
            type_name: Type of the exception inside, or of the limit.
            message: Its text, control characters removed.
            lines: Frames inside the source, innermost last.
            stdout: What the code printed until then, untouched: treat it as untrusted text.
        """
        self.type_name, self.message = type_name, message
        self.lines, self.stdout = list(lines), stdout
        where = "".join(f"  line {line[0]}, in {line[1]}: {line[2]}\n" for line in self.lines)
        text = f"{type_name}: {message}" if message else type_name
        super().__init__(text, where=where.rstrip("\n"), fix=self.advice)


class CodeSyntaxError(SandboxedError):
    """The source is not Python."""

    code = "sandbox.syntax"
    advice = "Correct the syntax of the code."


class TimeLimitError(SandboxedError):
    """The run took longer than `Limits.wall_s` and was killed; `lines` say where it was."""

    code = "sandbox.time"
    advice = "Make the code faster, or raise `Limits(wall_s=...)`."


class MemoryLimitError(SandboxedError):
    """The run wanted more than `Limits.memory_mb`."""

    code = "sandbox.memory"
    advice = "Make the code use less memory, or raise `Limits(memory_mb=...)`."


class OutputLimitError(SandboxedError):
    """The run printed more than `Limits.output_bytes`."""

    code = "sandbox.output"
    advice = "Print less, or raise `Limits(output_bytes=...)`."


class BadResultError(SandboxedError):
    """The result is not plain data, or is larger than `Limits.result_bytes`."""

    code = "sandbox.result"
    advice = "Return plain Python data of a moderate size."


class DiedError(SandboxedError):
    """The process ended without giving a result: a crash in native code, or an early exit."""

    code = "sandbox.died"
    advice = "Look for crashes in native code, `os._exit`, or unbounded recursion."
