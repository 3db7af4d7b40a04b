"""`python -m benchmarks.peers.llm_clients NAME URL CALLS CONCURRENCY`: ours, and what it rests on.

Lives here: one call with each of `httpx2` (a bare POST), `opto`, and the OpenAI SDK.
Never here: other packages (`llm_peers`), the loop of calls (`llm_drive`).
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from benchmarks.peers.llm_drive import QUESTION, TOKENS, drive, report

MODEL = "bench"


async def bare(url: str, calls: int, concurrency: int) -> dict[str, Any]:
    """A POST and the text in its JSON; nothing is checked."""
    import httpx2  # noqa: PLC0415  (each client loads its own package only)

    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    body = {"model": MODEL, "max_tokens": TOKENS, "messages": [QUESTION]}
    headers = {"Authorization": "Bearer none"}
    async with httpx2.AsyncClient(limits=limits, timeout=60) as client:

        async def call() -> str:
            response = await client.post(f"{url}/chat/completions", json=body, headers=headers)
            response.raise_for_status()
            return str(response.json()["choices"][0]["message"]["content"])

        return await drive(call, calls, concurrency)


async def sdk(url: str, calls: int, concurrency: int) -> dict[str, Any]:
    """The OpenAI SDK as it comes."""
    from openai import AsyncOpenAI  # noqa: PLC0415

    async with AsyncOpenAI(api_key="none", base_url=url) as client:

        async def call() -> str:
            done = await client.chat.completions.create(
                model=MODEL,
                max_tokens=TOKENS,
                messages=[{"role": "user", "content": QUESTION["content"]}],
            )
            return str(done.choices[0].message.content)

        return await drive(call, calls, concurrency)


async def ours(url: str, calls: int, concurrency: int) -> dict[str, Any]:
    """`LM.acomplete` with all its wrappers: record, limit, breaker, retries, validation."""
    from opto.llm.open import open_model  # noqa: PLC0415
    from opto.llm.types import Message, Request  # noqa: PLC0415

    async with open_model(f"openai:{MODEL}@{url}") as lm:
        request = Request(messages=(Message("user", QUESTION["content"]),), max_tokens=TOKENS)

        async def call() -> str:
            return (await lm.acomplete(request)).text

        return await drive(call, calls, concurrency)


CLIENTS = {"httpx2": bare, "openai_sdk": sdk, "opto": ours}


if __name__ == "__main__":
    name, address, number, parallel = sys.argv[1:5]
    os.chdir("/")  # no settings file of this folder has a part in it
    report(asyncio.run(CLIENTS[name](address, int(number), int(parallel))))
