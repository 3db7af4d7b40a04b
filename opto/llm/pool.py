"""Several servers of one model as one provider.

Which server a call goes to is decided where its turn is (`opto.llm.limits`): the least loaded one
whose breaker is closed. A call that fails is asked again wherever there is room then.

Lives here: following that decision, and the spec of several servers.
Never here: loads, limits, breakers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import count
from typing import Protocol, runtime_checkable

from opto.llm.limits import PERMIT
from opto.llm.types import Capabilities, Completion, Provider, Request


@runtime_checkable
class Checkable(Protocol):
    """A provider that can tell, without cost, whether its server is there."""

    async def healthy(self) -> bool: ...


def split_servers(rest: str) -> tuple[str, ...]:
    """`m@http://a/v1,http://b/v1` as `m@http://a/v1` and `m@http://b/v1`; one server is itself."""
    head, mark, urls = rest.partition("@http")
    places = re.split(r",\s*(?=https?://)", f"http{urls}") if mark else []
    if len(places) < 2:  # noqa: PLR2004  (several)
        return (rest,)
    return tuple(f"{head}@{place}" for place in dict.fromkeys(places))


class Pool:
    """Servers that give the same answers, so that any of them may be asked."""

    def __init__(self, members: Sequence[Provider]) -> None:
        """Take at least one provider; of those after the first, the address goes into the name."""
        self.members = tuple(members)
        first, *others = (member.name for member in members)
        model = first.partition("@http")[0]
        self.name = ",".join([first, *(other.removeprefix(f"{model}@") for other in others)])
        able = [member.capabilities for member in members]
        self.capabilities = Capabilities(
            schema=all(each.schema for each in able),
            grammar=all(each.grammar for each in able),
            prefill=all(each.prefill for each in able),
            seed=all(each.seed for each in able),
        )
        self._turn = count()

    async def complete(self, request: Request) -> Completion:
        permit = PERMIT.get()
        lane = None if permit is None else permit.lane
        index = next(self._turn) % len(self.members) if lane is None else lane
        return await self.members[index].complete(request)

    async def alive(self, index: int) -> bool:
        """Does server number `index` answer? Costs nothing; True where that cannot be asked."""
        member = self.members[index]
        return await member.healthy() if isinstance(member, Checkable) else True

    async def aclose(self) -> None:
        for member in self.members:
            await member.aclose()
