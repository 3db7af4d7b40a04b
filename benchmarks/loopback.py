"""A model server on loopback that really reads its prompts, for one family of problems.

It stands in for a language model where speed and robustness are measured, and only there: nothing
about accuracy follows from it. Problems are made here too, with optima found by trying all.

    python -m benchmarks.loopback --delay 0.05 --log FILE      prints its URL, ends with its input

Lives here: the family, its problems, the server.
Never here: measuring (`benchmarks.throughput`).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.items import Item
from opto.llm.testing import Answer, Asked, ModelServer, fails, says

_TEXT = (
    "Workshop {name} makes chairs and tables. A chair takes {a} hours and a table takes {b} "
    "hours; at most {hours} hours are available. At least {least} chairs must be made. A chair "
    "earns ${p} and a table earns ${q}. How many of each should be made to maximize profit?"
)
_NUMBERS = re.compile(
    r"Workshop (?P<name>[A-Z]+) makes .*? chair takes (?P<a>\d+) hours and a table takes "
    r"(?P<b>\d+) hours; at most (?P<hours>\d+) .*?least (?P<least>\d+) chairs .*?earns "
    r"\$(?P<p>\d+) .*?earns \$(?P<q>\d+)\.",
    re.DOTALL,
)


def problems(n: int, *, seed: int = 0) -> Iterator[dict[str, Any]]:
    """`n` different problems with their optima, as rows of a JSON-lines data set."""
    for number in range(n):
        draw = random.Random(f"{seed}/{number}")  # noqa: S311  (not for secrets)
        a, b = draw.randint(1, 6), draw.randint(2, 9)
        least = draw.randint(1, 9)
        hours = a * least + draw.randint(10, 90)
        p, q = draw.randint(1, 20), draw.randint(1, 30)
        best = max(
            p * chairs + q * ((hours - a * chairs) // b) for chairs in range(least, hours // a + 1)
        )
        about = {"a": a, "b": b, "hours": hours, "least": least, "p": p, "q": q}
        text = _TEXT.format(name=_letters(number), **about)
        yield {"id": f"workshop-{number}", "question": text, "answer": best}


def workshop_items(n: int) -> list[Item]:
    """The same as the runner takes them."""
    return [
        Item(
            id=row["id"],
            set="workshop",
            question=row["question"],
            accepted=(str(row["answer"]),),
        )
        for row in problems(n)
    ]


def _letters(number: int) -> str:
    """A name without digits, so that every number of the text belongs to the model."""
    letters = ""
    while True:
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
        if not number:
            return letters
        number -= 1


def reply(prompt: str) -> str | None:
    """The model of the last problem in `prompt` as the pipelines ask for it; None without one."""
    found = [match.groupdict() for match in _NUMBERS.finditer(prompt)]
    return None if not found else json.dumps(_draft(found[-1]))


def _draft(n: dict[str, str]) -> dict[str, Any]:
    return {
        "sets": [],
        "parameters": [],
        "variables": [_variable("chairs"), _variable("tables")],
        "objective": {
            "quote": "maximize profit",
            "meaning": "profit",
            "sense": "max",
            "expr": f"{n['p']}*chairs + {n['q']}*tables",
            "unit": "$",
        },
        "constraints": [
            _rule(
                f"at most {n['hours']} hours are available",
                (f"{n['a']}*chairs + {n['b']}*tables", "<=", n["hours"]),
                name="hours",
            ),
            _rule(
                f"At least {n['least']} chairs must be made",
                ("chairs", ">=", n["least"]),
                name="minimum",
            ),
        ],
        "assumptions": [],
    }


def _variable(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "meaning": f"number of {name} made",
        "index": [],
        "why_domain": f"{name} are whole",
        "domain": "integer",
        "lower": 0,
        "upper": None,
        "unit": name,
    }


def _rule(quote: str, sides: tuple[str, str, str], *, name: str) -> dict[str, Any]:
    lhs, relation, rhs = sides
    return {
        "quote": quote,
        "meaning": quote,
        "name": name,
        "kind": "stated",
        "forall": "",
        "lhs": lhs,
        "relation": relation,
        "rhs": rhs,
    }


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loopback", description=__doc__)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that fail")
    parser.add_argument("--log", type=Path, help="gets one line per good answer")
    arguments = parser.parse_args()
    with ModelServer(_chooser(arguments.delay, arguments.faults, arguments.log)) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def _chooser(delay: float, faults: float, log: Path | None) -> Any:
    draw, lock = random.Random(0), threading.Lock()  # noqa: S311

    def choose(asked: Asked) -> Answer:
        if draw.random() < faults:
            return fails(draw.choice((429, 500, 503)), "on purpose")
        text = "\n".join(_texts(asked.body))
        answer = reply(text)
        if log is not None:
            name = (_NUMBERS.findall(text) or [["?"]])[-1][0]
            with lock, log.open("a", encoding="utf-8") as file:
                file.write(f"{name} {len(asked.body.get('messages', ()))}\n")
        return says("I see no problem." if answer is None else answer, delay_s=delay)

    return choose


def _texts(body: Any) -> Iterator[str]:
    for message in body.get("messages", ()):
        content = message["content"]
        yield content if isinstance(content, str) else json.dumps(content)


if __name__ == "__main__":
    main()
