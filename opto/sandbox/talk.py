"""One run as the host sees it: hand over the program, answer its tool calls, judge its end.

Lives here: the deadline (kept here, enforced by killing the process), the caps on output and on
answers, and turning what came back into a value or an error. Every byte read here was chosen by
an attacker.
Never here: starting processes (`process`), running anything but the caller's own tools.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NoReturn

from opto.sandbox import errors, frames
from opto.sandbox.errors import NotPlainError, SandboxedError, SandboxUnavailable
from opto.sandbox.plain import Plain, clean, loads, pack, unpack
from opto.sandbox.process import Line, WorkerLostError, WorkerProcess
from opto.sandbox.program import Program

_CHUNK = 1 << 16
_TRACE_S = 0.05
"""Time for a run that is over its limit to say where it is, before it is killed."""
_PAUSE_MS = 5
_DEATH_S = 0.3
_LONGEST_WAIT_S = 3600.0
_COUNT_S, _MOST_THREADS = 0.05, 512
_MOST_MESSAGE, _MOST_NAME, _MOST_LINES = 4000, 200, 50
_MOST_LINE_TEXT = 200


class Talk:
    """A conversation with one child; `run` gives the document it answered, or raises."""

    def __init__(
        self,
        worker: WorkerProcess,
        line: Line,
        program: Program,
        *,
        pause: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Prepare; `pause` is entered around each tool, while the child only waits."""
        self.worker, self.line, self.program, self.pause = worker, line, program, pause
        self.limits = program.limits
        self.output = bytearray()
        self._mark = os.urandom(frames.MARK)
        self._answers = bytearray()
        self._to_send = memoryview(b"")
        self._poll = select.poll()
        self._deadline = 0.0
        self._started = False

    def run(self) -> dict[str, Any]:
        """Hand over the program and see it through.

        Returns:
            The final document: `value`, and `files` of a script.

        Raises:
            SandboxedError: and its subclasses.
            SandboxUnavailable: the child could not confine itself; nothing was run.
            WorkerLostError: the worker is gone.
        """
        request = self.program.request | {"mark": self._mark.hex()}
        self._say(request, mark=frames.FIRST)
        self._poll.register(self.line.answers, select.POLLIN)
        self._poll.register(self.line.output, select.POLLIN)
        self._deadline = time.monotonic() + self.limits.wall_s
        document = self._next_document()
        self._started = "started" in document
        while self._started:
            document = self._next_document()
            if "tool" not in document:
                break
            self._say(self._served(document))
        self.worker.order("k", self.line)
        if self._drain_output():
            self._too_much_output()
        return self._judged(document)

    def value(self, document: dict[str, Any]) -> Plain:
        """The result in a final document."""
        try:
            return unpack(document["value"])
        except NotPlainError as refused:
            self._bad_result(refused.what)

    def files(self, document: dict[str, Any]) -> dict[str, bytes]:
        """The files in a final document, by a name that leads nowhere else."""
        try:
            files = unpack(document.get("files", {}))
        except NotPlainError as refused:
            self._bad_result(refused.what)
        if type(files) is not dict or not all(_is_file(*pair) for pair in files.items()):
            self._bad_result("malformed files")
        return files

    @property
    def stdout(self) -> str:
        """What was printed so far."""
        return self.output[: self.limits.output_bytes].decode("utf-8", "replace")

    def _say(self, document: Any, *, mark: bytes | None = None) -> None:
        self._to_send = memoryview(frames.frame(mark or self._mark, document))
        self._poll.register(self.line.requests, select.POLLOUT)

    def _next_document(self) -> dict[str, Any]:
        """The next whole message; meanwhile output is kept and our message is sent."""
        while True:
            document = self._parsed()
            if document is not None:
                return document
            left = self._deadline - time.monotonic()
            if left <= 0:
                self._out_of_time()
            if self.line.pid:
                self._count_threads()
            wait_s = min(left, _COUNT_S if self.line.pid else _LONGEST_WAIT_S)
            for descriptor, event in self._poll.poll(wait_s * 1000 + 1):
                if descriptor == self.line.requests:
                    self._send_on(event)
                elif descriptor == self.line.output:
                    self._read_output()
                elif not self._read_answers():
                    self._ended_without_answer()

    def _count_threads(self) -> None:
        """Without a user of its own the kernel would let it start as many as memory allows."""
        if self.line.threads() > _MOST_THREADS:
            self._kill()
            raise errors.DiedError(
                "Died", f"killed: it had more than {_MOST_THREADS} threads", stdout=self.stdout
            )

    def _send_on(self, event: int) -> None:
        try:
            if event & select.POLLOUT:
                self._to_send = self._to_send[os.write(self.line.requests, self._to_send) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._to_send = memoryview(b"")  # it does not listen: its end will tell
        if not self._to_send or event & select.POLLERR:
            self._poll.unregister(self.line.requests)

    def _read_output(self) -> None:
        try:
            part = os.read(self.line.output, _CHUNK)
        except BlockingIOError:
            return
        if not part:
            self._poll.unregister(self.line.output)
        self.output += part
        if len(self.output) > self.limits.output_bytes:
            self._kill()
            self._too_much_output()

    def _read_answers(self) -> bool:
        """False when the other end is closed."""
        try:
            part = os.read(self.line.answers, _CHUNK)
        except BlockingIOError:
            return True
        self._answers += part
        return bool(part)

    def _parsed(self) -> dict[str, Any] | None:
        """The message at the front of what was read, if it is complete."""
        if len(self._answers) < frames.HEAD:
            return None
        size = frames.size_of(self._answers[: frames.HEAD], self._mark)
        if size is None or size > max(self.limits.result_bytes, frames.ROOM):
            what = "wrote to the pipe of the sandbox itself"
            self._bad_result(what if size is None else "the answer is too large")
        if len(self._answers) < frames.HEAD + size:
            return None
        body = bytes(self._answers[frames.HEAD : frames.HEAD + size])
        del self._answers[: frames.HEAD + size]
        try:
            document = loads(body)
        except NotPlainError as refused:
            self._bad_result(refused.what)
        if type(document) is not dict:
            self._bad_result("malformed data")
        if size > self.limits.result_bytes and not document.keys().isdisjoint(("value", "tool")):
            self._bad_result("the answer is too large")
        return document

    def _served(self, call: dict[str, Any]) -> dict[str, Any]:
        """Run the tool that was asked for; its failure is an answer, not ours."""
        tool = self.program.tool(call.get("stub"), call.get("tool"))
        try:
            args, kwargs = unpack(call.get("args")), unpack(call.get("kwargs"))
        except NotPlainError as refused:
            self._bad_result(refused.what)
        named = type(kwargs) is dict and all(type(name) is str for name in kwargs)
        if tool is None or type(args) is not list or not named:
            return {"error": "there is no such tool"}
        try:
            with self.pause():
                value = tool(*args, **kwargs)
        except Exception as failed:  # noqa: BLE001 - whatever it is, the code shall hear of it
            said = clean(str(failed) or type(failed).__name__, most=_MOST_MESSAGE)
            return {"error": said, "type": type(failed).__name__}
        return {"value": pack(value, f"result of the tool {call['tool']!r}")}

    def _judged(self, document: dict[str, Any]) -> dict[str, Any]:
        """The final document, or the error it stands for."""
        if "value" in document:
            return document
        if "unconfined" in document:
            raise SandboxUnavailable(
                f"A run could not be confined: {clean(str(document['unconfined']), most=500)}",
                fix="Nothing was run. See opto/sandbox/README.md for what the levels need.",
            )
        if "bad" in document:
            self._bad_result(str(document["bad"]))
        if "large" in document:
            self._bad_result(f"the result is larger than {self.limits.result_bytes:,} bytes")
        if type(document.get("raised")) is not str:
            self._bad_result("malformed data")
        kind = SandboxedError
        if document.get("memory") is True:
            kind = errors.MemoryLimitError
        elif document.get("syntax") is True:
            kind = errors.CodeSyntaxError
        name = clean(document["raised"], most=_MOST_NAME)
        message = clean(str(document.get("message", "")), most=_MOST_MESSAGE)
        lines = self._lines(document.get("lines"))
        raise kind(name, message, lines=lines, stdout=self.stdout)

    def _lines(self, raw: Any) -> list[errors.Line]:
        """Frames as said from inside, with the text of our own copy of the source."""
        text = self.program.source.splitlines()
        lines: list[errors.Line] = []
        for entry in raw[-_MOST_LINES:] if type(raw) is list else ():
            if type(entry) is not list or [type(part) for part in entry] != [int, str]:
                continue
            if 1 <= entry[0] <= len(text):
                shown = clean(text[entry[0] - 1].strip(), most=_MOST_LINE_TEXT)
                lines.append((entry[0], clean(entry[1], most=_MOST_NAME), shown))
        return lines

    def _out_of_time(self) -> NoReturn:
        """Ask where it is, kill it, say so."""
        self.worker.order("t", self.line)
        patience = select.poll()
        patience.register(self.line.answers, select.POLLIN)
        give_up, wait_ms = time.monotonic() + _TRACE_S, _TRACE_S * 1000
        while time.monotonic() < give_up and patience.poll(wait_ms):
            wait_ms = _PAUSE_MS
            if not self._read_answers():
                break
        self.worker.order("k", self.line)
        with contextlib.suppress(WorkerLostError):  # gigabytes take a while; its death is certain
            self.worker.status(self.line, within_s=_DEATH_S)
        self._drain_output()
        frame = rf'File "{re.escape(self.program.filename)}", line (\d{{1,7}}) in (\S+)'
        found = re.findall(frame, self._answers[-_CHUNK:].decode("utf-8", "replace"))
        lines = self._lines([[int(number), name] for number, name in found[::-1]])
        said = f"still running after {self.limits.wall_s:g} s"
        raise errors.TimeLimitError("TimeLimit", said, lines=lines, stdout=self.stdout)

    def _kill(self) -> int | None:
        """Kill it, and see it dead; None when the worker had to be given up for it."""
        self.worker.order("k", self.line)
        try:
            return self.worker.status(self.line)
        except WorkerLostError:
            self.worker.close()
            return None

    def _ended_without_answer(self) -> NoReturn:
        """It closed its pipe: a crash, an early exit, or a trick."""
        if not self._started:
            raise WorkerLostError("a child died before it ran anything")
        status = self._kill()
        self._drain_output()
        stdout = self.stdout
        if status is None:
            raise errors.DiedError("Died", "its worker is gone", stdout=stdout)
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if number == signal.SIGABRT and "bad_alloc" in stdout[-500:]:
            raise errors.MemoryLimitError("MemoryLimit", "out of memory", stdout=stdout)
        if number == signal.SIGXCPU:
            said = "used more processor time than its limit allows"
            raise errors.TimeLimitError("TimeLimit", said, stdout=stdout)
        said = f"killed by {_signal_name(number)}" if number else "ended before it gave a result"
        if number == signal.SIGKILL:
            said = "killed: the machine is out of memory, or the code closed its own pipes"
        elif not number and os.WEXITSTATUS(status):
            said = f"exit code {os.WEXITSTATUS(status)}"
        raise errors.DiedError("Died", said, stdout=stdout)

    def _bad_result(self, said: str) -> NoReturn:
        self._kill()
        said = clean(said, most=_MOST_MESSAGE)
        raise errors.BadResultError("BadResult", said, stdout=self.stdout)

    def _drain_output(self) -> bool:
        """Take what was printed and not yet read; was it more than the cap?"""
        while len(self.output) <= self.limits.output_bytes:
            try:
                part = os.read(self.line.output, _CHUNK)
            except BlockingIOError:
                return False
            if not part:
                return False
            self.output += part
        return True

    def _too_much_output(self) -> NoReturn:
        del self.output[self.limits.output_bytes :]
        said = f"printed more than {self.limits.output_bytes:,} bytes"
        raise errors.OutputLimitError("OutputLimit", said, stdout=self.stdout)


def _is_file(name: Any, data: Any) -> bool:
    """Bytes under a relative name without steps up, empty parts or control characters?"""
    if type(name) is not str or type(data) is not bytes or not name.isprintable():
        return False
    return all(part not in ("", ".", "..") for part in name.split("/")) and "\\" not in name


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
