"""One run, on the inside: the only place of this package that executes text.

Lives here: receiving a program, running it, sending back what it gave or how it failed.
Never here: any use by the host. It is imported by the worker, which forks a confined child for
every run; the child calls `serve` once and is killed afterwards.

Nothing here protects anything: the code shares this memory and may change all of it. The host
checks every byte that comes back (`plain`, `talk`).
"""

from __future__ import annotations

import builtins
import ctypes
import faulthandler
import os
import signal
import stat
import sys
import threading
import types
from collections.abc import Callable
from traceback import clear_frames
from typing import Any

from opto.sandbox import kinds
from opto.sandbox.errors import NotPlainError
from opto.sandbox.frames import Pipe
from opto.sandbox.plain import Plain, pack, unpack

_MODULE = "model_code"
_MOST_LINES = 50
_MOST_MESSAGE = 4000
_MOST_NAME = 200
_MOST_FILES = 200


def serve(pipe: Pipe, answer_fd: int, confine: Callable[[dict[str, Any]], None]) -> None:
    """Wait for a program, confine this process, run the program, answer."""
    request = pipe.receive()
    if request is None:
        return
    pipe.mark(bytes.fromhex(request["mark"]))
    try:
        confine(request["limits"])
    except Exception as refused:  # noqa: BLE001 - whatever it is, the code must not run
        pipe.send({"unconfined": f"{type(refused).__name__}: {refused}"})
        return
    pipe.send({"started": True})  # a death before this one cannot be the code's fault
    # asked by the host at the time limit, to learn where the code is; works inside native calls
    faulthandler.register(signal.SIGUSR1, file=answer_fd, all_threads=False)
    kinds.may_import_numpy = True
    run = _Run(pipe, request)
    answer = run.answer()
    run.flush()
    try:
        sent = pipe.send(answer, most=run.most if "value" in answer else None)
    except NotPlainError as refused:
        sent = pipe.send({"bad": refused.what})
    except MemoryError:
        sent = False
    if not sent:
        pipe.send({"large": run.most})


class _Run:
    """A program with its namespace and its line to the host."""

    def __init__(self, pipe: Pipe, request: dict[str, Any]) -> None:
        self.pipe, self.request = pipe, request
        self.most: int = request["limits"]["result_bytes"]
        self.lock = threading.Lock()
        self.stdout, self.stderr = sys.stdout, sys.stderr
        self.flush_native = ctypes.CDLL(None).fflush

    def answer(self) -> dict[str, Any]:
        """The result, or the failure, as a document."""
        try:
            value = self._value()
        except BaseException as raised:  # noqa: BLE001 - also SystemExit and KeyboardInterrupt
            sys.settrace(None)
            return self._failure(raised)
        sys.settrace(None)
        sys.setprofile(None)
        try:
            document = {"value": pack(value, "result")}
            if self.request["function"] is None:
                document["files"] = self._files()
        except NotPlainError as refused:
            return {"bad": refused.what[:_MOST_MESSAGE]}
        except MemoryError as raised:
            return self._failure(raised)
        return document

    def flush(self) -> None:
        """Push out what was printed, by Python and by native code."""
        for stream in (self.stdout, self.stderr):
            try:
                stream.flush()
            except Exception:  # noqa: BLE001, S112 - closed by the code, or the pipe is
                continue
        self.flush_native(None)

    def _value(self) -> Plain:
        request = self.request
        function = request["function"]
        module = types.ModuleType("__main__" if function is None else _MODULE)
        module.__builtins__ = builtins  # type: ignore[attr-defined]
        module.__file__ = request["filename"]
        sys.modules[module.__name__] = module
        namespace = module.__dict__
        for name, raw in request["names"].items():
            namespace[name] = self._argument(raw)
        for name in request["tools"]:
            namespace[name] = self._tool(None, name)
        code = compile(request["source"], request["filename"], "exec", dont_inherit=True)
        if function is None:
            return _script(code, namespace)
        exec(code, namespace)  # noqa: S102 - the purpose of this process
        args = [self._argument(raw) for raw in request["args"]]
        kwargs = {name: self._argument(raw) for name, raw in request["kwargs"].items()}
        if not callable(namespace.get(function)):
            raise NameError(  # noqa: TRY004 - the name is missing, or taken by a value
                f"the code defines no function {function!r}"
            )
        return namespace[function](*args, **kwargs)

    def _argument(self, raw: Any) -> Any:
        if type(raw) is dict and "$stub" in raw:
            number, attributes, tools = raw["$stub"]
            plain = {name: unpack(item) for name, item in attributes.items()}
            return _stub({**plain, **{name: self._tool(number, name) for name in tools}})
        return unpack(raw)

    def _tool(self, stub: int | None, name: str) -> Callable[..., Plain]:
        def tool(*args: Plain, **kwargs: Plain) -> Plain:
            try:
                call = {"args": pack(list(args), "args"), "kwargs": pack(kwargs, "kwargs")}
            except NotPlainError as refused:
                raise TypeError(f"{name}(): {refused.what}") from None
            with self.lock:
                if not self.pipe.send({"stub": stub, "tool": name, **call}, most=self.most):
                    raise ValueError(f"{name}(): arguments of more than {self.most} bytes")
                reply = self.pipe.receive()
            if reply is None:
                raise RuntimeError("the host is gone")
            if "error" in reply:
                raise _like(reply.get("type"))(reply["error"])
            return unpack(reply["value"])

        tool.__name__ = tool.__qualname__ = name
        return tool

    def _failure(self, raised: BaseException) -> dict[str, Any]:
        lines = self._lines(raised)
        clear_frames(raised.__traceback__)  # gives back the memory that may be short
        return {
            "raised": type(raised).__name__[:_MOST_NAME],
            "message": _text(raised),
            "memory": isinstance(raised, MemoryError),
            "syntax": isinstance(raised, SyntaxError) and raised.filename == self.filename,
            "lines": lines,
        }

    @property
    def filename(self) -> str:
        name: str = self.request["filename"]
        return name

    def _lines(self, raised: BaseException) -> list[tuple[int, str]]:
        """Line and function of each frame inside the source, innermost last."""
        if isinstance(raised, SyntaxError) and raised.filename == self.filename:
            return [(raised.lineno or 1, "<module>")]
        lines, trace = [], raised.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename == self.filename:
                lines.append((trace.tb_lineno, code.co_name[:_MOST_NAME]))
            trace = trace.tb_next
        return lines[-_MOST_LINES:]

    def _files(self) -> Any:
        """Regular files below the scratch folder, read with no more rights than the code had."""
        found: dict[str, bytes] = {}
        room = self.most
        top = os.environ.get("HOME", "")
        for folder, _, names in os.walk(top) if top else ():
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118 - pathlib is slow to import
                data = _read(path, room)
                if data is None:
                    continue
                room -= len(data)
                if room < 0 or len(found) >= _MOST_FILES:
                    raise NotPlainError(
                        f"files of more than {self.most} bytes, or more than {_MOST_FILES} files"
                    )
                found[os.path.relpath(path, top)] = data
        return pack(found, "files")


def _like(name: str | None) -> type[Exception]:
    """The builtin exception of that name; RuntimeError for all others."""
    kind: object = getattr(builtins, str(name), None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        return RuntimeError if issubclass(kind, UnicodeError) else kind  # those take five arguments
    return RuntimeError


def _script(code: types.CodeType, namespace: dict[str, Any]) -> Plain:
    try:
        exec(code, namespace)  # noqa: S102 - the purpose of this process
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise
    return namespace.get("result")


def _stub(contents: dict[str, Any]) -> object:
    """An object whose attributes can be read and whose tools can be called."""

    class Stub:
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(
                f"cannot set {name!r}: this object is a copy, and changes to it would be lost"
            )

        def __delattr__(self, name: str) -> None:
            raise AttributeError(
                f"cannot delete {name!r}: this object is a copy, and changes to it would be lost"
            )

    stub = Stub()
    stub.__dict__.update(contents)
    return stub


def _read(path: str, room: int) -> bytes | None:
    """Content of a regular file with one name, one byte more than `room` at most; else None."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
            return None
        with os.fdopen(os.dup(handle), "rb") as file:
            return file.read(room + 1)
    finally:
        os.close(handle)


def _text(raised: BaseException) -> str:
    """What the exception says; its own `__str__` may fail."""
    try:
        said = str(raised)[:_MOST_MESSAGE]
        return said.encode("utf-8", "replace").decode()
    except BaseException:  # noqa: BLE001 - it is the code's own method
        return ""
