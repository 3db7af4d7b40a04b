"""What an evaluation was asked to do, as its run records it, so that a resume needs only a name.

Lives here: `BenchSpec`, its event, reading the problems it draws.
Never here: doing it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from benchmarks.datasets import beside, load, with_labels
from benchmarks.items import Item
from opto.errors import InputError
from traces.errors import UnknownRunError
from traces.read import events
from traces.store.sqlite import Store

SPEC = "bench.spec"
"""The first event of a run of `opto bench run`: a `BenchSpec`, and `problems`, how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSpec:
    """One evaluation. What may differ on a resume (workers, limits of cost) is not part of it."""

    set: str
    """Name of a data set, or path of a file."""
    data: str | None = None
    """File that holds it; None: downloaded, or shipped."""
    answers: str | None = None
    """Which version of the answers, where a set has several."""
    split: str | None = None
    """Only problems of this split, such as `test`."""
    labels: str | None = None
    """File that says which labels are agreed or disputed."""
    beside: tuple[str, ...] = ()
    """Files of other sets, to find problems with the same text in."""
    limit: int = 0
    """Problems drawn by `seed`; 0 takes all, in file order."""
    seed: int = 0
    model: str = ""
    """Model spec."""
    pipeline: str | None = None
    repairs: int | None = None
    """Most correction turns; None: what suits the pipeline."""
    samples: int = 1
    temperature: float | None = None
    solver_seconds: float = 60.0

    def __post_init__(self) -> None:
        wrong = [
            name
            for name, bad in (
                ("limit", self.limit < 0),
                ("samples", self.samples < 1),
                ("temperature", self.temperature is not None and self.temperature < 0),
                ("solver_seconds", self.solver_seconds <= 0),
            )
            if bad
        ]
        if wrong:
            raise InputError(
                f"{wrong[0]} cannot be {getattr(self, wrong[0])!r}.",
                where="opto bench run",
                fix="limit and temperature: 0 or more; samples: 1 or more; seconds: above 0.",
            )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        known = {f.name for f in fields(cls)}
        kept = {name: value for name, value in data.items() if name in known}
        return cls(**{**kept, "beside": tuple(kept.get("beside") or ())})

    def check_same(self, recorded: BenchSpec, run: str) -> None:
        """Is this what `run` was asked to measure?

        Raises:
            InputError: It is not; says what differs, in words of the command line.
        """
        differing = [
            f"--{f.name.replace('_', '-')} was {getattr(recorded, f.name)!r}, "
            f"now {getattr(self, f.name)!r}"
            for f in fields(self)
            if getattr(self, f.name) != getattr(recorded, f.name)
        ]
        if differing:
            raise InputError(
                f"The run {run!r} measured something else: {'; '.join(differing)}.",
                fix=f"`opto bench resume {run}` goes on with it; another --run name begins anew.",
            )

    def draw(self, items: Sequence[Item]) -> list[Item]:
        """The problems to measure: `limit` of them drawn by `seed` alone, in file order."""
        if not self.limit or self.limit >= len(items):
            return list(items)
        drawn = random.Random(self.seed).sample(range(len(items)), self.limit)  # noqa: S311
        return [items[index] for index in sorted(drawn)]

    @property
    def folder(self) -> Path:
        """Where relative paths of tables start."""
        return Path(self.data).parent if self.data else Path()


def recorded_spec(store: Store, run: str) -> BenchSpec:
    """What `run` was asked to do.

    Raises:
        InputError: There is no such run (a near miss is named), or it is no evaluation.
    """
    try:
        for event in events(store, run, kind=SPEC):
            return BenchSpec.from_json(event.data)
    except UnknownRunError as error:
        fix = f"{error.fix} `opto bench runs` lists the evaluations.".strip()
        raise InputError(error.what, where=error.where, fix=fix) from error
    raise InputError(
        f"The run {run!r} is no evaluation.",
        where=str(store),
        fix="`opto bench runs` lists evaluations; `opto runs show` shows other runs.",
    )


def read_items(spec: BenchSpec, *, notice: Callable[[str], None] | None = None) -> list[Item]:
    """The problems that `spec` draws.

    Args:
        spec: Which set, from where.
        notice: Told what a download and a reader of results must know: licence, known errors.

    Raises:
        benchmarks.datasets.DatasetError: The data cannot be had or read.
    """
    known = None if spec.data is None else Path(spec.data)
    dataset = load(spec.set, known, answers=spec.answers, split=spec.split, notice=notice)
    if spec.labels is not None:
        dataset = with_labels(dataset, Path(spec.labels))
    if spec.beside:
        dataset = beside((dataset, *(load(file) for file in spec.beside)))[0]
    if notice is not None:
        for note in dataset.notes:
            notice(f"note: {note}")
    return spec.draw(dataset.items)
