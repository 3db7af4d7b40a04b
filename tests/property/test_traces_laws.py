"""Laws of the store: whatever happens, what can be read is a prefix of what was recorded."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from traces.events import Event, clean, clean_text, dumps
from traces.export import from_jsonl, to_jsonl
from traces.read import events, runs
from traces.record import Recorder
from traces.redact import MASK, Redactor
from traces.store.sqlite import Store

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)
"""Lone surrogates, NUL, line ends of all kinds."""
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
RUNS = st.sampled_from(["a", "b", "c"])


class RandomLife(RuleBasedStateMachine):
    """Recorders open, emit, close and are taken over; stores close; the machine crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "runs.db"
        self.store = Store(self.path)
        self.open: dict[str, Recorder] = {}
        self.kept: dict[str, list[Event]] = {}

    @rule(run=RUNS, value=VALUES)
    def emit(self, run: str, value: object) -> None:
        if run not in self.open:
            self.open[run] = Recorder(self.store, run)
        event = self.open[run].emit("x", value=value)
        self.kept.setdefault(run, []).append(event)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        self.open.pop(data.draw(st.sampled_from(sorted(self.open)))).close()

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def take_over(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(sorted(self.open)))
        self.open[run] = Recorder(self.store, run, takeover=True)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store, self.open = Store(self.path), {}

    @rule(cut=st.floats(0, 1))
    def lose_power(self, cut: float) -> None:
        """A copy of the files, the log of it cut anywhere, is what a crash may leave."""
        with TemporaryDirectory() as name:
            copy = Path(name) / "runs.db"
            shutil.copyfile(self.path, copy)
            log = self.path.with_name("runs.db-wal").read_bytes()
            copy.with_name("runs.db-wal").write_bytes(log[: int(len(log) * cut)])
            with Store(copy) as left:
                seen = {info.run for info in runs(left)}
                assert seen <= self.kept.keys()
                for run in seen:
                    found = list(events(left, run))
                    assert found == self.kept[run][: len(found)]
                    if cut == 1:
                        assert found == self.kept[run]

    @invariant()
    def all_is_there(self) -> None:
        for run, kept in self.kept.items():
            assert list(events(self.store, run)) == kept

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


TestRandomLife = RandomLife.TestCase
TestRandomLife.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)


@given(value=VALUES)
def test_clean_is_settled_after_once_and_survives_json_and_utf_8(value: object) -> None:
    cleaned = clean(value)

    assert clean(cleaned) == cleaned
    assert json.loads(dumps(cleaned).encode()) == cleaned


@given(text=ANY_TEXT)
def test_clean_text_changes_nothing_but_surrogates(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode()
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert cleaned == text


@given(bodies=st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), max_size=4))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_events_survive_an_export(bodies: list[dict[str, object]]) -> None:
    made = []
    for seq, body in enumerate(bodies, 1):
        data = clean(body)
        assert isinstance(data, dict)
        made.append(Event("r", seq, "2026-01-02T03:04:05+00:00", "k", None, data))
    out = io.StringIO()
    to_jsonl(made, out)

    assert list(from_jsonl(io.StringIO(out.getvalue()))) == made


@given(
    secret=st.text(min_size=8, max_size=40),
    before=st.text(max_size=7),
    after=st.text(max_size=7),
)
def test_no_spelling_of_a_secret_gets_through(secret: str, before: str, after: str) -> None:
    assume(len(secret.strip()) >= 8 and secret == secret.strip() and secret not in MASK)
    hide = Redactor([secret])
    around = before + secret + after
    for form in (
        around,
        json.dumps(around),
        quote(around, safe=""),
        base64.b64encode(around.encode()).decode(),
        base64.urlsafe_b64encode(around.encode()).decode(),
    ):
        shown = hide.text(form)
        assert MASK in shown
        assert secret not in shown.replace(MASK, "")
