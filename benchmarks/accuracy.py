"""How often a pipeline on a model gets word problems right: `python -m benchmarks.accuracy`.

Lives here: a sample of a JSONL data set (`id`, `question`, `answer`), solved one by one, scored,
kept as a run that a second start of the same name goes on with.
Never here: data, tuning, rounding toward the gold answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.scoring import is_right, wilson
from opto.errors import OptoError
from opto.llm.client import LM
from opto.llm.open import open_model
from opto.llm.secret import redactor
from opto.modeling.agent import SolveOptions, solve_problem
from opto.modeling.answer import Answer, Status
from opto.modeling.pipelines.base import Pipeline
from opto.modeling.pipelines.registry import choose_pipeline
from opto.modeling.problem import Problem
from opto.settings import load_settings
from traces.errors import TraceError
from traces.read import events
from traces.record import Recorder, new_run_name, recording
from traces.store.sqlite import Store

ITEM = "bench.item"

Row = dict[str, Any]


def main() -> None:
    """Run the sample and print a summary as JSON on stdout."""
    try:
        _main()
    except (OptoError, TraceError) as error:
        raise SystemExit(f"Error: {error}") from error


def _main() -> None:
    arguments = _arguments()
    rows = _sample(arguments.data, arguments.limit, arguments.seed)
    settings = load_settings(model=arguments.model)
    with (
        Store(settings.runs_path, redactor=redactor()) as store,
        Recorder(store, arguments.run) as recorder,
        recording(recorder),
    ):
        done = [event.data for event in events(store, arguments.run, kind=ITEM)]
        left = [row for row in rows if row["id"] not in {item["id"] for item in done}]
        with open_model(settings=settings) as lm:
            pipeline = choose_pipeline(arguments.pipeline, lm)

            def keep(item: Row) -> None:
                recorder.emit(ITEM, **item)
                done.append(item)
                print(_line(item, len(done), len(rows)), file=sys.stderr, flush=True)

            options = SolveOptions(repairs=arguments.repairs)
            work = partial(_item, lm=lm, pipeline=pipeline, options=options)
            asyncio.run(_items(left, work, workers=arguments.workers, keep=keep))
            print(json.dumps(_summary(done, lm.name, pipeline.name, arguments.run), indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="JSONL: id, question, answer")
    parser.add_argument("--model", help="as for `opto solve --model`")
    parser.add_argument("--pipeline", help="as for `opto solve --pipeline`")
    parser.add_argument("--limit", type=int, default=40, help="items, drawn by --seed; 0: all")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument(
        "--repairs", type=int, help="most correction turns; default: the pipeline's"
    )
    parser.add_argument("--workers", type=int, default=1, help="problems at the same time")
    parser.add_argument("--run", default=new_run_name(), help="give it again to go on with a run")
    return parser.parse_args()


def _sample(file: Path, limit: int, seed: int) -> list[Row]:
    """`limit` rows in file order; the draw depends on nothing but the seed and the file."""
    if not file.is_file():
        raise SystemExit(f"There is no file {file}.")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    if not limit or limit >= len(rows):
        return rows
    drawn = random.Random(seed).sample(range(len(rows)), limit)  # noqa: S311 - not for secrets
    return [rows[index] for index in sorted(drawn)]


async def _items(
    rows: list[Row],
    work: Callable[[Row], Awaitable[Row]],
    *,
    workers: int,
    keep: Callable[[Row], None],
) -> None:
    """Solve `rows`, at most `workers` at a time; each is kept as soon as it is done."""
    places = asyncio.Semaphore(workers)

    async def one(row: Row) -> None:
        async with places:
            keep(await work(row))

    async with asyncio.TaskGroup() as group:
        for row in rows:
            group.create_task(one(row))


async def _item(row: Row, *, lm: LM, pipeline: Pipeline, options: SolveOptions) -> Row:
    """One problem: solved, scored, and what it took. A failure is an answer of None."""
    began = time.monotonic()
    item: Row = {"id": row["id"], "gold": row["answer"], "answer": None, "why": ""}
    try:
        problem = Problem(row["question"])
        answer = await solve_problem(problem, lm, pipeline=pipeline, options=options)
    except OptoError as error:
        item |= {"status": error.code, "why": error.what, "calls": None}
    else:
        item |= {"status": answer.status.value, "answer": _value(answer), "why": answer.why}
        item |= {"calls": answer.usage.calls, "usage": answer.usage.to_json()}
    item["right"] = is_right(item["answer"], row["answer"])
    item["seconds"] = round(time.monotonic() - began, 1)
    return item


def _value(answer: Answer) -> float | str | None:
    if answer.status is Status.SOLVED:
        return answer.objective
    return None if answer.status is Status.NOT_SOLVED else answer.status.value


def _line(item: Row, number: int, total: int) -> str:
    mark = "right" if item["right"] else "wrong"
    return (
        f"{number:3}/{total} {mark} {item['id']}: {item['answer']} for {item['gold']}, "
        f"{item['status']}, {item['seconds']} s"
    )


def _summary(items: list[Row], model: str, pipeline: str, run: str) -> Row:
    right = sum(item["right"] for item in items)
    low, high = wilson(right, len(items))
    return {
        "model": model,
        "pipeline": pipeline,
        "n": len(items),
        "right": right,
        "accuracy": round(right / len(items), 3),
        "interval_95": [round(low, 3), round(high, 3)],
        "calls": sum(item["calls"] or 0 for item in items),
        "seconds": round(sum(item["seconds"] for item in items), 1),
        "longest_s": max(item["seconds"] for item in items),
        "run": run,
    }


if __name__ == "__main__":
    main()
