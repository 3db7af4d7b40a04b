"""Published files come whole, unchanged, once, and say how to do without a network."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from benchmarks.datasets import SETS, DatasetError, KnownSet, Published, fetch, load
from benchmarks.datasets.fetch import datasets_folder
from benchmarks.datasets.fetch import web as open_web

BODY = b'{"question": "How many?", "answer": "12.50"}\n' * 3
SHA = hashlib.sha256(BODY).hexdigest()


def known(url: str, sha256: str | None = None) -> KnownSet:
    return KnownSet(
        "toy", "A toy", (Published(url, sha256, "test"),), "here", "CC BY 4.0", "plain", "many"
    )


def left(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.rglob("*") if file.is_file())


def test_a_pinned_file_is_fetched_once(web, tmp_path) -> None:
    web.files["/toy.jsonl"] = BODY

    first = fetch(known(f"{web.url}/toy.jsonl", SHA), tmp_path)
    second = fetch(known(f"{web.url}/toy.jsonl", SHA), tmp_path)

    assert first == second == (tmp_path / "toy" / "toy.jsonl",)
    assert first[0].read_bytes() == BODY
    assert web.asked == ["/toy.jsonl"]


def test_a_redirect_is_followed(web, tmp_path) -> None:
    web.files["/there/toy.jsonl"] = BODY
    web.redirects["/toy.jsonl"] = f"{web.url}/there/toy.jsonl"

    (file,) = fetch(known(f"{web.url}/toy.jsonl", SHA), tmp_path)

    assert file.read_bytes() == BODY
    assert web.asked == ["/toy.jsonl", "/there/toy.jsonl"]


def test_other_bytes_than_the_pinned_ones_are_refused(web, tmp_path) -> None:
    web.files["/toy.jsonl"] = BODY.replace(b"12.50", b"99.99")

    with pytest.raises(DatasetError) as caught:
        fetch(known(f"{web.url}/toy.jsonl", SHA), tmp_path)

    assert SHA in caught.value.where
    assert "--data FILE" in caught.value.fix
    assert left(tmp_path) == []


@pytest.mark.parametrize("fault", ["missing", "cut", "empty", "loop"])
def test_a_failed_download_leaves_nothing_and_says_where_to_put_the_file(
    web, tmp_path, fault
) -> None:
    url = f"{web.url}/toy.jsonl"
    if fault == "cut":
        web.files["/toy.jsonl"] = BODY
        web.cut.add("/toy.jsonl")
    elif fault == "empty":
        web.files["/toy.jsonl"] = b""
    elif fault == "loop":
        web.redirects["/toy.jsonl"] = url

    with pytest.raises(DatasetError) as caught:
        fetch(known(url), tmp_path)

    assert caught.value.where == url
    assert str(tmp_path / "toy" / "toy.jsonl") in caught.value.fix
    assert "opto bench run toy --data FILE" in caught.value.fix
    assert left(tmp_path) == []


def test_without_a_network_the_reason_is_told(tmp_path) -> None:
    with pytest.raises(DatasetError, match=r"cannot be downloaded: .*refused"):
        fetch(known("http://127.0.0.1:9/toy.jsonl"), tmp_path)


def test_an_address_that_is_not_of_the_web_is_not_opened(tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")

    with pytest.raises(DatasetError, match="not a web address"):
        fetch(known(secret.as_uri()), tmp_path / "cache")


def test_a_cache_that_is_no_folder_is_refused_with_its_path(web, tmp_path) -> None:
    web.files["/toy.jsonl"] = BODY
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")

    for cache in (file, Path("/proc/nope")):
        with pytest.raises(DatasetError, match="cache of problem sets cannot be used") as caught:
            fetch(known(f"{web.url}/toy.jsonl"), cache, notice=lambda _: None)

        assert caught.value.where.startswith(str(cache))
        assert "OPTO_DATASETS_DIR" in caught.value.fix
        assert "--data FILE" in caught.value.fix


def test_an_unpinned_file_is_pinned_by_its_first_download(web, tmp_path) -> None:
    web.files["/toy.jsonl"] = BODY
    told: list[str] = []

    (file,) = fetch(known(f"{web.url}/toy.jsonl"), tmp_path, notice=told.append)
    again = fetch(known(f"{web.url}/toy.jsonl"), tmp_path, notice=told.append)
    file.write_bytes(BODY + b"\n")

    assert again == (file,)
    assert [SHA in line for line in told] == [False, True]
    with pytest.raises(DatasetError, match="has changed since it was fetched"):
        fetch(known(f"{web.url}/toy.jsonl"), tmp_path)


def test_the_license_is_told_once_per_cache_and_only_to_somebody_who_listens(web, tmp_path) -> None:
    web.files["/toy.jsonl"] = BODY
    entry, told = known(f"{web.url}/toy.jsonl", SHA), []

    fetch(entry, tmp_path)
    fetch(entry, tmp_path, notice=told.append)
    fetch(entry, tmp_path, notice=told.append)
    fetch(entry, tmp_path / "other", notice=told.append)

    assert ["CC BY 4.0" in line for line in told] == [True, True]


def test_a_set_is_loaded_from_the_network_with_the_split_of_its_file(web, tmp_path) -> None:
    web.files["/toy.jsonl"] = BODY

    dataset = load(known(f"{web.url}/toy.jsonl", SHA), cache_dir=tmp_path, split="test")

    assert [(item.set, item.accepted) for item in dataset] == [("toy", ("12.50",))]
    assert (dataset.license, dataset.source) == ("CC BY 4.0", "here")


def test_an_opener_of_your_own_is_used(tmp_path) -> None:
    class Canned:
        def __init__(self) -> None:
            self.rest = BODY

        def __enter__(self) -> Canned:
            return self

        def __exit__(self, *_: object) -> None:
            self.rest = b""

        def read(self, amount: int, /) -> bytes:
            block, self.rest = self.rest[:amount], self.rest[amount:]
            return block

        def length(self) -> int | None:
            return None

    (file,) = fetch(known("https://example.org/toy.jsonl"), tmp_path, opener=lambda _: Canned())

    assert file.read_bytes() == BODY


def test_the_folder_of_sets_can_be_chosen(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("OPTO_DATASETS_DIR", str(tmp_path))
    assert datasets_folder() == tmp_path

    monkeypatch.setenv("OPTO_DATASETS_DIR", "~nobody-of-this-name/sets")
    assert datasets_folder() == Path("~nobody-of-this-name/sets")

    monkeypatch.delenv("OPTO_DATASETS_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert datasets_folder() == tmp_path / "opto" / "datasets"


def test_the_table_names_commits_and_checksums_of_the_right_shape() -> None:
    files = [file for entry in SETS.values() for file in entry.files]

    assert {len(file.sha256) for file in files if file.sha256} == {64}
    assert all(file.url.startswith("https://") for file in files)
    unpinned = [file.url for file in files if "/main/" in file.url]
    assert [url.rpartition("/")[2] for url in unpinned] == ["OptiBench.json"]


def test_the_default_opener_is_the_web() -> None:
    with pytest.raises(OSError, match="not a web address"), open_web("ftp://example.org/x"):
        pass
