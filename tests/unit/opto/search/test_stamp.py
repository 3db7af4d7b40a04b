"""A run says how the code that a model wrote was confined."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from opto.search import Budget, Evaluate, ProgramTask, Study, exact_match
from opto.trace import bundle
from traces.read import events
from traces.store.sqlite import Store


@bundle(trainable=True)
def double(x: int) -> int:
    return x


class OneRewrite:
    """Measures one rewrite of the program and recommends it."""

    name = "one_rewrite"
    reserve = 0.0

    def describe(self) -> dict[str, Any]:
        return {}

    def run(self, view: Any) -> Generator[Sequence[Any], Sequence[Any], Any]:
        path = next(iter(view.task.seed.values))
        code = "def double(x: int) -> int:\n    return 2 * x"
        child = view.task.seed.edited({path: code}, op="rewrite")
        yield [Evaluate(child, 0)]
        return child

    def propose(self, *_: Any) -> Any:
        raise AssertionError("nothing is proposed")


def test_the_end_of_a_run_names_the_level_its_code_ran_at(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.db")
    task = ProgramTask(double, [{"input": 21, "target": 42}], exact_match)

    result = Study(task, OneRewrite(), Budget(metric=3), store=store, run="one").run()

    [end] = events(store, "one", kind="opt.end")
    assert result.score == 1.0
    assert end.data["sandbox"]
    assert set(end.data["sandbox"]) <= {"strong", "kernel"}
