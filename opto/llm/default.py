"""Which model is used when none is named.

In this order: `--model`, `OPTO_MODEL`, `opto.toml` (these three are `Settings.model`), a vendor
whose key is in the environment if the person at the terminal says so, a model in the cache, a
download. A vendor costs money, so without a person to ask it is never taken, only named.

Lives here: that order, and the error when nothing is left.
Never here: opening a model, terminals, downloads themselves.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from opto.llm import store
from opto.llm.errors import NoModel
from opto.llm.sources import write_atomically
from opto.settings import FILE, Settings

DEFAULT_LOCAL = "qwen2.5-coder-1.5b-instruct-q4_k_m"
"""The pinned model that is downloaded when no other is named."""
_USABLE = (DEFAULT_LOCAL, "qwen2.5-coder-0.5b-instruct-q4_k_m")
"""Pinned models taken from the cache, best first; the smallest one serves tests only."""
_log = logging.getLogger("opto.llm")


@dataclass(frozen=True, slots=True)
class Vendor:
    """A paid service and the model of it that is proposed."""

    variable: str
    """Environment variable of its key."""
    spec: str


VENDORS = (
    Vendor("OPENAI_API_KEY", "openai:gpt-5.4-mini"),
    Vendor("ANTHROPIC_API_KEY", "anthropic:claude-sonnet-5-5"),
)


class Person(Protocol):
    """Somebody who can be asked."""

    def choose(self, question: str, answers: Sequence[str]) -> int:
        """The index of one of `answers`."""

    def tell(self, line: str) -> None:
        """Let the person know."""


def choose_model(
    settings: Settings,
    *,
    person: Person | None = None,
    pull: Callable[[str], object] | None = None,
    file: Path = FILE,
) -> str:
    """The spec of the model to use.

    Args:
        settings: Flag, environment variable and file, in this order.
        person: Asked, once, when a vendor's key is there; the answer is written to `file`. None
            when nobody sits at a terminal.
        pull: Downloads the pinned model of this name, showing its progress; None forbids it.
        file: The settings file that remembers the answer.

    Raises:
        NoModel: Nothing is left; the error names the ways to a model.
        ModelStoreError: The download failed.
    """
    if settings.model:
        return settings.model
    folder = settings.models_dir or store.models_folder()
    paid = [vendor for vendor in VENDORS if os.environ.get(vendor.variable, "").strip()]
    here = _in_cache(folder)
    if paid and person is not None:
        return _ask(person, paid, here, pull=pull, file=file)
    if here is None and pull is not None:
        pull(DEFAULT_LOCAL)
        here = DEFAULT_LOCAL
    if here is None:
        raise _no_model(paid)
    for vendor in paid:
        _log.warning(
            "%s is set but costs money, so the local model is used; for the other: OPTO_MODEL=%s",
            vendor.variable,
            vendor.spec,
        )
    return f"llamacpp:{here}"


def _ask(
    person: Person,
    paid: Sequence[Vendor],
    here: str | None,
    *,
    pull: Callable[[str], object] | None,
    file: Path,
) -> str:
    """The person's choice between the vendors and the local model, remembered in `file`."""
    size_mb = store.known_models()[here or DEFAULT_LOCAL].size_bytes / 1_000_000
    local = f"llamacpp:{here or DEFAULT_LOCAL}"
    answers = [f"{vendor.spec}   (costs money; {vendor.variable} is set)" for vendor in paid]
    if here is not None or pull is not None:
        note = "here" if here else f"{size_mb:.0f} MB to download"
        answers.append(f"{local}   (free, on this machine, weaker; {note})")
    picked = person.choose(f"Which model? The answer is kept in {file}.", answers)
    spec = paid[picked].spec if picked < len(paid) else local
    if spec == local and here is None and pull is not None:
        pull(DEFAULT_LOCAL)
    try:
        remember(spec, file)
    except OSError as fault:
        person.tell(f"Not kept: {file}: {fault.strerror}. OPTO_MODEL={spec} does the same.")
    return spec


def remember(spec: str, file: Path) -> None:
    """Put `model = SPEC` at the top of a settings file that has no model yet; make the file."""
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    write_atomically(file, f"model = {json.dumps(spec)}\n{old}")


def _in_cache(folder: Path) -> str | None:
    """The best pinned model that is in the cache."""
    here = {entry.name for entry in store.list_models(folder=folder) if entry.path is not None}
    return next((name for name in _USABLE if name in here), None)


def _no_model(paid: Sequence[Vendor]) -> NoModel:
    hint = "".join(f" ({vendor.variable} is set: {vendor.spec!r} is one.)" for vendor in paid)
    size_gb = store.known_models()[DEFAULT_LOCAL].size_bytes / 1e9
    return NoModel(
        "No model is chosen." + hint,
        where="no llm= (or model=) was given, OPTO_MODEL and opto.toml name none, and no default "
        "model is downloaded",
        fix=(
            "Name one, in one of these places:\n"
            '  llm="openai:NAME" in Python   (model= for opto.solve; --model for the command)\n'
            "  OPTO_MODEL=openai:NAME in the environment\n"
            '  model = "openai:NAME" in opto.toml\n'
            "Models are:\n"
            "  openai:NAME or anthropic:NAME   (key in OPENAI_API_KEY, ANTHROPIC_API_KEY)\n"
            "  openai:NAME@http://host:port/v1   (any compatible server)\n"
            "  mailbox:DIR   (you, or another program, answer in files)\n"
            f"  the default, after: opto model pull {DEFAULT_LOCAL}   (local, {size_gb:.1f} GB)"
        ),
    )
