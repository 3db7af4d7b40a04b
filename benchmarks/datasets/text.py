"""When two problem texts are the same, nearly the same, and where they differ.

Lives here: the normal form, the nearest text, a short difference.
Never here: files, answers.

Normal form: Unicode NFKC, case folded; commas that group thousands are taken out; every run of
characters other than letters, digits, `%` and a point between digits becomes one space. So `$1,000`
equals `1000` and `30 %` equals `30%` up to the space, but `0.5` never equals `5`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

NEAR = 0.85
"""Share of words in common order below which two texts are different problems."""
_CANDIDATES = 4
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_OTHER = re.compile(r"(?:[^\w%.]|_|(?<!\d)\.|\.(?!\d))+")
_CHANGES = 3


def normalized(text: str) -> str:
    """The normal form of the module's head; equal forms are the same problem."""
    folded = _GROUPED.sub("", unicodedata.normalize("NFKC", text).casefold())
    return _OTHER.sub(" ", folded).strip()


@dataclass(frozen=True, slots=True)
class Match:
    """The problem another text belongs to, and how that was found."""

    id: str
    how: str
    """`text`: equal normal forms; `near`: the most words in common order."""
    similarity: float
    """1 for equal normal forms."""


def match(asked: Mapping[str, str], among: Mapping[str, str]) -> dict[str, Match]:
    """The problem of `among` that each text of `asked` belongs to; a text may have none.

    Equal normal forms first. What is left over is paired by the longest common order of words,
    best pair first, nobody twice, and only from a similarity of `NEAR` on.

    Args:
        asked: Text by name.
        among: Text by name.
    """
    forms = {name: normalized(text) for name, text in among.items()}
    by_form = {form: name for name, form in reversed(forms.items())}
    wanted = {name: normalized(text) for name, text in asked.items()}
    found = {
        name: Match(by_form[form], "text", 1.0) for name, form in wanted.items() if form in by_form
    }
    taken = {hit.id for hit in found.values()}
    rest = {name: form.split() for name, form in forms.items() if name not in taken}
    pairs = [
        (ratio, name, other)
        for name, form in wanted.items()
        if name not in found
        for ratio, other in _near(form.split(), rest)
    ]
    for ratio, name, other in sorted(pairs, key=lambda pair: -pair[0]):
        if name not in found and other not in taken:
            found[name] = Match(other, "near", round(ratio, 4))
            taken.add(other)
    return found


def _near(words: list[str], rest: Mapping[str, list[str]]) -> Iterator[tuple[float, str]]:
    """The few texts that share most words with `words`, with the similarity of the order."""
    own = set(words)
    shared = sorted(((_overlap(own, set(other)), name) for name, other in rest.items()))
    for _, name in shared[-_CANDIDATES:]:
        ratio = SequenceMatcher(None, words, rest[name], autojunk=False).ratio()
        if ratio >= NEAR:
            yield ratio, name


def _overlap(some: set[str], others: set[str]) -> float:
    """Jaccard similarity of two sets of words."""
    either = len(some | others)
    return len(some & others) / either if either else 0.0


def differences(old: str, new: str) -> str:
    """The first few changes of words from `old` to `new`, as `[-at most-]{+at least+}`."""
    before, after = normalized(old).split(), normalized(new).split()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    changes = [
        "".join(
            f"{left}{' '.join(words)}{right}"
            for left, words, right in (("[-", before[a:b], "-]"), ("{+", after[c:d], "+}"))
            if words
        )
        for kind, a, b, c, d in matcher.get_opcodes()
        if kind != "equal"
    ]
    more = f" and {len(changes) - _CHANGES} more" if len(changes) > _CHANGES else ""
    return " … ".join(changes[:_CHANGES]) + more
