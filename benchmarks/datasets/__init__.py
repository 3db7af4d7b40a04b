"""Problem sets: named, described, fetched once, read into `Item`s.

Lives here: the table of sets, the readers of their layouts, our own `demo`.
Never here: data of others, language models, verdicts on answers.
"""

from __future__ import annotations

from benchmarks.datasets.beside import beside as beside
from benchmarks.datasets.beside import with_labels as with_labels
from benchmarks.datasets.errors import DatasetError as DatasetError
from benchmarks.datasets.fetch import datasets_folder as datasets_folder
from benchmarks.datasets.fetch import fetch as fetch
from benchmarks.datasets.forms import ANY as ANY
from benchmarks.datasets.forms import VERSIONS as VERSIONS
from benchmarks.datasets.load import Dataset as Dataset
from benchmarks.datasets.load import load as load
from benchmarks.datasets.registry import SETS as SETS
from benchmarks.datasets.registry import KnownSet as KnownSet
from benchmarks.datasets.registry import Published as Published
from benchmarks.datasets.registry import known_set as known_set
from benchmarks.datasets.text import normalized as normalized
