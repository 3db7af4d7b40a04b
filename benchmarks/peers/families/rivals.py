"""Peers on the families, through their own code: gepa and optuna; heuristics for tours.

Lives here: one adapter each; they run in the environment of the peer.
Never here: our algorithms, families.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from benchmarks.peers.families import rows
from benchmarks.peers.families.dice import stream
from benchmarks.peers.families.meter import BudgetSpentError, CrashError, Meter
from benchmarks.peers.families.numeric import Numeric, written
from benchmarks.peers.families.reading import read_gepa, write_gepa
from benchmarks.peers.families.tours import HEURISTICS, Tours
from benchmarks.peers.families.tours import written as tour_text
from benchmarks.peers.families.world import Value, Values

_TRIAL, _TRIAL_NUMERIC = 20, 5
"""Validation examples of a trial of optuna, drawn for each trial; fewer where noise is small."""


class GepaAdapter:
    """What gepa needs to know of a world."""

    propose_new_texts = None

    def __init__(self, meter: Meter, batch_type: Callable[..., Any]) -> None:
        self._meter, self._batch = meter, batch_type

    def evaluate(
        self,
        batch: Sequence[Any],
        candidate: Mapping[str, str],
        capture_traces: bool = False,  # noqa: FBT001, FBT002  (gepa's)
    ) -> Any:
        """A crash is a score of 0, as gepa's documentation asks for."""
        found = [self._one(candidate, *example) for example in batch]
        traces = [{"x": e[1], "said": said} for e, (_, said) in zip(batch, found, strict=True)]
        return self._batch(
            outputs=[said for _, said in found],
            scores=[score for score, _ in found],
            trajectories=traces if capture_traces else None,
        )

    def make_reflective_dataset(
        self, candidate: Mapping[str, str], batch: Any, components: Sequence[str]
    ) -> Any:
        """The same feedback for every component."""
        del candidate
        records = [
            {"Inputs": f"task {trace['x']}", "Feedback": trace["said"]}
            for trace in batch.trajectories
        ]
        return dict.fromkeys(components, records)

    def _one(self, candidate: Mapping[str, str], split: str, example: int) -> tuple[float, str]:
        try:
            return self._meter.evaluate(_typed(self._meter, candidate), split, example)
        except CrashError as crash:
            return 0.0, str(crash)


class _Silent:
    def log(self, *_: Any, **__: Any) -> None:
        """Nothing."""


def run_gepa(meter: Meter, *, n_val: int, minibatch: int = 3, **options: Any) -> None:
    """The peer's own loop; its incumbent is the best mean on the validation set."""
    gepa = import_module("gepa")
    batch_type = import_module("gepa.core.adapter").EvaluationBatch
    world = meter.world

    class Watch:
        def on_valset_evaluated(self, event: Mapping[str, Any]) -> None:
            if event["is_best_program"]:
                meter.recommend(_typed(meter, event["candidate"]), event["average_score"])

    def reflect(prompt: Any) -> str:
        text = prompt if isinstance(prompt, str) else str(prompt)
        number = meter.asked(text, None)
        component = _component(text, world.about)
        edited = world.edit(read_gepa(text, component), stream("edit", meter.seed, text, number))
        return write_gepa(edited[component]) if edited else "I am unable to help."

    result = gepa.optimize(
        seed_candidate={name: str(value) for name, value in world.start.items()},
        trainset=[("train", at) for at in range(world.size)],
        valset=[("val", at) for at in range(min(n_val, world.size))],
        adapter=GepaAdapter(meter, batch_type),
        reflection_lm=reflect,
        reflection_prompt_template={
            name: _TEMPLATE.replace("COMPONENT", f"{name}: {about}")
            for name, about in world.about.items()
        },
        reflection_minibatch_size=min(minibatch, world.size),
        max_metric_calls=meter.budget,
        seed=meter.seed,
        logger=_Silent(),
        callbacks=[Watch()],
        raise_on_exception=not meter.faults.llm,
        **options,
    )
    meter.recommend(_typed(meter, result.best_candidate), max(result.val_aggregate_scores))


_TEMPLATE = (
    "Present value of [COMPONENT]\n```\n<curr_param>\n```\n\n"
    "What it did:\n<side_info>\n\nWrite a better value between lines of ```."
)
"""gepa's own template does not say which component it rewrites or what it is for; this does."""


def _component(text: str, about: Mapping[str, str]) -> str:
    return next(name for name in about if f"[{name}: {about[name]}]" in text)


def _typed(meter: Meter, candidate: Mapping[str, str]) -> dict[str, Value]:
    """Values in the types of the start."""
    start = meter.world.start
    found: dict[str, Value] = {}
    for name, value in candidate.items():
        bit = isinstance(start[name], int)
        found[name] = int(value.strip() == "1") if bit else value
    return found


def run_optuna(meter: Meter, sampler: str) -> None:
    """A trial is the mean over a minibatch; the best trial is returned."""
    optuna = import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    made = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}[sampler]
    study = optuna.create_study(direction="maximize", sampler=made(seed=meter.seed))
    meter.hard = True
    best = float("-inf")
    with contextlib.suppress(BudgetSpentError):
        while meter.metric < meter.budget:
            trial = study.ask()
            values = _suggested(trial, meter)
            score = _mean(meter, values, trial.number)
            if score is None:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                continue
            study.tell(trial, score)
            if score > best:
                best = score
                meter.recommend(values, score)


def _suggested(trial: Any, meter: Meter) -> Values:
    world = meter.world
    if isinstance(world, Numeric):
        return {"x": written([trial.suggest_float(f"x{at}", -3, 3) for at in range(world.d)], 0)}
    if isinstance(world, Tours):
        keys = [trial.suggest_float(f"k{at}", 0, 1) for at in range(world.n)]
        return {"tour": tour_text(sorted(range(world.n), key=lambda at: keys[at]))}
    choices = world.choices or {}
    return {name: trial.suggest_categorical(name, list(known)) for name, known in choices.items()}


def _mean(meter: Meter, values: Values, trial: int) -> float | None:
    """Mean over the minibatch of this trial; None if all of it crashed."""
    most = _TRIAL_NUMERIC if isinstance(meter.world, Numeric) else _TRIAL
    size = min(most, meter.world.size)
    examples = stream("minibatch", meter.seed, trial).sample(range(meter.world.size), size)
    scores = []
    for example in examples:
        with contextlib.suppress(CrashError):
            scores.append(meter.evaluate(values, "val", example)[0])
    return sum(scores) / len(scores) if scores else None


def run_heuristic(meter: Meter, name: str) -> None:
    """A tour without a model; one call, for its length."""
    world = meter.world
    assert isinstance(world, Tours)  # noqa: S101  (rows of tours only)
    values = {"tour": tour_text(HEURISTICS[name](world.cities))}
    meter.recommend(values, meter.evaluate(values, "val", 0)[0])


OPTUNA = ("optuna_tpe", "optuna_random")


def run(meter: Meter, row: str) -> None:
    """One row of a peer."""
    if row in HEURISTICS:
        run_heuristic(meter, row)
    elif row in OPTUNA:
        run_optuna(meter, row.partition("_")[2])
    else:
        kinds: dict[str, dict[str, Any]] = {
            "gepa_merge": {"use_merge": True},
            "gepa_best": {"candidate_selection_strategy": "current_best"},
        }
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run_gepa(meter, n_val=rows.VALIDATION, **kinds.get(row, {}))
