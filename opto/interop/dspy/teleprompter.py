"""Our optimizers as dspy's: `Teleprompter(...).compile(student, trainset=...)`.

Lives here: `Teleprompter`, and the result that a compiled program carries.
Never here: the search, tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import dspy
from dspy.teleprompt import Teleprompter as DspyTeleprompter

from opto.interop.dspy.chat import Chat
from opto.interop.dspy.errors import ProgramError
from opto.interop.dspy.task import DspyTask
from opto.optimizers.search.catalog import named, names
from opto.optimizers.search.rewriter import Rewriter
from opto.search.algorithm import Algorithm
from opto.search.budget import Budget
from opto.search.registry import as_algorithm
from opto.search.registry import optimizer as by_name
from opto.search.result import Result
from opto.search.spec import Spec
from opto.search.study import Study


class CompiledResult(Result):
    """The result of a search, attached to a program: not copied with it, saved as a summary."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledResult:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (self.to_json(),)


class Teleprompter(DspyTeleprompter):  # type: ignore[misc]  # dspy has no types
    """An algorithm of opto with dspy's interface.

    The compiled program has the best instructions and demonstrations found; its `opto_result` says
    how good they are on data that did not choose them, and what the search took.
    """

    def __init__(
        self,
        optimizer: str | Spec | Algorithm = "opto",
        *,
        metric: Callable[..., Any],
        budget: Budget,
        prompt_model: Any = None,
        **options: Any,
    ) -> None:
        """Say how to search; see `opto.optimize` for names and budgets.

        Args:
            optimizer: Name of an algorithm, a Spec, or an Algorithm, which has its own model.
            metric: See `opto.interop.dspy.metric`.
            budget: Limits for everything: evaluations, proposals and the final score.
            prompt_model: Who writes candidates: a model of dspy, or one of opto as `Rewriter` takes
                it. None: `dspy.settings.lm`, or the configured model of opto where there is none.
            options: `seed`, `workers`, `store`, `run`, `rules` of `Study`; all others, such as
                `demos`, `worst` and `deterministic`, of `DspyTask`.

        Raises:
            ProgramError: There is a `prompt_model` for an Algorithm.
            UnknownOptimizerError: No algorithm has that name.
        """
        super().__init__()
        self.metric, self.budget, self.prompt_model = metric, budget, prompt_model
        self.optimizer = optimizer
        study = ("seed", "workers", "store", "run", "rules")
        self._study = {name: options.pop(name) for name in study if name in options}
        self._task = options
        self._algorithm()  # a wrong name is found here, not after an hour

    def compile(
        self,
        student: Any,
        *,
        trainset: Sequence[Any],
        valset: Sequence[Any] | None = None,
        teacher: Any = None,
    ) -> Any:
        """A better copy of `student`, with `opto_result`.

        Args:
            student: The program; it is not changed.
            trainset: Examples that proposers may see.
            valset: Examples that choose between candidates; the trainset when None.
            teacher: None; these algorithms have no use for one.

        Raises:
            ProgramError: There is a teacher, or the program or an example cannot be used.
            OptoError: And KeyboardInterrupt: see `Study.run`.
        """
        if teacher is not None:
            raise ProgramError(
                "opto's algorithms learn from no teacher.",
                where="Teleprompter.compile",
                fix="Leave it out; a stronger model that writes candidates is the prompt_model.",
            )
        task = DspyTask(student, trainset, self.metric, val=valset, **self._task)
        found = Study(task, self._algorithm(), self.budget, **self._study).run()
        program = task.built(found.best)
        program._compiled = True  # noqa: SLF001  (dspy's own mark)
        parts = {part.name: getattr(found, part.name) for part in fields(found)}
        program.opto_result = CompiledResult(**parts)
        return program

    def _algorithm(self) -> Algorithm:
        chosen = self.optimizer
        if isinstance(chosen, str) and chosen in names():
            chosen = named(chosen)
        model = self.prompt_model if self.prompt_model is not None else dspy.settings.lm
        if isinstance(chosen, Spec):
            return chosen.algorithm(
                Rewriter(Chat(model) if isinstance(model, dspy.BaseLM) else model)
            )
        if self.prompt_model is not None:
            raise ProgramError(
                "An Algorithm has its own model; the prompt_model would not be used.",
                where="Teleprompter",
                fix="Give the name of an algorithm or a Spec, or leave the prompt_model out.",
            )
        return by_name(chosen) if isinstance(chosen, str) else as_algorithm(chosen, "given")
