"""Errors of `opto`: what happened, where, and how to fix it.

Lives here: the root of the exception tree and the errors shared by several layers.
Never here: imports.
"""

from __future__ import annotations

from typing import ClassVar


class OptoError(Exception):
    """What happened, where, and how to fix it."""

    code: ClassVar[str] = "opto"

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__("\n".join(part for part in (what, where, fix) if part))


class InputError(OptoError):
    """What the user gave cannot be worked with: empty, binary, too large, missing."""

    code = "opto.input"


class SettingsError(OptoError):
    """A setting is unknown, or its value cannot be used."""

    code = "opto.settings"
