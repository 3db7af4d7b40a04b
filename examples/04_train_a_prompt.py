"""A small model learns which desk reads a tenant's message; it is task model and teacher at once.

Nobody tells it what desks A to D are for. Each step changes either what the prompt says about them
(the model is asked) or the solved examples it shows, and is undone if validation says it is worse.
A recorded run is replayed; live, after `opto model pull`:
`--model llamacpp:qwen2.5-coder-1.5b-instruct-q4_k_m`. The messages were written for this example.
"""

import json
import sys
from math import sqrt
from operator import gt
from pathlib import Path
from random import Random
from typing import Any

import opto
from opto.llm.types import Message, Request
from opto.optimizers.search import named
from opto.search import Candidate, Proposal, Propose, exact_match
from opto.search.strategies.components import RoundRobin

HERE = Path(__file__).parent
ROWS = [json.loads(line) for line in (HERE / "data" / "desks.jsonl").read_text().splitlines()]
TRAIN, VAL, HELD_OUT = ([r for r in ROWS if r["split"] == s] for s in ("train", "val", "held out"))
KINDS = {desk: [r["input"] for r in TRAIN if r["target"] == desk] for desk in "ABCD"}
FORM = {"prefill": '{"desk": "', "grammar": 'root ::= "A" | "B" | "C" | "D"', "max_tokens": 4}
NAME = {"type": "string", "minLength": 4, "maxLength": 40}
NAMES = {"type": "object", "properties": dict.fromkeys(KINDS, NAME), "required": list(KINDS)}
START: dict[str, Any] = {"desks": "", "demos": []}
ASK = """"The bus was late again" and "Is there a night train?" are both about "public transport".
What are the messages of each group about? Two to four general words for each group, as JSON with
the keys A, B, C and D."""


def route(values: dict[str, Any], message: str) -> str:
    """The letter of the desk that the model chooses."""
    told = f"Send the message of a tenant to desk A, B, C or D.\n{values['desks']}"
    turns = [Message("system", told)]
    for demo in values["demos"]:
        told = f'{FORM["prefill"]}{demo["output"]}"}}'
        turns += [Message("user", demo["input"]), Message("assistant", told)]
    asked = Request(messages=(*turns, Message("user", message)), temperature=0, **FORM)
    return LM.complete(asked).text


class Teacher:
    """Proposes the part it is asked for: words about the desks, or eight solved examples."""

    def describe(self) -> dict[str, str]:
        return {"model": LM.name}

    def propose(self, action: Propose, parents: list[Candidate], stream: Random) -> Proposal:
        if action.payload["components"] == ["demos"]:
            demos = [{"input": m, "output": x} for x in KINDS for m in stream.sample(KINDS[x], 2)]
            return Proposal((parents[0].edited({"demos": stream.sample(demos, 8)}, op="draw"),))
        groups = [f"Group {x}:\n- " + "\n- ".join(stream.sample(KINDS[x], 5)) for x in KINDS]
        words, seed = (Message("user", "\n".join([*groups, ASK])),), stream.getrandbits(31)
        asked = Request(messages=words, schema=NAMES, temperature=0.7, seed=seed)
        names = json.loads(LM.complete(asked).text)
        desks = "\n".join(f"{x} = {names[x].strip()}" for x in KINDS)
        return Proposal((parents[0].edited({"desks": desks}, op="name"),))


if __name__ == "__main__":
    recorded = f"replay:{HERE / 'recordings' / 'desks.jsonl'}"
    LM = opto.open_model(sys.argv[2] if "--model" in sys.argv else recorded)
    before = [route(START, row["input"]) == row["target"] for row in HELD_OUT]
    climb = named("revert", size=24).but(parents=None, components=RoundRobin()).algorithm(Teacher())
    limit = opto.Budget(metric=270)
    program, how = (START, route), {"optimizer": climb, "budget": limit, "workers": 1}
    found = opto.optimize(program, TRAIN, exact_match, valset=VAL, **how)
    after = [route(found.values, row["input"]) == row["target"] for row in HELD_OUT]
    n, gained, lost = len(after), sum(map(gt, after, before)), sum(map(gt, before, after))
    half = 1.96 * sqrt(gained + lost - (gained - lost) ** 2 / n) / n  # of the 95 % interval
    print(found.values["desks"], *map(str, found.values["demos"]), found.cost, LM.usage, sep="\n")
    print(f"{gained} gained, {lost} lost: a gain of {(gained - lost) / n:.2f} ± {half:.2f}")
    print(f"held out: {sum(before)} of {n} right before, {sum(after)} after; {found.cost}")
