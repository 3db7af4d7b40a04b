"""Programs with parameters of the trace as tasks.

A candidate's values are in force only in the context that evaluates it, so one program serves any
number of candidates at once without a copy.

Lives here: `ProgramTask`, and how parameters get names that are the same in every process.
Never here: the graph, rendering, optimizers' prompts.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from opto.search.adapters import Examples, check_type
from opto.search.candidate import Candidate
from opto.search.canon import JSON, clean
from opto.search.demos import demo_components, without
from opto.search.errors import SearchError
from opto.search.guide import Guide, outcome_of
from opto.search.results import Outcome
from opto.search.task import Example, input_of
from opto.search.tracing import text_of
from opto.trace.bundle import FunModule
from opto.trace.code import CodeParameter
from opto.trace.errors import ExecutionError
from opto.trace.gather import to_data
from opto.trace.modules import ParameterContainer
from opto.trace.nodes import ParameterNode
from opto.trace.state import trial_values
from traces.errors import EventError


class ProgramTask(Examples):
    """A bundled function, a Module, a `@model` object, or any callable with `.parameters()`.

    Of demonstrations (`opto.search.demos`) the program does not see that of the example itself.
    """

    def __init__(
        self,
        program: Any,
        train: Sequence[Example],
        guide: Guide,
        *,
        call: Callable[[Any, Example], Any] | None = None,
        trace_tokens: int = 2_000,
        **options: Any,
    ) -> None:
        """Make a task.

        Args:
            program: What is trained; its trainable parameters are the components.
            train: See `Examples`.
            guide: Gets the output as plain data, without nodes.
            call: How to run the program on an example; by default on its input.
            trace_tokens: Length of the rollouts' trace, about; 0 for none.
            options: Of `Examples`.

        Raises:
            SearchError: It has no trainable parameter, or one whose value is not JSON.
        """
        super().__init__(train, guide, **options)
        self.program = program
        self.parameters: dict[str, ParameterNode[Any]] = parameter_paths(program)
        if not self.parameters:
            raise SearchError(
                "The program has no trainable parameter.",
                fix="Make one: node(value, trainable=True), or bundle(trainable=True).",
            )
        self.seed = Candidate({path: _value(path, p) for path, p in self.parameters.items()})
        self.components: Mapping[str, str] = {
            path: parameter.description or "" for path, parameter in self.parameters.items()
        }
        self._demos = demo_components(self)
        self._call = call or (lambda program, example: program(input_of(example)))
        self._trace_tokens = trace_tokens

    def evaluate(
        self,
        candidate: Candidate,
        example: Example,
        rep: int,  # noqa: ARG002  (Protocol)
        stream: random.Random,  # noqa: ARG002
    ) -> Outcome | Awaitable[Outcome]:
        values = self._trial(without(candidate, self._demos, example))
        with trial_values(values):
            try:
                output = self._call(self.program, example)
                if inspect.isawaitable(output):
                    return self._later(output, example, values)
            except ExecutionError as error:
                return self._failed(error)
            verdict = self.guide(to_data(output), example)
            if inspect.isawaitable(verdict):
                return self._judged_later(verdict, output, values)
            return self._judged(verdict, output)

    def admit(self, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """The values after the parameters' projections, code checked.

        Raises:
            ValueError, SyntaxError: One cannot be the value of its parameter.
        """
        found: dict[str, JSON] = {}
        for path, parameter in self.parameters.items():
            value = values[path]
            for projection in parameter.projections:
                value = projection.project(value)
            check_type(path, value, self.seed.values[path])
            if isinstance(parameter, CodeParameter) and value != self.seed.values[path]:
                value = parameter.check(str(value))
            found[path] = value
        return found

    def apply(self, candidate: Candidate) -> None:
        """Write the values into the program's parameters."""
        for parameter, value in self._trial(candidate.values).items():
            parameter._data = value  # noqa: SLF001  (how parameters are assigned)

    def _trial(self, values: Mapping[str, JSON]) -> dict[ParameterNode[Any], JSON]:
        return {self.parameters[path]: value for path, value in values.items()}

    def _judged(self, verdict: Any, output: Any) -> Outcome:
        outcome = outcome_of(verdict, output=to_data(output))
        trace = text_of(output, outcome.feedback, self.parameters, budget_tokens=self._trace_tokens)
        return replace(outcome, trace=trace)

    def _failed(self, error: ExecutionError) -> Outcome:
        """The program raised: that is the candidate's doing, and worth telling."""
        node = error.exception_node
        feedback = node.create_feedback("full")
        trace = text_of(node, feedback, self.parameters, budget_tokens=self._trace_tokens)
        return Outcome(float(getattr(self.guide, "error_score", 0.0)), {}, feedback, trace)

    async def _later(
        self, output: Awaitable[Any], example: Example, values: Mapping[Any, JSON]
    ) -> Outcome:
        with trial_values(values):
            try:
                done = await output
            except ExecutionError as error:
                return self._failed(error)
            verdict = self.guide(to_data(done), example)
            if inspect.isawaitable(verdict):
                verdict = await verdict
            return self._judged(verdict, done)

    async def _judged_later(
        self, verdict: Awaitable[Any], output: Any, values: Mapping[Any, JSON]
    ) -> Outcome:
        with trial_values(values):
            return self._judged(await verdict, output)


def parameter_paths(program: Any) -> dict[str, ParameterNode[Any]]:
    """The trainable parameters by where they are: `agent.prompt`; the same in every process.

    A parameter that is found in two places has its first. Of a program that is no container of the
    trace, the order of `parameters()` numbers them.
    """
    found: dict[str, ParameterNode[Any]] = {}
    seen: set[int] = set()
    if isinstance(program, ParameterContainer):
        pairs = _walk(program, getattr(program, "__name__", "") or "", set())
        if not isinstance(program, FunModule):
            pairs = _walk(program, "", set())
    else:
        own = list(program.parameters()) if hasattr(program, "parameters") else []
        pairs = iter([(f"{n}.{p.py_name.removesuffix(p.id)}", p) for n, p in enumerate(own)])
    for path, parameter in pairs:
        if parameter.trainable and id(parameter) not in seen:
            seen.add(id(parameter))
            found[path] = parameter
    return found


def _walk(
    holder: ParameterContainer, path: str, seen: set[int]
) -> Iterator[tuple[str, ParameterNode[Any]]]:
    if id(holder) in seen:
        return
    seen.add(id(holder))
    for name, part in holder.parameters_dict().items():
        inner = path if isinstance(holder, FunModule) else f"{path}.{name}".lstrip(".")
        if isinstance(part, ParameterNode):
            yield inner, part
        else:
            yield from _walk(part, inner, seen)


def _value(path: str, parameter: ParameterNode[Any]) -> JSON:
    try:
        value = clean(parameter.data, where=path)
    except EventError as error:
        raise SearchError(
            f"The value of the parameter {path} is no JSON: {error.what}",
            where=path,
            fix="Train texts, numbers, booleans, lists and dicts; make others trainable=False.",
        ) from error
    if value != parameter.data or isinstance(parameter.data, tuple):
        raise SearchError(
            f"The value of the parameter {path} would change: {type(parameter.data).__name__} is "
            "not JSON.",
            where=path,
            fix="Use a list in place of a tuple.",
        )
    return value
