"""The published sets, where they lie beside the checkout: counts, and the audit of NL4OPT-E."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import pytest

from benchmarks.audit import Audit, run_audit
from benchmarks.datasets import SETS, beside, load
from benchmarks.datasets.declarations import _NEGATED, _STRICT
from benchmarks.datasets.text import match

SIZES = {
    "nl4opt": ("nl4opt_raw", 388, 0),
    "nl4opt_e": ("nl4opt_e_clean", 289, 0),
    "nlp4lp": ("nlp4lp", 269, 27),
    "optibench": ("optibench_half", 283, 0),
    "mamo_easy": ("mamo_easy_clean", 545, 0),
    "mamo_complex": ("mamo_complex_half", 99, 0),
    "industryor": ("industryor", 100, 3),
    "complexor": ("complexor_clean", 18, 1),
}


@pytest.fixture(scope="module")
def audit(published) -> Audit:
    return run_audit(published / "nl4opt_raw.jsonl", published / "nl4opt_e_clean.jsonl")


@pytest.mark.parametrize("name", SIZES)
def test_a_published_set_is_read_whole(published, name) -> None:
    file, size, without = SIZES[name]

    dataset = load(name, published / f"{file}.jsonl")

    assert len(dataset) == size
    assert sum(not item.accepted for item in dataset) == without
    assert not any("cannot be read" in note for note in dataset.notes)


def test_the_pinned_checksum_of_nl4opt_e_is_that_of_its_records(published, tmp_path) -> None:
    """The published file is a list with four spaces of indent, made of these very records."""
    copies = _records(published / "nl4opt_e_clean.jsonl")
    body = json.dumps(
        [
            {
                "index": number,
                "question": record["question"],
                "results": record["answer_raw"],
                "type": "linear-notable",
            }
            for number, record in enumerate(copies)
        ],
        indent=4,
    )
    place = tmp_path / "nl4opt_e" / SETS["nl4opt_e"].files[0].file
    place.parent.mkdir()
    place.write_text(body, encoding="utf-8", newline="")

    dataset = load("nl4opt_e", cache_dir=tmp_path, split="test")

    assert hashlib.sha256(body.encode()).hexdigest() == SETS["nl4opt_e"].files[0].sha256
    told = [
        item.accepted == (record["answer_raw"][record["objective_key"]],)
        for item, record in zip(dataset, copies, strict=True)
    ]
    assert told.count(False) == 1  # vans or scooters: the words do not say which was minimized


def test_all_nlp4lp_texts_are_texts_of_nl4opt(published) -> None:
    sets = beside(
        [load(name, published / f"{SIZES[name][0]}.jsonl") for name in ("nl4opt", "nlp4lp")]
    )

    assert all(item.overlap for item in sets[1])


def test_near_texts_are_paired_as_the_key_of_the_source_says(published) -> None:
    raw = _records(published / "nl4opt_raw.jsonl")
    edited = _records(published / "nl4opt_e_clean.jsonl")
    by_key = {record["raw_key"]: record["id"] for record in raw}

    found = match(
        {record["id"]: record["question"] for record in edited},
        {record["id"]: record["question"] for record in raw},
    )

    assert {r["id"]: by_key[r["raw_key"]] for r in edited} == {
        name: hit.id for name, hit in found.items()
    }


def test_strict_words_are_those_the_forms_mark(published) -> None:
    for record in _records(published / "nl4opt_raw.jsonl"):
        for row in record["gold_lp"]["rows"]:
            words = row["direction"].strip().casefold()
            marked = bool(_STRICT.search(words)) and not _NEGATED.search(words)
            assert marked == row["strict"], row


def test_the_audit_of_nl4opt_e_agrees_with_the_published_count(audit) -> None:
    assert len(audit.rows) == 289
    assert abs(audit.agreeing - 255) <= 2
    assert audit.seconds < 60


def test_every_difference_of_nl4opt_e_is_explained(audit) -> None:
    assert audit.classes["text edited"] == 25
    assert "unexplained" not in audit.classes
    assert sum(audit.classes.values()) == len(audit.contradicted)
    how = Counter(row.matched for row in audit.rows)
    assert (how["text"], how["near"]) == (239, 50)


def _records(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
