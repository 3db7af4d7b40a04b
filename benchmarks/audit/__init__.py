"""Labels against the models they belong to: which are contradicted, and why.

Lives here: solving the gold forms of a set, comparing another set's labels with them, explaining
each difference by computation.
Never here: verdicts on answers of language models (`benchmarks.scoring`); an explanation found here
never turns a wrong answer into a right one.
"""

from __future__ import annotations

from benchmarks.audit.result import Audit as Audit
from benchmarks.audit.result import Reason as Reason
from benchmarks.audit.result import Row as Row
from benchmarks.audit.run import run_audit as run_audit
