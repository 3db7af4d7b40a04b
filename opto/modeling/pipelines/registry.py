"""Pipelines by name, and which one suits a model.

Lives here: the table of names. Never here: a pipeline.
"""

from __future__ import annotations

from difflib import get_close_matches

from opto.errors import InputError
from opto.llm.client import LM
from opto.modeling.pipelines.base import Pipeline
from opto.modeling.pipelines.compact import Compact
from opto.modeling.pipelines.guided import Guided
from opto.modeling.pipelines.orthought import Orthought
from opto.modeling.pipelines.standard import Standard

PIPELINES: dict[str, Pipeline] = {
    pipeline.name: pipeline
    for pipeline in (
        Standard(),
        Orthought(),
        Compact(),
        Guided(),
    )
}


def choose_pipeline(name: str | None, lm: LM, *, tables: bool = False) -> Pipeline:
    """The pipeline called `name`, or the one measured best for the kind of model `lm` is.

    Args:
        name: A name of `PIPELINES`, or None.
        lm: Who will be asked.
        tables: Does the problem come with tables? `guided` does not read them.

    Raises:
        InputError: No pipeline has that name; a near miss is named.
    """
    if name is None:
        small = "standard" if tables else "guided"
        name = small if lm.name.startswith("llamacpp:") else "orthought"
    if name in PIPELINES:
        return PIPELINES[name]
    near = get_close_matches(name, PIPELINES, n=1)
    raise InputError(
        f"There is no pipeline {name!r}.",
        fix=(f"Did you mean {near[0]!r}? " if near else "") + f"Known: {', '.join(PIPELINES)}.",
    )
