"""The comparison of model building compares the same model, and says so when it cannot."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import build
from solvers_bridge.backends.highs import Highs, load
from solvers_bridge.compile import compile_model
from solvers_bridge.outcome import Limits


def test_every_path_of_ours_puts_the_same_number_of_entries_into_the_solver() -> None:
    entries = {
        path: build.measure(path, 100)["entries"] for path in ("raw arrays", "solvers_bridge")
    }

    assert entries == {"raw arrays": 200, "solvers_bridge": 200}


def test_the_compiled_transport_model_is_the_one_written_by_hand() -> None:
    data = build.transport(60)
    sources, sinks = data.cost.shape
    model = build.transport_model(sources, sinks)
    form = compile_model(model, {"c": data.cost, "supply": data.supply, "demand": data.demand})

    outcome = Highs().solve(form, Limits())

    assert outcome.x is not None
    shipped = outcome.x.reshape(sources, sinks)
    assert (shipped.sum(axis=1) <= data.supply + 1e-9).all()
    assert (shipped.sum(axis=0) >= data.demand - 1e-9).all()
    assert outcome.objective == np.sum(data.cost * shipped)
    assert load(form).getNumNz() == 2 * sources * sinks


def test_a_cell_is_measured_in_a_process_of_its_own() -> None:
    cell = build.in_fresh_process("solvers_bridge", 100)

    assert cell["entries"] == 200
    assert cell["build_s"] > 0


def test_a_missing_peer_is_reported_with_the_line_that_installs_it() -> None:
    broken = build.in_fresh_process("no such path", 100)

    assert "no such path" in broken["error"]
    assert build._summary([{"error": build.INSTALL}]) == {"error": build.INSTALL}
    assert "pip install" in build.INSTALL
