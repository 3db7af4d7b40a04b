"""Redaction: secrets leave the text before it leaves the process.

Lives here: `Redactor`, the forms a known secret takes, and the shapes of unknown ones.
Never here: where secrets come from; files.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from traces.events import JSON

MASK = "[redacted]"
MIN_SECRET = 8
"""Shorter values are not hidden: `none` or `EMPTY`, as local servers want, are ordinary words."""

_SHAPES = re.compile(
    r"(?<![A-Za-z0-9_-])(?:sk-[A-Za-z0-9_-]{12,}|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{20,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|AKIA[A-Z0-9]{16})"
    # a digit or great length, so that bearer bonds stay what they are
    r"|(?P<bearer>\b(?i:bearer)\s+)(?=\S{0,99}\d|\S{20})[A-Za-z0-9._~+/=-]{6,}"
    r"|(?P<query>[?&](?i:(?:api[_-]?)?key|(?:access[_-]?)?token)=)[^\s&#\"'<>]+"
)
_HINTS = tuple(
    "sk- aiza hf_ ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ akia bearer key= token=".split()  # noqa: SIM905
)
"""One of these is in whatever `_SHAPES` finds, once in small letters."""


class Redactor:
    """Replaces known secrets, in every spelling, and what looks like one, by `[redacted]`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """Hide these values too, from now on; values under `MIN_SECRET` characters are skipped."""
        forms = {form for value in secrets for form in _forms(value.strip())}
        with self._lock:  # longest first, so that no form leaves the end of a longer one behind
            self._forms = tuple(sorted(forms.union(self._forms), key=len, reverse=True))

    def text(self, text: str) -> str:
        """`text` without secrets. Plain searches come first: they are 30 times as fast."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        small = text.lower()
        if any(hint in small for hint in _HINTS):
            text = _SHAPES.sub(lambda found: (found["bearer"] or found["query"] or "") + MASK, text)
        return text

    def json(self, value: JSON) -> JSON:
        """`value` without secrets, keys included; numbers are left alone."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return self.mapping(value)
        return value

    def mapping(self, value: dict[str, JSON]) -> dict[str, JSON]:
        """`value` without secrets; keys that become equal are told apart by a number."""
        found: dict[str, JSON] = {}
        for key, item in value.items():
            name = self.text(key)
            count = 2
            while name in found:
                name = f"{self.text(key)} ({count})"
                count += 1
            found[name] = self.json(item)
        return found

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} hidden forms)"


def _forms(secret: str) -> Iterator[str]:
    """The spellings of `secret`: itself, in JSON, in a URL, in base64 at any alignment."""
    if len(secret) < MIN_SECRET:
        return
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for url in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield url
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), url)
    raw = secret.encode("utf-8", "replace")
    for lead in range(3):  # what comes before it decides where its bits fall
        whole = base64.b64encode(bytes(lead) + raw).rstrip(b"=").decode("ascii")
        partial = (lead + len(raw)) % 3 != 0  # the last character is shared with what follows
        core = whole[(0, 2, 3)[lead] : len(whole) - partial]
        yield core
        yield core.translate(str.maketrans("+/", "-_"))
