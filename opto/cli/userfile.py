"""The user's own files: Python that is executed, and data.

A program file is run as `python FILE.py` would run it, but for its `__main__` part. Nothing that a
model wrote comes this way.

Lives here: loading, names in a file, examples from JSON lines, digests of what was read.
Never here: what is done with a program (`opto.cli.searching`).
"""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from hashlib import blake2b
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from opto.errors import InputError

LONGEST_SOURCE = 200_000
"""Characters of a program file that are recorded at most."""
_SHOWN = 12
"""Names of a file that an error lists."""


class UserFiles:
    """The files of one command. A program file is executed once, however many names it gives."""

    def __init__(self) -> None:
        self._modules: dict[Path, ModuleType] = {}
        self._digests: dict[Path, str] = {}

    @property
    def digests(self) -> dict[str, str]:
        """Path to digest of every file that was read, modules beside a program file included."""
        return {str(path): digest for path, digest in self._digests.items()}

    @property
    def sources(self) -> dict[str, str]:
        """Path to text of the Python among them, so that a later change can be shown."""
        found = [path for path in self._digests if path.suffix == ".py"]
        return {str(path): source_of(path) for path in found}

    def named(self, place: str, default: str) -> tuple[Path, str]:
        """`FILE.py:name` or `FILE.py` as path and name."""
        file, colon, name = place.rpartition(":")
        if not colon or not name.isidentifier():
            file, name = place, default
        return Path(file).expanduser().resolve(), name

    def module(self, path: Path) -> ModuleType:
        """The module of a program file, executed when first asked for.

        Raises:
            InputError: It is not there, is no Python, or fails.
        """
        if path not in self._modules:
            _must_exist(path, ".py")
            before = set(sys.modules)
            self._modules[path] = _executed(path)
            self._digests[path] = digest_of(path)
            for name in sorted(set(sys.modules) - before):
                file = Path(getattr(sys.modules[name], "__file__", None) or "/")
                beside = file.suffix == ".py" and file.is_relative_to(path.parent)
                if beside and "site-packages" not in file.parts:
                    self._digests[file] = digest_of(file)
        return self._modules[path]

    def value(self, path: Path, name: str, *, meaning: str, fix: str) -> Any:
        """What a program file calls `name`.

        Args:
            path: The file.
            name: Of a variable of it.
            meaning: What it is, in words, for the error.
            fix: What to write if it is missing.

        Raises:
            InputError: It has no such name; what it has is listed and a near miss is named.
        """
        module = self.module(path)
        if hasattr(module, name):
            return getattr(module, name)
        has = names_in(module)
        near = get_close_matches(name, has, n=1)
        listed = ", ".join(has[:_SHOWN]) + (", ..." if len(has) > _SHOWN else "")
        raise InputError(
            f"{path.name} has no {name!r}, {meaning}.",
            where=f"{path}, which has: {listed or 'no names'}",
            fix=(f"Did you mean {near[0]!r}? " if near else "") + fix,
        )

    def has(self, path: Path, name: str) -> bool:
        """Does a program file have this name?"""
        return hasattr(self.module(path), name)

    def rows(self, path: Path) -> list[Any]:
        """Examples from JSON lines: objects with `input` and `target`, or `[input, target]`.

        Raises:
            InputError: A line is no JSON, or there is none.
        """
        _must_exist(path, ".jsonl")
        found = []
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path.name} is not UTF-8 text (byte {error.start}).",
                where=str(path),
                fix="Save it as UTF-8.",
            ) from error
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                found.append(_row(line, f"{path}, line {number}"))
        if not found:
            raise InputError("There is no example in the file.", where=str(path))
        self._digests[path] = digest_of(path)
        return found


def _row(line: str, where: str) -> Any:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(
            f"This line is no JSON: {error}.",
            where=where,
            fix='One example per line: {"input": ..., "target": ...}',
        ) from None
    return tuple(row) if isinstance(row, list) and len(row) == 2 else row  # noqa: PLR2004


def digest_of(path: Path) -> str:
    """Of the bytes of a file: 16 hexadecimal digits of BLAKE2b."""
    return blake2b(path.read_bytes(), digest_size=8).hexdigest()


def source_of(path: Path) -> str:
    """The text of a program file; nothing where it is too long to be kept in a record."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return text if len(text) <= LONGEST_SOURCE else ""


def names_in(module: ModuleType) -> list[str]:
    """The public names that a module made itself, in their order."""

    def own(value: Any) -> bool:
        imported = isinstance(value, ModuleType | type | FunctionType | BuiltinFunctionType)
        return not imported or getattr(value, "__module__", None) == module.__name__

    return [n for n, value in vars(module).items() if not n.startswith("_") and own(value)]


def _must_exist(path: Path, ending: str) -> None:
    if path.is_file() and path.suffix == ending:
        return
    if path.is_file():
        raise InputError(
            f"{path.name} is no {ending} file.", where=str(path), fix=f"Give a {ending} file."
        )
    beside = _names_beside(path, ending)
    near = get_close_matches(path.name, beside, n=1)
    raise InputError(
        f"There is no file {path.name!r}.",
        where=str(path.parent),
        fix=f"Did you mean {near[0]!r}?" if near else f"Its {ending} files: {_some(beside)}.",
    )


def _names_beside(path: Path, ending: str) -> list[str]:
    return sorted(p.name for p in path.parent.glob(f"*{ending}")) if path.parent.is_dir() else []


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) or "none"


class _AsWritten(SourceFileLoader):
    """Reads the file itself: a cached `.pyc` may be that of the same second before a repair."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  (the protocol)
        return self.source_to_code(self.get_data(self.path), self.path)


def _executed(path: Path) -> ModuleType:
    name = path.stem if path.stem not in sys.modules else f"program_{path.stem}"
    loader = _AsWritten(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # noqa: S101  (it ends in .py)
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # as for `python FILE.py`
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _failing(path, error) from error
    except SystemExit as ended:
        del sys.modules[name]
        raise InputError(
            f"{path.name} ended the process while it was loaded.",
            where=str(path),
            fix='Put what it does as a script under `if __name__ == "__main__":`.',
        ) from ended
    return module


def _failing(path: Path, error: Exception) -> InputError:
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    if line is None:
        own = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        line = own[-1].lineno if own else None
    return InputError(
        f"{path.name} cannot be loaded: {type(error).__name__}: {error}",
        where=f"{path}, line {line}" if line else str(path),
        fix="It must run through by itself: python " + path.name,
    )
