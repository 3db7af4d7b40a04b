"""Lines of JSON: what is written is read back, cuts are tolerated, damage is named by line."""

from __future__ import annotations

import io
import json
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from traces.errors import EventError, ExportError, StoreError
from traces.events import Event
from traces.export import from_jsonl, to_jsonl
from traces.read import events
from traces.store.sqlite import Store

EVENTS = (
    Event("r", 1, "2026-01-02T03:04:05+00:00", "start", None, {}),
    Event("r", 2, "2026-01-02T03:04:06+00:00", "llm.call", "s", {"text": "ü\u2028\n😀", "x": 0.1}),
    Event("r", 3, "2026-01-02T03:04:07+00:00", "stop", None, {"deep": [{"a": [None, True, 1]}]}),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    assert to_jsonl(EVENTS, tmp_path / "run.jsonl") == 3
    return tmp_path / "run.jsonl"


def sealed(body: str) -> str:
    return f'{body[:-1]},"crc32":"{zlib.crc32(body.encode()):08x}"}}\n'


def test_what_is_written_is_read_back(path: Path) -> None:
    found = from_jsonl(path)

    assert found.events == EVENTS
    assert found.torn_line is None
    assert list(found) == list(EVENTS)
    assert len(found) == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_line_is_json_with_the_checksum_of_the_rest(path: Path) -> None:
    for line, event in zip(path.read_text(encoding="utf-8").split("\n"), EVENTS, strict=False):
        fields = json.loads(line)
        crc = fields.pop("crc32")
        body = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        assert crc == f"{zlib.crc32(body.encode()):08x}"
        assert (fields["v"], fields["seq"], fields["kind"]) == (1, event.seq, event.kind)


def test_streams_work_like_files() -> None:
    out = io.StringIO()
    to_jsonl(EVENTS, out)
    assert from_jsonl(io.StringIO(out.getvalue())).events == EVENTS


def test_a_tail_cut_at_any_byte_loses_only_the_last_event(path: Path) -> None:
    whole = path.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start + 1, len(whole) - 1):
        path.write_bytes(whole[:end])
        found = from_jsonl(path)
        assert (found.events, found.torn_line) == (EVENTS[:2], 3)

    path.write_bytes(whole[:-1])  # only the line end is missing
    assert from_jsonl(path).events == EVENTS


def test_a_file_without_events_is_empty(path: Path) -> None:
    path.write_bytes(b"")
    assert from_jsonl(path).events == ()


def test_any_flipped_byte_before_the_tail_is_an_error_that_names_the_line(path: Path) -> None:
    whole = path.read_bytes()
    first = whole.index(b"\n")
    for position in range(first):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(ExportError) as damaged:
            from_jsonl(path)
        assert damaged.value.where == f"{path}, line 1"
        assert damaged.value.fix


def test_a_damaged_last_line_with_its_line_end_was_not_merely_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"stop"', b'"stpo"'))
    with pytest.raises(ExportError) as damaged:
        from_jsonl(path)
    assert damaged.value.where.endswith("line 3")


def test_line_ends_of_other_systems_and_empty_lines_are_fine(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert from_jsonl(path).events == EVENTS


def test_lines_of_a_newer_format_are_refused(path: Path) -> None:
    path.write_text(sealed('{"v":2,"run":"r"}'))
    with pytest.raises(ExportError, match="format 2") as newer:
        from_jsonl(path)
    assert "Upgrade" in newer.value.fix


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[1]",
        '{"v":1,"run":"r","seq":1,"at":"t","kind":"k","span":null}',
        '{"v":1,"run":"r","seq":true,"at":"t","kind":"k","span":null,"data":{}}',
        '{"v":1,"run":"r","seq":1,"at":2,"kind":"k","span":null,"data":{}}',
        '{"v":1,"run":"r","seq":1,"at":"t","kind":"k","span":null,"data":[]}',
        '{"v":1,"run":"r","seq":1,"at":"t","kind":"k","span":null,"data":{"x":NaN}}',
        '{"v":1,"run":"\\u001b","seq":1,"at":"t","kind":"k","span":null,"data":{}}',
        '{"v":1,"run":"r","seq":1,"at":"t","kind":"k","span":null,"data":' + "[" * 50_000 + "}",
    ],
    ids=range(9),
)
def test_a_good_checksum_on_nonsense_is_still_an_error(path: Path, body: str) -> None:
    path.write_text(sealed(body))
    with pytest.raises(ExportError) as nonsense:
        from_jsonl(path)
    assert nonsense.value.where.endswith("line 1")


def test_an_export_that_fails_leaves_the_old_file_and_no_other(path: Path) -> None:
    before = path.read_bytes()

    def failing() -> Iterator[Event]:
        yield EVENTS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        to_jsonl(failing(), path)

    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["run.jsonl"]


def test_events_made_by_hand_are_cleaned_or_refused() -> None:
    out = io.StringIO()
    to_jsonl([Event("r", 1, "t", "k", None, {"x": "\ud800"})], out)
    assert from_jsonl(io.StringIO(out.getvalue())).events[0].data == {"x": "\ufffd"}

    with pytest.raises(EventError):
        to_jsonl([Event("r", 1, "t", "k", None, {"x": float("nan")})], out)


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_explained(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match="Cannot read") as refused:
        from_jsonl(tmp_path / name)
    assert refused.value.where == str(tmp_path / name)


@pytest.mark.parametrize("name", ["missing/run.jsonl", "."])
def test_a_file_that_cannot_be_written_is_explained(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match="Cannot write") as refused:
        to_jsonl(EVENTS, tmp_path / name)
    assert refused.value.fix


def test_an_import_brings_the_run_back_as_it_was(path: Path, tmp_path: Path) -> None:
    with Store(tmp_path / "runs.db") as store:
        assert store.restore(from_jsonl(path)) == 3
        assert tuple(events(store, "r")) == EVENTS


def test_an_import_never_mixes_with_what_is_there(path: Path) -> None:
    with Store(":memory:") as store:
        store.restore(EVENTS[:1])
        with pytest.raises(StoreError, match="already"):
            store.restore([Event("new", 1, "t", "k", None, {}), *EVENTS[1:]])
        with pytest.raises(StoreError, match="twice"):
            store.restore([Event("new", 1, "t", "k", None, {})] * 2)

        assert store.rows("SELECT run, seq FROM event") == [("r", 1)]
