"""Train a number and a function together; a scripted model stands in for a real one.

Give `OptoPrime` no `llm` and it asks the model you configured (OPTO_MODEL, opto.toml).
"""

from __future__ import annotations

import json
from typing import Any

from opto.optimizers import OptoPrime
from opto.trace import ExecutionError, bundle, node

rate = node(0.5, name="rate", trainable=True, description="A share between 0 and 1.")


@bundle(trainable=True)
def price(units: int, discount: float) -> float:  # noqa: ARG001  (to be learnt)
    """Price of an order at 10 EUR a unit; from 100 units on the discount applies."""
    return 10.0 * units


ORDERS = [(5, 50.0), (200, 1600.0)]

BETTER = '''def price(units, discount):
    """Price of an order at 10 EUR a unit; from 100 units on the discount applies."""
    full = 10.0 * units
    return full * (1 - discount) if units >= 100 else full
'''


def scripted(messages: list[dict[str, str]], **options: Any) -> str:
    """A model that always proposes the same change."""
    del messages, options
    return json.dumps(
        {
            "reasoning": "The discount is ignored, and 2,000 EUR must become 1,600 EUR.",
            "answer": "",
            "suggestion": {"__code0": BETTER, "rate0": 0.2},
        }
    )


def wrong_orders() -> list[tuple[Any, str]]:
    """Each output that is not what it should be, with words about it."""
    found = []
    for units, expected in ORDERS:
        try:
            total = price(units, rate)
        except ExecutionError as error:
            found.append((error.exception_node, "It must not fail."))
            continue
        if total.data != expected:
            found.append((total, f"{units} units cost {total.data} EUR, not {expected} EUR."))
    return found


if __name__ == "__main__":
    optimizer = OptoPrime([rate, *price.parameters()], llm=scripted)
    for step in range(3):
        wrong = wrong_orders()
        print(f"step {step}: {len(wrong)} of {len(ORDERS)} orders wrong, rate {rate.data}")
        if not wrong:
            break
        optimizer.zero_feedback()
        for output, words in wrong:
            optimizer.backward(output, words)
        optimizer.step()
        print(f"  {optimizer.last.status}: {', '.join(p.py_name for p in optimizer.parameters)}")
    print(price.parameter.data if price.parameter else "")
