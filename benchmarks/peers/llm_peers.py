"""`python -m benchmarks.peers.llm_peers NAME URL CALLS CONCURRENCY`: litellm's and dspy's clients.

Runs in an environment that has that package and not ours.

Lives here: one call with each, caches off, no retries.
Never here: our client (`llm_clients`), the loop of calls (`llm_drive`).
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from benchmarks.peers.llm_drive import QUESTION, TOKENS, drive, report


async def with_litellm(url: str, calls: int, concurrency: int) -> dict[str, Any]:
    """`litellm.acompletion`."""
    import litellm  # type: ignore[import-not-found]  # noqa: PLC0415  (not our environment)

    async def call() -> str:
        done = await litellm.acompletion(
            model="openai/bench",
            api_base=url,
            api_key="none",
            messages=[QUESTION],
            max_tokens=TOKENS,
            num_retries=0,
        )
        return str(done.choices[0].message.content)

    return await drive(call, calls, concurrency)


async def with_dspy(url: str, calls: int, concurrency: int) -> dict[str, Any]:
    """`dspy.LM(...).acall`."""
    import dspy  # noqa: PLC0415  (not our environment)

    model = dspy.LM(
        "openai/bench",
        api_base=url,
        api_key="none",
        cache=False,
        num_retries=0,
        max_tokens=TOKENS,
    )

    async def call() -> str:
        return str((await model.acall(messages=[QUESTION]))[0])

    return await drive(call, calls, concurrency)


CLIENTS = {"litellm": with_litellm, "dspy": with_dspy}


if __name__ == "__main__":
    name, address, number, parallel = sys.argv[1:5]
    report(asyncio.run(CLIENTS[name](address, int(number), int(parallel))))
