"""`mailbox:DIR`: requests become files, and whoever reads them writes the answers as files.

For work without a network, batch APIs, a person with a chat window, another program. Request
NNNN is `NNNN-KEY.request.md`, complete by itself, and the same as data in `.request.json`. The
answer is read from `NNNN-KEY.reply.md` or `NNNN-KEY.reply.json` in the same folder. A reply is
taken when it is not empty and either two looks, one poll apart, saw the same size and time, or
it was last written some seconds ago; writing under another name and renaming is always safe.
All files stay: a second run with the same request finds the old reply and asks nobody.

Lives here: the folder's protocol, and the wait for a reply.
Never here: parsing of answers, the wording of tasks.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from opto.errors import InputError
from opto.llm.errors import BadResponse, ModelTimeout
from opto.llm.filelock import exclusive
from opto.llm.sources import write_atomically
from opto.llm.spec import positive, split_options
from opto.llm.types import Capabilities, Completion, OpenOptions, Request, Usage
from opto.llm.wire import MAX_BODY_BYTES, clean

_SETTLED_S = 5.0
"""A reply last written this long ago is complete at the first look."""
_KEY_LENGTH = 16
_DAY_S = 86_400.0
Seen = tuple[int, int]
"""Size in bytes and modification time in nanoseconds of a reply."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request in the folder."""

    folder: Path
    stem: str
    """`NNNN-KEY`."""

    @property
    def replies(self) -> tuple[Path, Path]:
        """Where a reply may appear, in the order in which it is looked for."""
        return self.folder / f"{self.stem}.reply.json", self.folder / f"{self.stem}.reply.md"


class Mailbox:
    """A provider that writes requests into a folder and waits for replies there."""

    def __init__(
        self, folder: Path, *, timeout_s: float = _DAY_S, poll_s: float = 0.25, name: str = ""
    ) -> None:
        """Take `folder` as a mailbox; it is made when it does not exist.

        Args:
            folder: Where requests and replies lie; several processes may share it.
            timeout_s: Longest wait for one reply, seconds.
            poll_s: Time between two looks, seconds.
            name: How the provider is called in records; empty means `mailbox:` and the folder.
        """
        self._folder = folder
        self._timeout_s = timeout_s
        self._poll_s = poll_s
        self.name = name or f"mailbox:{folder}"
        self.capabilities = Capabilities(prefill=True)

    async def complete(self, request: Request) -> Completion:
        """The reply to `request`, as soon as somebody has written it.

        Raises:
            ModelTimeout: No reply in time; the request stays and can be answered later.
            BadResponse: The reply is too large to be an answer.
        """
        begun = time.monotonic()
        ticket = await asyncio.to_thread(post, self._folder, request)
        seen: dict[Path, Seen] = {}
        while True:
            file, seen = await asyncio.to_thread(look, ticket, seen)
            if file is not None:
                text = await asyncio.to_thread(_read, file)
                seconds = time.monotonic() - begun
                usage = Usage(seconds=seconds, usd=Decimal(0))
                return Completion(text=_after_prefill(text, request), usage=usage, model="mailbox")
            if time.monotonic() - begun >= self._timeout_s:
                raise ModelTimeout(
                    f"Nobody answered the request within {self._timeout_s:g} s.",
                    where=str(ticket.folder / f"{ticket.stem}.request.md"),
                    fix="Write the reply file it asks for and run again; nothing is asked twice.",
                )
            await asyncio.sleep(self._poll_s)

    async def aclose(self) -> None:
        """Nothing to let go of."""


def open_provider(rest: str, options: OpenOptions) -> Mailbox:  # noqa: ARG001 - one signature for all
    """The mailbox `DIR` or `DIR?timeout_s=600`.

    Raises:
        InputError: DIR is empty or cannot be a folder.
        SettingsError: An option is unknown or no number.
    """
    place, given = split_options(rest, known=("timeout_s", "poll_s"))
    folder = Path(place).expanduser()
    if not place or (folder.exists() and not folder.is_dir()):
        raise InputError(
            f"{place!r} is not a folder.", where=f"mailbox:{rest}", fix="Use mailbox:DIR."
        )
    return Mailbox(
        folder,
        timeout_s=positive(given, "timeout_s", float, default=_DAY_S),
        poll_s=positive(given, "poll_s", float, default=0.25),
        name=f"mailbox:{place}",
    )


def post(folder: Path, request: Request) -> Ticket:
    """Put `request` into `folder`, or find it there; both files appear whole.

    A lock keeps two processes from taking one number; the same request gets the same ticket.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = request.key("mailbox")
    with exclusive(folder / ".lock", waiting=lambda: None):
        posted = [_stem(file) for file in folder.glob("*.request.json")]
        for stem in posted:
            if stem.endswith(f"-{key[:_KEY_LENGTH]}"):
                return Ticket(folder, stem)
        number = 1 + max((int(s.split("-")[0]) for s in posted if s[:4].isdigit()), default=0)
        ticket = Ticket(folder, f"{number:04d}-{key[:_KEY_LENGTH]}")
        data = {
            "format": "opto-mailbox",
            "version": 1,
            "key": key,
            "reply_files": [file.name for file in ticket.replies],
            "request": request.to_json(),
        }
        write_atomically(folder / f"{ticket.stem}.request.md", describe(ticket, request))
        text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
        write_atomically(folder / f"{ticket.stem}.request.json", clean(text))
        return ticket


def describe(ticket: Ticket, request: Request) -> str:
    """The request as a page that is enough to answer it: where, in which form, and what."""
    as_json, as_text = (file.name for file in ticket.replies)
    reply = as_json if request.schema is not None else as_text
    lines = [
        f"# Request {ticket.stem}" + (f" ({request.purpose})" if request.purpose else ""),
        "",
        "You are the assistant of the conversation at the end. Write its next message, and nothing",
        "but the message, into this file in the folder of this request:",
        "",
        f"    {reply}",
        "",
        f"({as_json} or {as_text}, either will do.) Write the file under another name and rename",
        "it, or write it in one go. UTF-8.",
        "",
        "## Form of the answer",
        "",
        *_form(request),
        "",
        "## Conversation",
    ]
    for number, message in enumerate(request.messages, start=1):
        lines += ["", f"### {number}. {message.role}", "", *_fenced(message.content)]
    if request.prefill:
        lines += ["", f"### {len(request.messages) + 1}. assistant (your message starts so)", ""]
        lines += _fenced(request.prefill)
    return clean("\n".join(lines) + "\n")


def _form(request: Request) -> list[str]:
    """What the answer must look like, as lines of Markdown."""
    lines: list[str] = []
    if request.schema is not None:
        schema = json.dumps(dict(request.schema), indent=1, ensure_ascii=False)
        lines += [
            "One JSON value that follows this JSON Schema; no code fence, no words around it."
        ]
        lines += ["", *_fenced(schema, "json"), ""]
    if request.grammar is not None:
        lines += ["A text that this grammar (GBNF) accepts.", "", *_fenced(request.grammar), ""]
    if not lines:
        lines += ["Text, in the form the conversation asks for.", ""]
    if request.prefill:
        lines += ["- The start of the message is given below; write only what follows it."]
    lines += [f"- At most {request.max_tokens} tokens (about {request.max_tokens * 3} characters)."]
    if request.sample:
        lines += [f"- This is answer number {request.sample + 1} to one question; answer afresh."]
    return lines


def _fenced(text: str, language: str = "text") -> list[str]:
    """`text` in a code fence longer than any run of backticks in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return [fence + language, text, fence]


def _stem(file: Path) -> str:
    return file.name.removesuffix(".request.json")


def look(ticket: Ticket, before: dict[Path, Seen]) -> tuple[Path | None, dict[Path, Seen]]:
    """The first reply that is complete, if any, and what was seen at this look."""
    looks: dict[Path, Seen] = {}
    for file in ticket.replies:
        try:
            status = file.stat()
        except FileNotFoundError:
            continue
        if status.st_size == 0:
            continue  # somebody opened it and has not written yet
        looks[file] = (status.st_size, status.st_mtime_ns)
        if looks[file] == before.get(file) or time.time() - status.st_mtime > _SETTLED_S:
            return file, looks
    return None, looks


def _read(file: Path) -> str:
    """The text of a reply without a byte-order mark and without empty lines at its ends."""
    if file.stat().st_size > MAX_BODY_BYTES:
        raise BadResponse(f"The reply has more than {MAX_BODY_BYTES >> 20} MB.", where=str(file))
    return file.read_bytes().decode("utf-8-sig", errors="replace").strip("\r\n")


def _after_prefill(text: str, request: Request) -> str:
    """What follows the given start; a writer who repeated the start is forgiven."""
    return text.removeprefix(request.prefill or "")
