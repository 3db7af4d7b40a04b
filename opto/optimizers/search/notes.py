"""What the rewriter's prompts say of measurements, data and program, as text.

Lives here: sections of prompts made of a proposal's payload; the prompts that ask for notes.
Never here: calls, reading replies (`rewriter`).
"""

from __future__ import annotations

from collections.abc import Mapping

from opto.prompts.render import Turn, render
from opto.search.canon import JSON


def summary_turns(payload: Mapping[str, JSON]) -> tuple[Turn, ...]:
    """The prompt for a note: on the data, on the program, or on measurements."""
    notes = str(payload.get("summary") or "none yet")
    if "data" in payload:
        return render("search_data", notes=notes, examples=_numbered(payload.get("data")))
    if "program" in payload:
        about = payload.get("about")
        parts = about.items() if isinstance(about, dict) else ()
        lines = "\n".join(f"- {name}: {said}" if said else f"- {name}" for name, said in parts)
        return render("search_program", parts=lines, trace=str(payload["program"]))
    shown = [measured(item) for item in items(payload.get("evidence")) if isinstance(item, dict)]
    return render("search_summary", notes=notes, measured="\n\n".join(shown) or "none")


def measured(payload: Mapping[str, JSON]) -> str:
    """What the program did with the parent's values."""
    records = _numbered(payload.get("measured"))
    return f"# What the program did with the present values\n{records}" if records else ""


def background(payload: Mapping[str, JSON]) -> str:
    """Notes made before the search, and demonstrations of success."""
    notes = payload.get("background")
    parts = []
    for key, title in (("data", "# The data"), ("program", "# The program")):
        if isinstance(notes, dict) and notes.get(key):
            parts.append(f"{title}\n{notes[key]}")
    if demos := items(payload.get("demos")):
        parts.append("\n".join(["# Solved examples", *(f"- {demo}" for demo in demos)]))
    return "\n\n".join(parts)


def items(value: JSON) -> list[JSON]:
    """`value`, if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def _numbered(value: JSON) -> str:
    return "\n".join(
        f"{at}. " + "\n   ".join(f"{key}: {item[key]}" for key in item)
        for at, item in enumerate(items(value), start=1)
        if isinstance(item, dict)
    )
