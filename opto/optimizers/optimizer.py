"""The three verbs: `zero_feedback`, `backward`, `step`.

Lives here: what every optimizer has, and the shape of one that users write.
Never here: prompts, models, the search over many candidates.
"""

from __future__ import annotations

import copy
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from opto.optimizers.errors import NoFeedback, OptimizerError, ParameterError
from opto.trace.base import Node
from opto.trace.nodes import ParameterNode
from opto.trace.propagators import sum_feedback
from opto.trace.propagators.graph_propagator import GraphPropagator

if TYPE_CHECKING:
    from pathlib import Path

    from opto.optimizers.report import StepReport
    from opto.trace.propagators import AbstractPropagator

Update = dict[ParameterNode[Any], Any]
_log = logging.getLogger("opto.optimizers")
_SHARED = frozenset({"parameters", "_propagator", "last"})
"""Attributes a deep copy shares with its origin: it optimizes the same parameters."""


class AbstractOptimizer(ABC):
    """Something that changes parameters after feedback."""

    def __init__(self, parameters: Iterable[ParameterNode[Any]]) -> None:
        self.parameters = _checked(parameters)

    @property
    @abstractmethod
    def propagator(self) -> AbstractPropagator:
        """The rule that carries feedback through the graph."""

    @abstractmethod
    def step(self, *args: Any, **kwargs: Any) -> Any:
        """Change the parameters according to their feedback."""

    @abstractmethod
    def zero_feedback(self) -> None:
        """Forget the feedback given so far."""


class Optimizer(AbstractOptimizer):
    """Base of optimizers over traces. Derive and write `_step`.

    `last` is the `StepReport` of the latest step of an optimizer that asks a model.
    """

    def __init__(
        self,
        parameters: Iterable[ParameterNode[Any]],
        *args: Any,
        propagator: AbstractPropagator | None = None,
        **kwargs: Any,
    ) -> None:
        """Hold the parameters; a parameter given twice counts once.

        Args:
            parameters: What may be changed.
            args: None; options have names.
            propagator: The rule that carries feedback; None for the optimizer's own.
            kwargs: None; the name nearest to an unknown option is in the error.

        Raises:
            ParameterError: There is none, or something else than a parameter among them.
            OptionError: An option is not known.
        """
        super().__init__(parameters)
        if args or kwargs:
            from opto.optimizers.options import unknown_option  # noqa: PLC0415  (errors only)

            raise unknown_option(type(self), args, kwargs)
        self._propagator = propagator if propagator is not None else self.default_propagator()
        self.last: StepReport | None = None

    @property
    def propagator(self) -> AbstractPropagator:
        """The rule given to `backward`."""
        return self._propagator

    def default_propagator(self) -> AbstractPropagator:
        """The rule where the user gives none."""
        return GraphPropagator()

    @property
    def trace_graph(self) -> Any:
        """All feedback on the trainable parameters, added up; 0 where there is none."""
        return sum_feedback(node for node in self.parameters if node.trainable)

    def zero_feedback(self) -> None:
        for parameter in self.parameters:
            parameter.zero_feedback()

    def backward(self, node: Node[Any], *args: Any, **kwargs: Any) -> Any:
        """Send feedback on `node` to the parameters: `backward(output, "too long")`."""
        return node.backward(*args, **{"propagator": self._propagator, **kwargs})

    def step(self, bypassing: bool = False, *args: Any, **kwargs: Any) -> Update:  # noqa: FBT001, FBT002  (Trace's signature)
        """Propose values for the parameters and install them.

        Args:
            bypassing: Only return the values; install nothing.
            args: Given to `propose`.
            kwargs: Given to `propose`; see the optimizer's `_step`.

        Returns:
            The new value of each parameter that gets one. `last` says what became of the rest.

        Raises:
            ParameterError: No parameter is trainable.
            NoFeedback: There was no `backward` since `zero_feedback`.
        """
        update = self.propose(*args, **kwargs)
        self.project(update)
        if not bypassing:
            self.update(update)
        return update

    def propose(self, *args: Any, **kwargs: Any) -> Update:
        """The values this optimizer suggests now; nothing is installed."""
        self._require_feedback()
        return self._step(*args, **kwargs)

    @abstractmethod
    def _step(self, *args: Any, **kwargs: Any) -> Update:
        """New values, from `trace_graph` or from each parameter's `feedback`."""

    def project(self, update_dict: Update) -> None:
        """Apply each parameter's projections to its proposed value, in place.

        What a projection makes of code is checked again; what fails is dropped with a warning.
        """
        for parameter, value in list(update_dict.items()):
            for projection in parameter.projections:
                value = projection.project(value)  # noqa: PLW2901  (each works on the last)
            if value is not update_dict[parameter]:
                self._accept(parameter, value, update_dict)

    def _accept(self, parameter: ParameterNode[Any], value: Any, update_dict: Update) -> None:
        check = getattr(parameter, "check", None)
        try:
            update_dict[parameter] = value if check is None else check(value)
        except (SyntaxError, ValueError) as fault:
            del update_dict[parameter]
            _log.warning("The projections of %s spoilt its value: %s", parameter.name, fault)

    def update(self, update_dict: Mapping[ParameterNode[Any], Any]) -> None:
        """Install values."""
        for parameter, value in update_dict.items():
            parameter._data = value  # noqa: SLF001  (the one documented way to assign)

    def _require_feedback(self) -> None:
        if not any(parameter.trainable for parameter in self.parameters):
            raise ParameterError(
                "None of the parameters is trainable, so there is nothing to change.",
                where=", ".join(parameter.name for parameter in self.parameters[:5]),
                fix="Make them with node(value, trainable=True) or bundle(trainable=True).",
            )
        if not any(node.feedback for node in self.parameters if node.trainable):
            raise NoFeedback(
                "step() was called, but no parameter has received feedback.",
                where=f"{type(self).__name__} with {len(self.parameters)} parameters",
                fix="Call backward(output, feedback) first, on an output computed from them.",
            )

    def save(self, path: str | Path) -> None:
        """Write the state, without parameters and model, as JSON."""
        import json  # noqa: PLC0415  (only when saved)
        from pathlib import Path  # noqa: PLC0415

        state = {"optimizer": type(self).__name__, "version": 1, "state": self.state()}
        Path(path).write_text(json.dumps(state, ensure_ascii=False, indent=1), encoding="utf-8")

    def load(self, path: str | Path) -> None:
        """Take over the state that `save` wrote.

        Raises:
            OptimizerError: The file holds the state of another optimizer, or no state.
        """
        import json  # noqa: PLC0415
        from pathlib import Path  # noqa: PLC0415

        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            name, state = found["optimizer"], found["state"]
        except (ValueError, KeyError, TypeError) as fault:
            raise OptimizerError(f"{path} holds no state of an optimizer.") from fault
        if name != type(self).__name__:
            raise OptimizerError(
                f"{path} holds the state of {name}.", fix=f"Load it into a {name}, not this one."
            )
        self.set_state(state)

    def state(self) -> dict[str, Any]:
        """What the optimizer remembers between steps, as JSON values."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = self.__class__.__new__(self.__class__)
        memo[id(self)] = twin
        for name, value in self.__dict__.items():
            shared = name in _SHARED
            twin.__dict__[name] = value if shared else copy.deepcopy(value, memo)
        twin.parameters = list(self.parameters)
        return twin


def _checked(parameters: Iterable[ParameterNode[Any]]) -> list[ParameterNode[Any]]:
    """The parameters, each once, in their order."""
    if isinstance(parameters, Node):
        parameters = [parameters]  # type: ignore[list-item]  # looked at below
    distinct = list({id(parameter): parameter for parameter in parameters}.values())
    odd = [type(item).__name__ for item in distinct if not isinstance(item, ParameterNode)]
    if odd:
        raise ParameterError(
            f"A {odd[0]} is no parameter.",
            fix="Give nodes made with trainable=True, such as f.parameter or agent.parameters().",
        )
    if not distinct:
        raise ParameterError(
            "There are no parameters to optimize.",
            fix="Give nodes made with trainable=True, such as f.parameter or agent.parameters().",
        )
    return distinct
