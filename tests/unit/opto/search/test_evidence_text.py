"""What a proposer is shown is the same in every process."""

from __future__ import annotations

from opto.search.strategies.evidence import clipped


class Opaque:
    """Has the repr of every object: with its address."""


def test_addresses_of_objects_are_left_out() -> None:
    shown = clipped({"input": [Opaque(), Opaque()]})

    assert shown == clipped({"input": [Opaque(), Opaque()]})
    assert "Opaque object" in shown
    assert "0x" not in shown
