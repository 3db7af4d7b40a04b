"""GEPA: two parts, improved in turn, from a front of candidates that are good at different inputs.

The program reads dates as people write them. One part lists the forms it understands, the other
how it writes them down. The scripted model sees three inputs at a time, as GEPA shows them, and
mends the first thing that was said about them; the front keeps what every version learned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

import opto
from opto.optimizers.search import Rewriter, named

WRITTEN = """5 March 2024|17 June 2023|5.3.2024|17.6.2023|March 5, 2024|June 17, 2023|5-Mar-24
17-Jun-23|2024/03/05|2023/06/17|Tue 5 Mar 2024|Sat 17 Jun 2023|20240305|20230617|5 March '24
17 June '23"""
INPUTS = [text.strip() for text in re.split(r"[|\n]", WRITTEN)]
ROWS = list(zip(INPUTS, ["2024-03-05", "2023-06-17"] * 8, strict=True))
KNOWN = ["%d %B %Y", "%d.%m.%Y", "%B %d, %Y", "%d-%b-%y", "%Y/%m/%d", "%a %d %b %Y", "%Y%m%d"]
KNOWN.append("%d %B '%y")


def fits(form: str, text: str) -> datetime | None:
    """The date, if the text has this form."""
    with suppress(ValueError):
        return datetime.strptime(text, form)  # noqa: DTZ007  (days have no zone)
    return None


def program(values: Mapping[str, str], text: str) -> str:
    """The date in the form of `write`, if one of the forms in `read` fits."""
    found = [day for form in values["read"].split("; ") if (day := fits(form, text))]
    return found[0].strftime(values["write"]) if found else "unreadable"


def guide(output: str, row: tuple[str, str]) -> tuple[float, str]:
    """Right or wrong, with a hint to the part that is to blame."""
    if output == row[1]:
        return 1.0, "Right."
    return 0.0, "No form fits." if output == "unreadable" else f"Write {row[1]} so."


def scripted(messages: list[dict[str, str]]) -> str:
    """Adds a form for the first input that was not read, or copies the form that was asked for."""
    text = messages[-1]["content"]
    part = re.findall(r"better values for: (\w+)", text)[-1]
    value = re.findall(rf"<name>{part}</name>\s*<value>\s*(.*?)\s*</value>", text)[-1]
    records = re.split(r"^\d+\. input: ", text, flags=re.MULTILINE)[1:]
    missed = [record.partition("\n")[0] for record in records if "No form fits" in record]
    if part == "write" and re.search(r"Write \d{4}-\d\d-\d\d so", text):
        value = "%Y-%m-%d"
    elif part == "read" and missed:
        value += "; " + next(form for form in KNOWN if fits(form, missed[0]))
    return f"<variable><name>{part}</name><value>{value}</value></variable>"


if __name__ == "__main__":
    start = {"read": "%d %B %Y", "write": "%x"}
    result = opto.optimize(
        (start, program),
        ROWS[1::2],
        guide,
        valset=ROWS[::2],
        optimizer=named("gepa").algorithm(Rewriter(scripted)),
        budget=opto.Budget(metric=400, llm=60),
    )
    before, after = (
        sum(program(values, text) == day for text, day in ROWS) for values in (start, result.values)
    )
    print(dict(result.values))
    print(f"gepa: {before} of {len(ROWS)} right before, {after} after; {result.cost}")
