"""The `opto` command: commands are wired together and errors become exit codes.

Lives here: the application, and the one place where an exception becomes words for a person.
Never here: work of any command.

Exit codes: 0 done, 1 explained error, 2 usage, 3 infeasible or unbounded, 4 not solved,
130 Ctrl-C.
"""

from __future__ import annotations

import logging
import sys
import traceback
from importlib.metadata import entry_points, version
from typing import Annotated, Protocol, runtime_checkable

import typer

from opto.cli import model, optimize, resume, runs, solve
from opto.display.text import plain

app = typer.Typer(
    name="opto",
    help="Words in, verified answer out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("solve")(solve.solve)
app.command("optimize")(optimize.optimize)
app.command("resume")(resume.resume)
app.add_typer(model.app, name="model")
app.add_typer(runs.app, name="runs")

INTERRUPTED = 130


@runtime_checkable
class Misused(Protocol):
    """A usage error of the command-line library, which prints itself."""

    exit_code: int

    def show(self) -> None: ...


@runtime_checkable
class Explained(Protocol):
    """An exception that says what happened, where, and how to fix it."""

    what: str
    where: str
    fix: str


def _tell_version(wanted: bool) -> None:  # noqa: FBT001  (typer passes the flag so)
    if wanted:
        typer.echo(f"opto {version('optolab')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="And exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and log every step.")
    ] = False,
) -> None:
    """Words in, verified answer out."""
    if debug:
        logging.basicConfig(level=logging.DEBUG)


def run() -> None:
    """Entry point of the console script; never returns."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run one command and give its exit code."""
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if debug:
        arguments = ["--debug", *arguments]
    try:
        _join_others(arguments)
        result = app(arguments, prog_name="opto", standalone_mode=False)
    except typer.Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - the last place where a person can be told
        if isinstance(error, Misused):
            error.show()
        else:
            if debug:
                traceback.print_exc()
            _explain(error)
        return getattr(error, "exit_code", 1)
    return result if isinstance(result, int) else 0


def _join_others(arguments: list[str]) -> None:
    """Add commands of other packages (entry points `opto.commands`); only those asked for."""
    known = {group.name for group in app.registered_groups}
    known |= {command.name for command in app.registered_commands}
    asked = next((word for word in arguments if not word.startswith("-")), None)
    if asked in known:  # looking through all installed packages takes its time
        return
    for entry in entry_points(group="opto.commands"):
        if entry.name not in known and asked in (None, entry.name):
            app.add_typer(entry.load(), name=entry.name)


def _explain(error: Exception) -> None:
    if not isinstance(error, Explained):
        _say(f"Internal error: {type(error).__name__}: {error}")
        _say("Run the same command with --debug to see where, and please report it.")
        return
    _say(f"Error: {error.what}")
    if error.where:
        _say(f"  where: {error.where}")
    if error.fix:
        _say(f"  fix:   {error.fix}")


def _say(line: str) -> None:
    typer.echo(plain(line), err=True)
