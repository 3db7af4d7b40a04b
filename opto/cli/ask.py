"""Settling on a model before a command starts: the person at the terminal, and the download.

Lives here: how a person is asked on a terminal.
Never here: the order in which models are considered (`opto.llm.default`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from opto.cli.model import Teller
from opto.llm import store
from opto.llm.default import choose_model
from opto.settings import Settings


class Terminal:
    """The person in front of stdin; questions go to stderr, since stdout is for results."""

    def choose(self, question: str, answers: Sequence[str]) -> int:
        """The index of the answer whose number is typed; asks until one fits."""
        self.tell(question)
        for number, answer in enumerate(answers, start=1):
            self.tell(f"  {number}  {answer}")
        numbers = [str(number) for number in range(1, len(answers) + 1)]
        while (typed := self._line("Number: ")) not in numbers:
            self.tell(f"{typed!r} is none of {', '.join(numbers)}.")
        return numbers.index(typed)

    def _line(self, prompt: str) -> str:
        """What is typed; typer's own prompt would write to stdout."""
        typer.echo(prompt, nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            raise typer.Abort
        return line.strip()

    def tell(self, line: str) -> None:
        """One line on stderr."""
        typer.echo(line, err=True)


def with_model(settings: Settings) -> Settings:
    """`settings` that name a model: asks, or downloads, when they name none.

    Raises:
        NoModel: No model can be had.
        ModelStoreError: The download failed.
    """
    here = sys.stdin.isatty() and sys.stderr.isatty()
    spec = choose_model(
        settings,
        person=Terminal() if here else None,
        pull=lambda name: _download(name, settings.models_dir),
    )
    return settings.model_copy(update={"model": spec})


def _download(name: str, folder: Path | None) -> None:
    typer.echo(f"No model is set; downloading the default, {name}. Ctrl-C stops it.", err=True)
    store.pull(name, progress=Teller(), folder=folder)
