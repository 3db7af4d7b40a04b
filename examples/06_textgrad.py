"""TextGrad: what was said about an answer travels back, edge by edge, to the prompt that caused it.

Two prompts in a row: one says what is kept of a note, one how it is written. The scripted model is
asked on each edge how a value should differ, and for each prompt for a new text. It answers from
the question alone; that the first prompt hears of a missing machine is TextGrad's doing.
"""

from __future__ import annotations

import re

from opto import bundle, node
from opto.optimizers import TextGrad

NOTES = ["2026-03-05; pump 4; Anna; seal replaced", "2026-04-11; press 2; Jo; oil changed"]
WANTED = ["PUMP 4, 2026-03-05", "PRESS 2, 2026-04-11"]
FIELDS = ("date", "machine", "person", "work")

keep = node("Keep the date and the person.", name="keep", trainable=True)
style = node("Write plainly.", name="style", trainable=True)


@bundle()
def extract(note: str, keep: str) -> list[str]:
    """The fields of the note that the prompt names, in the prompt's order."""
    parts = dict(zip(FIELDS, note.split("; "), strict=True))
    return [parts[word] for word in re.findall(r"\w+", keep) if word in parts]


@bundle()
def write(fields: list[str], style: str) -> str:
    """The fields in a row; in capitals if the prompt asks for them."""
    text = ", ".join(fields)
    return text.upper() if "capitals" in style else text


def scripted(messages: list[dict[str, str]]) -> str:
    """Passes on what is a value's business, or writes a new text from what was passed on."""
    question = messages[-1]["content"]
    edge = re.search(r"How should (\w+) be different", question)
    said = question.partition("What was said about the result:" if edge else "The feedback on it:")
    wishes = re.findall(r"Name [^.]*\.|Use [^.]*\.", said[2])
    if edge:
        wanted = "Use" if "style" in edge[1] else "Name"
        return " ".join(w for w in wishes if w.startswith(wanted)) or "It is right as it is."
    mark = re.search(r"<(IMPROVED_VARIABLE[^>]*)>", question)
    if not wishes or mark is None:
        return "TERMINATE"
    text = wishes[-1].replace("Name", "Keep").replace("Use", "Write in")
    return f"<{mark[1]}>{text}</{mark[1]}>"


def wrong() -> list[tuple[object, str]]:
    """Each output that is not what it should be, with words about it."""
    found = []
    for note, wanted in zip(NOTES, WANTED, strict=True):
        text = write(extract(note, keep), style)
        words = "" if text.data.isupper() else "Use capitals. "
        words += "" if text.data.upper() == wanted else "Name the machine, then the date. "
        if words:
            found.append((text, words))
    return found


if __name__ == "__main__":
    optimizer, before = TextGrad([keep, style], llm=scripted), len(NOTES) - len(wrong())
    calls = 0
    while outputs := wrong():
        optimizer.zero_feedback()
        for output, words in outputs:
            optimizer.backward(output, words)
        optimizer.step()
        calls += optimizer.last.calls
        print(f"{optimizer.last.status}: {keep.data!r}, {style.data!r}")
    print(f"textgrad: {before} right before, {len(NOTES)} after; {calls} model calls")
