"""Family E: the rules of family A, spread over three components; only the joint score is known.

Rule Rnn belongs to component nn mod 3 and does nothing in another one but lengthen it. A hint names
a rule, not its component. Needs, harms, weights and examples are those of the test-bed's rule task.

Kernel: 3 % malformed, 10 % the same rules in other words, else one edit (70 %) or two, each in a
component drawn from those the prompt asks for: 55 % follow a hint of the prompt (none there: add),
25 % drop a rule that is in, 20 % add a rule that belongs there.

Lives here: that world.
Never here: frameworks, the rule task itself.
"""

from __future__ import annotations

import random
import re
from math import exp
from typing import Any

from benchmarks.peers.families.dice import number, unit
from benchmarks.peers.families.world import MALFORMED, Shown, Values

NAMES = ("plan", "solve", "check")
_HINT = re.compile(r"HINT\((add|drop) (R\d\d)\)")
_RULES = re.compile(r"RULES\[([^\]]*)\]")
_PARAPHRASE, _SINGLE, _FOLLOW, _DROP = 0.13, 0.7, 0.55, 0.80
_GOOD = 0.9


class Components:
    """Three sets of rules and one score."""

    def __init__(self, bed: Any, seed: int, *, exact: bool, q: float = 0.5) -> None:
        """Make a task of the test-bed's.

        Args:
            bed: The test-bed's module.
            seed: Of the task.
            exact: Is the score the chance of success itself?
            q: Probability that a hint is right.
        """
        self.seed, self.q, self._noise = seed, q, not exact
        self._rules = bed.RuleTask(seed)
        self.size, self.exact, self.best = self._rules.n, False, float(self._rules.f_star)
        first = sorted(_RULES.search(self._rules.init)[1].split())  # type: ignore[index]
        self.start: Values = {
            name: written([rule for rule in first if home(rule) == name], 0) for name in NAMES
        }
        self.about = {name: f"the rules for the step {name!r}" for name in NAMES}
        self.choices = None
        self._known: dict[str, tuple[frozenset[str], int]] = {}
        self._means: dict[tuple[frozenset[str], int], float] = {}

    def true(self, values: Values) -> float:
        rules, stray = self._read(values)
        if (rules, stray) not in self._means:
            self._means[rules, stray] = float(self._chances(rules, stray, "pop").mean())
        return self._means[rules, stray]

    def sample(self, values: Values, split: str, example: int, rep: int) -> tuple[float, str]:
        rules, stray = self._read(values)
        chance = self._chance(rules, stray, split, example)
        text = "|".join(str(values[name]) for name in NAMES)
        key = (self.seed, text, split, example, rep)
        score = float(unit("score", *key) < chance) if self._noise else chance
        return score, "OK" if score >= _GOOD else f"Wrong.{self._hint(rules, split, example, key)}"

    def edit(self, shown: Shown, draw: random.Random) -> dict[str, str] | None:
        names = [name for name in shown.allowed if name in shown.values]
        kind, tag = draw.random(), draw.randrange(10**6)
        if kind < MALFORMED or not names:
            return None
        rules = {name: rules_in(shown.values[name]) for name in names}
        changed = {draw.choice(names)}
        if kind >= _PARAPHRASE:
            hints = sorted(_HINT.findall(shown.text))
            changed = set()
            for _ in range(1 if draw.random() < _SINGLE else 2):
                name = draw.choice(names)
                self._change(rules[name], name, hints, draw)
                changed.add(name)
        return {name: written(sorted(rules[name]), tag) for name in sorted(changed)}

    def _change(
        self, rules: set[str], name: str, hints: list[tuple[str, str]], draw: random.Random
    ) -> None:
        how = draw.random()
        if how < _FOLLOW and hints:
            do, rule = draw.choice(hints)
            (rules.add if do == "add" else rules.discard)(rule)
        elif _FOLLOW <= how < _DROP and rules:
            rules.discard(draw.choice(sorted(rules)))
        else:
            out = [r for r in self._rules.names if home(r) == name and r not in rules]
            if out:
                rules.add(draw.choice(out))

    def figures(self, values: Values) -> dict[str, float]:
        return {"stray": float(self._read(values)[1])}

    def _read(self, values: Values) -> tuple[frozenset[str], int]:
        """Rules at home, and how many are elsewhere."""
        text = "|".join(str(values[name]) for name in NAMES)
        if text not in self._known:
            at = {name: rules_in(str(values[name])) for name in NAMES}
            good = frozenset(r for name, rules in at.items() for r in rules if home(r) == name)
            self._known[text] = good, sum(map(len, at.values())) - len(good)
        return self._known[text]

    def _chances(self, rules: frozenset[str], stray: int, split: str) -> Any:
        odds = self._rules.p(rules, split)
        fall = exp(-0.06 * stray)
        return odds * fall / (1 - odds + odds * fall)

    def _chance(self, rules: frozenset[str], stray: int, split: str, example: int) -> float:
        odds = float(self._rules._p_cached(rules, split)[example])  # noqa: SLF001  (its own cache)
        fall = exp(-0.06 * stray)
        return odds * fall / (1 - odds + odds * fall)

    def _hint(self, rules: frozenset[str], split: str, example: int, key: tuple[Any, ...]) -> str:
        """Right with probability q, else about any rule; never where it belongs."""
        if self.q <= 0:
            return ""
        need, harm, _ = self._rules.sets[split]
        names = self._rules.names
        fixes = [("add", r) for at, r in enumerate(names) if need[example][at] and r not in rules]
        fixes += [("drop", r) for at, r in enumerate(names) if harm[example][at] and r in rules]
        if fixes and unit("right", *key) < self.q:
            do, rule = fixes[number("fix", *key) % len(fixes)]
        else:
            rule = names[number("any", *key) % len(names)]
            do = "drop" if rule in rules else "add"
        return f" HINT({do} {rule})"


def home(rule: str) -> str:
    """The component a rule belongs to."""
    return NAMES[int(rule[1:]) % len(NAMES)]


def rules_in(text: str) -> set[str]:
    """The rules that a text holds."""
    found = _RULES.search(text)
    return set(found[1].split()) if found else set()


def written(rules: list[str], tag: int) -> str:
    """Rules as text; `tag` is the wording."""
    return f"RULES[{' '.join(rules)}] v{tag}"
