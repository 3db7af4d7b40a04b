"""The named problem sets: where they are published, under which license, and how far to trust them.

Lives here: the table, and looking a name up in it.
Never here: the problems themselves (only our own `demo` ships), downloading, reading.

A checksum is pinned only where it could be established without the network; elsewhere the first
download fixes it (see `fetch`). Addresses name a commit where one is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from benchmarks.datasets.errors import DatasetError

_GITHUB = "https://raw.githubusercontent.com"
_ORTHOUGHT = f"{_GITHUB}/ZJU-TSELab/ORThought"
_MAMO = f"{_GITHUB}/FreedomIntelligence/Mamo/5b0ac2501f3707f9dc9d993a2be023b252376aec"


@dataclass(frozen=True, slots=True)
class Published:
    """One file of a set."""

    url: str
    sha256: str | None = None
    """None: not known in advance; pinned by the first download."""
    split: str | None = None

    @property
    def file(self) -> str:
        """Name in the cache."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class KnownSet:
    """What is known about a set before any of it is read."""

    name: str
    title: str
    files: tuple[Published, ...]
    """Empty: the set ships with this package."""
    source: str
    license: str
    layout: str
    """Name of the layout its published files are in; see `layouts`."""
    problems: str
    """Known problems of its labels, in one line."""


_TABLE = (
    KnownSet(
        "demo",
        "Our own small problems, with gold forms",
        (),
        "this package",
        "MIT",
        "plain",
        "none known; a test solves every gold form",
    ),
    KnownSet(
        "nl4opt",
        "NL4Opt competition 2022, canonical forms, dev 99 and test 289",
        (
            Published(
                f"{_GITHUB}/nl4opt/nl4opt-competition/edb51da3ed4a7a9a4967fd7ecb2906df6055b911"
                "/generation_data/dev.jsonl",
                split="dev",
            ),
            Published(
                f"{_GITHUB}/nl4opt/nl4opt-competition/89a7a2237f4a9121c103d1f69af96660fe5ead86"
                "/generation_data/test.jsonl",
                split="test",
            ),
        ),
        "https://github.com/nl4opt/nl4opt-competition",
        "MIT",
        "declarations",
        "12 of 289 test forms contradict their text; 17 are infeasible, 4 unbounded as annotated",
    ),
    KnownSet(
        "nl4opt_e",
        "NL4OPT-E of ReSocratic: the 289 test texts, edited to be feasible and whole",
        (
            Published(
                f"{_GITHUB}/yangzhch6/ReSocratic/4344fdb09b29ae5e36266634718c9f9d8c4e3d8f"
                "/data/NL4OPT-E.json",
                "82eb3d6bc1ec8d573d9acc74707150e4b866741ac5a6d6fceed9ee581f3b5e99",
                "test",
            ),
        ),
        "https://github.com/yangzhch6/ReSocratic",
        "Apache-2.0 (repository)",
        "results",
        "1 of 289 known, and 1 of 289 objectives is not told apart; 50 texts are edited",
    ),
    KnownSet(
        "optibench",
        "OptiBench of ReSocratic: 605 linear and nonlinear, with and without tables",
        (Published(f"{_GITHUB}/yangzhch6/ReSocratic/main/data/OptiBench.json"),),
        "https://github.com/yangzhch6/ReSocratic",
        "Apache-2.0 (repository)",
        "results",
        "at least 16 % wrong; about 2.5 % have no objective we can tell apart; a third are NL4OPT",
    ),
    KnownSet(
        "nlp4lp",
        "NLP4LP as relabeled by ORThought: 242 with an answer, 22 infeasible or unbounded",
        (
            Published(
                f"{_ORTHOUGHT}/ce5dc6bc3cb45c9bb21da717dab5d9ce0eef0489"
                "/datasets/summary/summary_nlp4lp.json",
            ),
        ),
        "https://github.com/ZJU-TSELab/ORThought",
        "CC BY-NC 4.0 (original texts); no license file in the repository",
        "plain",
        "1 of 242 known here, at least 20 of 242 in the original labels; all texts are NL4OPT test",
    ),
    KnownSet(
        "industryor",
        "IndustryOR, 100 problems, text of May 2024",
        (
            Published(
                f"{_GITHUB}/LLM4OR/LLM4OR/c5819613ccd2bfb085694bc01d399d2c10d34d6f"
                "/static/datasets/IndustryOR/dataset.jsonl",
            ),
        ),
        "https://github.com/LLM4OR/LLM4OR",
        "none found for the data; the site of the copy says CC BY-SA 4.0",
        "plain",
        "at least 54 % wrong; -99999 stands for no answer",
    ),
    KnownSet(
        "complexor",
        "ComplexOR as cleaned by ORThought, 18 problems",
        (
            Published(
                f"{_ORTHOUGHT}/ce5dc6bc3cb45c9bb21da717dab5d9ce0eef0489"
                "/datasets/summary/summary_complexor.json",
            ),
        ),
        "https://github.com/ZJU-TSELab/ORThought",
        "none found in the repository",
        "samples",
        "1 of 17 (steel4: 130 where its program gives 60); n = 18 makes ±23 points",
    ),
    KnownSet(
        "mamo_easy",
        "MAMO easy LP, original 652",
        (Published(f"{_MAMO}/data/optimization/Easy_LP/mamo_easy_lp.jsonl"),),
        "https://github.com/FreedomIntelligence/Mamo",
        "CC BY-SA 4.0",
        "plain",
        "at least 8 % wrong (9 % against one cleaned version)",
    ),
    KnownSet(
        "mamo_complex",
        "MAMO complex LP, original 211",
        (Published(f"{_MAMO}/data/optimization/Complex_LP/mamo_complex_lp.jsonl"),),
        "https://github.com/FreedomIntelligence/Mamo",
        "CC BY-SA 4.0",
        "plain",
        "at least 24 % wrong (21 to 28 % against cleaned versions)",
    ),
    KnownSet(
        "optmath",
        "OptMATH-Bench, 166 problems, a fifth nonlinear",
        (
            Published(
                f"{_GITHUB}/optsuite/OptMATH/a1712fad3f19ae67763921917902453034db36ef"
                "/benchmark/OptMATH_Bench.json",
            ),
        ),
        "https://github.com/optsuite/OptMATH",
        "Apache-2.0",
        "plain",
        "about 40 % of the linear part changed by a later cleaning, many for missing data",
    ),
    KnownSet(
        "logior",
        "LogiOR, 92 logistics problems",
        (
            Published(
                f"{_ORTHOUGHT}/fb8a5ded1ab5f9759a3f513dc96ecb53ee1043d4"
                "/datasets/summary/summary_logior.json",
            ),
        ),
        "https://github.com/ZJU-TSELab/ORThought",
        "none found in the repository",
        "plain",
        "88 of 92 reproduced by their programs, which proves little; 15 nonlinear",
    ),
)

SETS: Mapping[str, KnownSet] = {known.name: known for known in _TABLE}
"""Every named set, by name."""


def known_set(name: str) -> KnownSet:
    """The entry of a name.

    Raises:
        DatasetError: No such set; a near miss is named.
    """
    folded = name.strip().casefold().replace("-", "_")
    if folded in SETS:
        return SETS[folded]
    near = get_close_matches(folded, SETS, n=1, cutoff=0.5)
    raise DatasetError(
        f"No problem set is called {name!r}.",
        where=f"known: {', '.join(SETS)}",
        fix=(f"Did you mean {near[0]!r}? " if near else "") + "`opto bench list` describes them.",
    )
