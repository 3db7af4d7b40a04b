"""What cannot be done with DSPy programs.

Lives here: the errors of this package.
Never here: dspy; this module loads where it is missing.
"""

from __future__ import annotations

from opto.errors import OptoError
from opto.search.errors import SearchError


class MissingDspyError(OptoError, ImportError):
    """dspy is not installed."""

    code = "opto.interop.missing_package"


class ProgramError(SearchError):
    """A program, an example or an option cannot be used."""

    code = "opto.interop.dspy"
