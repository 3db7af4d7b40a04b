"""The problem of one step: what the trace says, cut into titled sections.

Values are data: whatever they hold, they cannot begin a section or end a tag. Text that tries gets
a fence longer than any in it, or tags that bear a mark which occurs nowhere in the problem.

Lives here: `Summary`, the sections of a problem, and guarding their text.
Never here: turning a graph into text (`opto.trace.render`), how a section looks
(`opto.optimizers.symbols`), models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from opto.optimizers.errors import OptionError

if TYPE_CHECKING:
    from opto.trace.nodes import ParameterNode
    from opto.trace.render import Rendered, Shown

Update = dict["ParameterNode[Any]", Any]
SECTIONS = (
    "instruction",
    "code",
    "documentation",
    "variables",
    "constraints",
    "inputs",
    "others",
    "outputs",
    "feedback",
)
_TICKS = re.compile(r"`{3,}")


class Summary(NamedTuple):
    """The trace of one step as text, with the parameters its variables stand for."""

    rendered: Rendered
    names: Mapping[str, ParameterNode[Any]]
    """Variable name in the prompt to parameter."""

    @property
    def user_feedback(self) -> str:
        """What was said about the outputs."""
        return self.rendered.feedback

    @property
    def graph(self) -> list[tuple[int, str]]:
        """The calls in the order of execution, numbered."""
        return list(enumerate(self.rendered.code))

    @property
    def documentation(self) -> tuple[str, ...]:
        return self.rendered.documentation

    @property
    def variables(self) -> dict[str, tuple[str, str | None]]:
        """Name to value as shown and constraint; so are the next three."""
        return _pairs(self.rendered.variables)

    @property
    def inputs(self) -> dict[str, tuple[str, str | None]]:
        return _pairs(self.rendered.inputs)

    @property
    def others(self) -> dict[str, tuple[str, str | None]]:
        return _pairs(self.rendered.others)

    @property
    def output(self) -> dict[str, tuple[str, str | None]]:
        return _pairs(self.rendered.outputs)

    @property
    def roots(self) -> dict[str, tuple[str, str | None]]:
        return self.variables | self.inputs


def summary_of(rendered: Rendered) -> Summary:
    """`rendered` with its parameters by name; the renderer tells equal names apart."""
    names: dict[str, Any] = {shown.name: shown.node for shown in rendered.variables}
    return Summary(rendered, names)


def _pairs(shown: Iterable[Shown]) -> dict[str, tuple[str, str | None]]:
    return {item.name: (item.text, item.constraint) for item in shown}


class ProblemInstance(NamedTuple):
    """The sections of a problem, in order; `str` of it is what the model sees."""

    sections: tuple[tuple[str, str], ...]
    """Title and body."""

    def __str__(self) -> str:
        return "\n\n".join(f"{title}\n{body}" for title, body in self.sections if body)

    def __repr__(self) -> str:
        return str(self)


def without(mask: Iterable[str] | None, titles: Mapping[str, str]) -> frozenset[str]:
    """The sections that `mask` names by title, with or without `#` and space.

    Raises:
        OptionError: A title is not one of the problem's.
    """
    known = {_plain(title): section for section, title in titles.items()}
    wanted = [mask] if isinstance(mask, str) else list(mask or ())
    if odd := [title for title in wanted if _plain(title) not in known]:
        raise OptionError(
            f"There is no section {odd[0]!r} to mask.", fix=f"Known: {', '.join(titles.values())}."
        )
    return frozenset(known[_plain(title)] for title in wanted)


def _plain(title: str) -> str:
    return "".join(title.lower().split()).strip("#:")


def guard(text: str, titles: Iterable[str]) -> str:
    """`text` as it is, or fenced if one of its lines could be taken for a title."""
    known = {_plain(title) for title in titles}
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("#") and _plain(bare) in known:
            return fence(text)
    return text


def fence(text: str, language: str = "") -> str:
    """`text` in a fence longer than any in it."""
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=2)
    bar = "`" * (longest + 1)
    return f"{bar}{language}\n{text}\n{bar}"


def mark_for(texts: Sequence[str]) -> str:
    """A short id that occurs in none of `texts`: the same for the same texts, so runs replay."""
    import hashlib  # noqa: PLC0415  (at the first prompt only)

    whole = "\0".join(texts)
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    for at in range(0, len(digest) - 4):
        mark = "v" + digest[at : at + 4]
        if mark not in whole:
            return mark
    return "v" + digest


def middle_cut(text: str, limit: int) -> str:
    """`text` cut in its middle to about `limit` characters; what is left out is counted."""
    if len(text) <= limit:
        return text
    half = max(limit // 2, 1)
    return f"{text[:half]}…({len(text) - 2 * half:,} characters left out)…{text[-half:]}"


def shorten(shown: Iterable[Shown], limit: int, cut: Callable[[str, int], str]) -> list[Shown]:
    """Values to read (never to rewrite) with texts of at most about `limit` characters."""
    return [
        item._replace(text=cut(item.text, limit), whole=False) if len(item.text) > limit else item
        for item in shown
    ]
