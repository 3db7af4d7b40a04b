"""Solve a problem in words from Python, in one call.

Lives here: the sync entry point for scripts and notebooks.
Never here: anything `solve_problem` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opto.llm.client import LM
from opto.llm.loop import BACKGROUND
from opto.llm.open import open_model
from opto.modeling.agent import SolveOptions, solve_problem
from opto.modeling.answer import Answer
from opto.modeling.pipelines.registry import choose_pipeline
from opto.modeling.problem import read_problem


def solve(
    source: str,
    *,
    model: str | LM | None = None,
    tables: Sequence[Path] = (),
    pipeline: str | None = None,
    options: SolveOptions | None = None,
) -> Answer:
    """The answer to a problem in words; what `opto solve` prints, as a value.

    Args:
        source: The text, or the path of a text file.
        model: A model spec such as `openai:gpt-4.1`, an open `LM`, or None for the one in the
            settings.
        tables: CSV files; their cells never enter a prompt.
        pipeline: Name of a pipeline; None takes the one that suits the model.
        options: How far to go.

    Raises:
        InputError: The source or a table cannot be used.
        opto.llm.errors.ModelCallError: The model gave no answer.
        NotAModelError: The model's answers could not be read as a model.
    """
    problem = read_problem(source, tables=tables)
    if isinstance(model, LM):
        chosen = choose_pipeline(pipeline, model, tables=bool(tables))
        return BACKGROUND.run(solve_problem(problem, model, pipeline=chosen, options=options))
    with open_model(model) as lm:
        chosen = choose_pipeline(pipeline, lm, tables=bool(tables))
        return BACKGROUND.run(solve_problem(problem, lm, pipeline=chosen, options=options))
