"""Errors of the optimizers: what cannot be done as asked.

Lives here: the error types.
Never here: what a model did wrong; that is a value, in `opto.optimizers.report`.
"""

from __future__ import annotations

from typing import ClassVar

from opto.errors import OptoError


class OptimizerError(OptoError):
    """An optimizer cannot do what it was asked to."""

    code: ClassVar[str] = "opto.optimizer"


class ParameterError(OptimizerError, ValueError):
    """The parameters given are none, or no parameters."""

    code = "opto.optimizer.parameters"


class OptionError(OptimizerError, ValueError):
    """An option has a value, or a name, that is not known."""

    code = "opto.optimizer.option"


class NoFeedback(OptimizerError):  # noqa: N818  (the name says what happened)
    """`step` was called, and no parameter has received feedback."""

    code = "opto.optimizer.no_feedback"


class UnreadableReply(OptimizerError, ValueError):  # noqa: N818
    """No value could be read from a reply, and the user wants that to be an error."""

    code = "opto.optimizer.unreadable"
