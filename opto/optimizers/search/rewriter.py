"""The proposer that asks a language model: evidence to prompt, reply to typed values.

Lives here: `Rewriter`: prompt, call, reading.
Never here: which evidence (`opto.search.strategies.evidence`), retries of calls, running code.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from opto.optimizers.asking import Asker, Said
from opto.optimizers.reading.names import match_name
from opto.optimizers.reading.tag_reply import read_tags, write_tags
from opto.optimizers.reading.values import Refused, read_value
from opto.optimizers.search.notes import background, items, measured, summary_turns
from opto.prompts.render import Turn, render
from opto.search.actions import Propose
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.cost import Cost
from opto.search.results import Proposal

_TIPS = (
    "",
    "For this version: try something nobody would think of first.",
    "For this version: keep it short and plain.",
    "For this version: describe in detail what is wanted.",
    "For this version: say what depends on the answer being right.",
    "For this version: say who is speaking and what they know.",
)
"""Directions for several proposals from one prompt, as in MIPROv2; the first is none."""


class Rewriter:
    """Asks a model for better values of some components of the first parent.

    One model call per proposal. A reply that cannot be read, or a value of another type, is the
    status `malformed`: it costs its call and ends nothing.
    """

    def __init__(
        self,
        llm: Any = None,
        *,
        temperature: float | None = 1.0,
    ) -> None:
        """Hold the model; it is opened by the first call.

        Args:
            llm: None for the default, an `LM`, a spec such as `openai:gpt-4.1`, or a callable that
                takes messages= and gives text.
            temperature: Of the model, where it takes one.
        """
        self._ask = Asker(llm)
        self._temperature = temperature

    def describe(self) -> Mapping[str, JSON]:
        """Settings that change the prompts; the model's name where it has one."""
        model = self._ask.llm if isinstance(self._ask.llm, str) else None
        return {"model": model, "temperature": self._temperature}

    def open(self) -> None:
        """Open the model now instead of by the first call.

        Raises:
            OptoError: It cannot be opened.
        """
        self._ask.open()

    def close(self) -> None:
        """Let go of the model, if it was opened here; the next call opens it again."""
        self._ask.close()

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal:
        """See `Algorithm.propose`; purposes are `summary` and, for all else, rewriting.

        What a summary is about is told by its payload: `data`, `program`, or measurements.
        """
        payload = action.payload if isinstance(action.payload, dict) else {}
        if action.purpose == "summary":
            said = self._said(summary_turns(payload), stream)
            if said.text:
                return Proposal((parents[0],), said.text, Cost(llm=1))
            return Proposal(note=said.why, cost=Cost(llm=1), status="model_failed")
        names = [str(name) for name in items(payload.get("components"))]
        said = self._said(self._turns(payload, parents[0], names), stream)
        if said.text is None:
            return Proposal(note=said.why, cost=Cost(llm=1), status="model_failed")
        return _read(said.text, parents[0], names, action.purpose)

    def _said(self, turns: Sequence[Turn], stream: random.Random) -> Said:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        return self._ask(messages, temperature=self._temperature, seed=stream.getrandbits(31))

    def _turns(
        self, payload: Mapping[str, JSON], parent: Candidate, names: Sequence[str]
    ) -> tuple[Turn, ...]:
        parts = [background(payload), _attempts(payload), measured(payload), _exemplars(payload)]
        if notes := payload.get("summary"):
            parts.append(f"# Notes on earlier versions\n{notes}")
        parts.append(_present(parent, payload.get("about")))
        variant = payload.get("variant")
        if isinstance(variant, int):
            parts.append(_TIPS[variant % len(_TIPS)])
        text = "\n\n".join(part for part in parts if part)
        return render("search_rewrite", parts=text, names=", ".join(names))


def _present(parent: Candidate, about: JSON) -> str:
    told = about if isinstance(about, dict) else {}
    lines = ["# Present values"]
    for name, value in parent.values.items():
        lines.append(f"## {name}: {told[name]}" if told.get(name) else f"## {name}")
        lines.append(write_tags(name, value if isinstance(value, str) else repr(value)))
    return "\n".join(lines)


def _read(text: str, parent: Candidate, names: Sequence[str], purpose: str) -> Proposal:
    known = {name: name for name in names}
    said = read_tags(text, names)
    changes: dict[str, JSON] = {}
    why = [*said.problems, *(f"{name}: {reason}" for name, reason in said.bad.items())]
    for written, raw in said.values.items():
        name = match_name(written, known)
        if name is None:
            why.append(f"{written!r} is none of: {', '.join(names)}")
            continue
        try:
            changes[name] = read_value(raw, parent.values[name])
        except Refused as refused:
            why.append(f"{name}: {refused}")
    if not changes:
        note = "; ".join(why) or "The reply changes nothing."
        return Proposal(note=note, cost=Cost(llm=1), status="malformed")
    note = said.reasoning or "; ".join(why)
    return Proposal((parent.edited(changes, op=purpose),), note, Cost(llm=1))


def _attempts(payload: Mapping[str, JSON]) -> str:
    records = items(payload.get("attempts"))
    if not records:
        return ""
    lines = ["# Earlier values with their scores, the best last"]
    for item in records:
        if isinstance(item, dict) and isinstance(item.get("values"), dict):
            lines += [f"{name}: {value}" for name, value in _pairs(item["values"])]
            lines.append(f"score: {item.get('score')}")
    return "\n".join(lines)


def _exemplars(payload: Mapping[str, JSON]) -> str:
    shown = items(payload.get("exemplars"))
    return "\n".join(["# Some inputs", *(f"- {item}" for item in shown)]) if shown else ""


def _pairs(value: JSON) -> list[tuple[str, JSON]]:
    return list(value.items()) if isinstance(value, dict) else []
