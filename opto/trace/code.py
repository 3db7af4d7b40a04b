"""Functions whose source is a parameter.

The user's own function runs as it is until its text is rewritten. A rewrite is checked and then
runs in the sandbox, or in this process where the user said `bundle(trust=True)`.

Lives here: `CodeParameter`, and `Code`, which turns the text of the moment into a callable.
Never here: running text (`opto.trace.runner`, `opto.trace.trusted`), asking models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from opto.trace.bundle import FunModule
from opto.trace.check import Rules, check_code
from opto.trace.errors import SourceError
from opto.trace.listing import list_source
from opto.trace.nodes import ParameterNode
from opto.trace.source import Source, find_source, head_of
from opto.trace.surroundings import Surroundings

if TYPE_CHECKING:
    from opto.trace.projections import Projection

_KEPT = 64
"""Rewrites of one function kept ready to run."""


class CodeParameter(ParameterNode[str]):
    """The source text of a trainable function."""

    __slots__ = ("code",)
    holds_code = True

    code: Code
    """How the text becomes a function; shared by the copies that instances train."""

    @property
    def data(self) -> str:
        return str(super().data)

    def check(self, text: str) -> str:
        """The text to install for a proposed `text`.

        Raises:
            SyntaxError: It is no Python.
            CodeRejected: It is another function than it must be.
        """
        return self.code.check(text)

    def _forget_origin(self, origin: Any) -> None:
        super()._forget_origin(origin)
        self.code = origin.code


class Code:
    """What stays the same while the text of a function changes."""

    def __init__(self, maker: FunModule[Any, Any], source: Source, around: Surroundings) -> None:
        self.name = maker.__name__
        self.source = source
        self.around = around
        self.options = maker.options
        self.rules = Rules.of(source, maker.options, around.modules())
        self._ready: dict[str, Callable[..., Any]] = {}

    def check(self, text: str) -> str:
        """`text` without fences and our decorators, if it may stand for the function."""
        try:
            return check_code(text, self.rules)
        except SyntaxError as fault:
            fault.filename = list_source(text, self.name)
            raise

    def __reduce__(self) -> tuple[Any, ...]:
        from opto.trace.pickled import code_again, place_of  # noqa: PLC0415  (rarely needed)

        return code_again, (*place_of(self.around.function), self.options)

    def function(self, maker: FunModule[Any, Any]) -> Callable[..., Any]:
        """The function as the parameter of `maker` says.

        Raises:
            SyntaxError: The text is no Python.
            CodeRejected: The text is not the function it must be.
        """
        assert maker.parameter is not None  # noqa: S101  (set together with this object)
        text = str(maker.parameter._now)
        if text == self.source.text:
            return maker.fun
        ready = self._ready.get(text)
        if ready is None:
            ready = self._made(text)
            if len(self._ready) >= _KEPT:
                self._ready.pop(next(iter(self._ready)), None)
            self._ready[text] = ready
        return ready

    def _made(self, text: str) -> Callable[..., Any]:
        checked = self.check(text)
        if self.options.trust:
            from opto.trace.trusted import define  # noqa: PLC0415  (only where the user trusts)

            return define(checked, self.name, self.around)
        from opto.trace.runner import sandboxed  # noqa: PLC0415  (loads the sandbox when needed)

        return sandboxed(checked, self.name, self.around, self.options.timeout_s)


def make_trainable(
    maker: FunModule[Any, Any], frame: FrameType | None, projections: Sequence[Projection] | None
) -> None:
    """Give a bundled function its source as parameter.

    Args:
        maker: The function.
        frame: Where it was decorated; names of the enclosing function are found through it. None
            for a function that is found again, at the top of a module.
        projections: Applied to every proposed text.

    Raises:
        SourceError: The text cannot be found, or is a lambda.
    """
    source = find_source(maker.fun)
    if source is None or source.tree is None:
        what = "a lambda" if source is not None else "defined where no file holds its text"
        raise SourceError(
            f"{maker.__name__} cannot be trainable: it is {what}.",
            fix="Define it with `def` in a file or a notebook cell.",
        )
    code = Code(maker, source, Surroundings(maker.fun, frame))
    parameter = CodeParameter(
        source.text,
        name="__code",
        description=f"The code should start with:\n{head_of(source.text)}",
        projections=projections,
    )
    parameter.code = code
    maker.code, maker.parameter = code, parameter
    maker.doc = (
        f"Runs {maker.op_name}, whose source is the input __code, on the other inputs. {maker.doc}"
    ).strip()
    maker.op_name = "eval"
    maker.output_name = maker.output_name or "eval"
