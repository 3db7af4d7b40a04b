"""Tasks made of what users have: texts with a function.

Lives here: `TextTask`, and `Examples`, the part all adapters share.
Never here: programs of the trace (`opto.search.program`), running several at once.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.cost import Cost
from opto.search.demos import demo_components, without
from opto.search.errors import SearchError
from opto.search.guide import Guide, outcome_of
from opto.search.results import Outcome
from opto.search.task import Example, input_of


class Examples:
    """Examples, a guide, and what every task says of itself."""

    def __init__(
        self,
        train: Sequence[Example],
        guide: Guide,
        *,
        val: Sequence[Example] | None = None,
        deterministic: bool = False,
        worst: Cost | None = None,
    ) -> None:
        """Hold them.

        Args:
            train: `(input, target)` pairs, mappings with `input` and `target`, or bare inputs.
            guide: Scores an output; see `opto.search.guide`.
            val: Examples that choose between candidates; `train` when None.
            deterministic: Does the same candidate always score the same on an example?
            worst: The most one evaluation can cost, where models are called inside.

        Raises:
            SearchError: There is no example, or the guide cannot be called.
        """
        for given in (train, () if val is None else val):
            if isinstance(given, str) or not hasattr(given, "__len__"):
                raise SearchError(
                    f"Examples are a list, not {type(given).__name__}.",
                    fix="Give a list of (input, target) pairs; list(...) makes one of a generator.",
                )
        if not callable(guide):
            raise SearchError(
                f"A guide is a function of (output, example), not {guide!r}.",
                fix="For example opto.search.exact_match, or one of yours that gives a score.",
            )
        if not len(train) or (val is not None and not len(val)):
            raise SearchError("There is no example to score on.", fix="Give at least one.")
        self.train, self.val = train, train if val is None else val
        self.guide, self.deterministic = guide, deterministic
        self.worst = Cost(metric=1) if worst is None else worst
        self.best_score: float | None = getattr(guide, "best_score", None)


class TextTask(Examples):
    """Named texts (or other JSON values) and a function that uses them."""

    def __init__(
        self,
        texts: Mapping[str, JSON],
        function: Callable[[Mapping[str, JSON], Any], Any],
        train: Sequence[Example],
        guide: Guide,
        **options: Any,
    ) -> None:
        """Make a task.

        Args:
            texts: Component to its value now.
            function: Called with the values of a candidate and the input of an example; gives the
                output. May be async. Of demonstrations (`opto.search.demos`) it does not see that
                of the example itself.
            train: See `Examples`.
            guide: See `Examples`.
            options: Of `Examples`.
        """
        super().__init__(train, guide, **options)
        self.seed = Candidate(texts)
        self.components: Mapping[str, str] = dict.fromkeys(self.seed.values, "")
        self._function = function
        self._demos = demo_components(self)

    def evaluate(
        self,
        candidate: Candidate,
        example: Example,
        rep: int,  # noqa: ARG002  (Protocol)
        stream: random.Random,  # noqa: ARG002
    ) -> Outcome | Awaitable[Outcome]:
        values = without(candidate, self._demos, example)
        output = self._function(values, input_of(example))
        if inspect.isawaitable(output):
            return self._later(output, example)
        verdict = self.guide(output, example)
        if inspect.isawaitable(verdict):
            return _judged_later(verdict, output)
        return outcome_of(verdict, output=output)

    def admit(self, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """The values, if each has the type of the value it replaces."""
        for name, value in values.items():
            check_type(name, value, self.seed.values[name])
        return values

    async def _later(self, output: Awaitable[Any], example: Example) -> Outcome:
        done = await output
        verdict = self.guide(done, example)
        verdict = await verdict if inspect.isawaitable(verdict) else verdict
        return outcome_of(verdict, output=done)


async def _judged_later(verdict: Awaitable[Any], output: Any) -> Outcome:
    return outcome_of(await verdict, output=output)


def check_type(name: str, value: JSON, before: JSON) -> None:
    """Is `value` of the type of what it replaces? Whole numbers may stand for others.

    Raises:
        ValueError: It is not.
    """
    if before is None or type(value) is type(before):
        return
    if type(before) is float and type(value) is int:
        return
    raise ValueError(f"{name} must be {type(before).__name__}, not {type(value).__name__}.")
