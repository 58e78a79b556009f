"""The oracle: parties outside the exchange, what they wrote down, and the verdict at the end.

async with oracle(stack, tmp_path) as parties:
parties.read_all()
await parties["110101"].send(query("410102") for _ in range(300))
...
verdict = await parties.verdict()
assert verdict.clean, verdict
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from services.cli.stack.files import private_directory
from services.runtime.database import AWAY
from tests.faults.harness.journal import facts
from tests.faults.harness.ledger_view import Standing, ask_api, read_ledger, states
from tests.faults.harness.messages import Message, query
from tests.faults.harness.party import Answers, Party, nine_of_ten
from tests.faults.harness.stack import FaultStack
from tests.faults.harness.verdict import DELIVERED, UNDERWAY, Testimony, Verdict, judge

_LOOK_SECONDS = 0.15
WITHIN_S = 90.0
QUIET_S = 20.0
"""So long nothing must move before what is missing is taken to be lost: a disk that others keep busy is no loss."""


class Oracle:
    """The parties of one exchange, by address."""

    def __init__(self, stack: FaultStack, directory: Path) -> None:
        self._stack = stack
        self._directory = private_directory(directory)
        self._parties: dict[str, Party] = {}
        for address in stack.participants:
            self.party(address)

    def __getitem__(self, address: str) -> Party:
        return self._parties[address]

    def party(self, address: str) -> Party:
        """The party at an address, which may have become a participant just now."""
        if address not in self._parties:
            credentials = self._stack.participants[address]
            self._parties[address] = Party(credentials, self._directory / f"{address}.journal")
        return self._parties[address]

    def read_all(self, answers: Answers = nine_of_ten) -> None:
        """Have every party consume its inbox and answer queries."""
        for party in self._parties.values():
            party.read(answers)

    def testimony(self) -> Testimony:
        """What the parties have written down so far, read from their files."""
        said = Testimony()
        for address, party in self._parties.items():
            said.hear(address, facts(party.path))
        return said

    async def premature(self) -> set[str]:
        """What is in recipients' hands and not on the ledger, now: at no moment may there be anything."""
        said = await asyncio.to_thread(self.testimony)
        return said.receivers.keys() - (await states(self._stack)).keys()

    async def settle(self, *, within_s: float = WITHIN_S, quiet_s: float = QUIET_S, parked: bool = True) -> bool:
        """Wait until every message is where it ends; False when nothing moved for ``quiet_s`` seconds, or the time is
        over. Unless ``parked``, nothing ends parked.
        """
        deadline, before, since = time.monotonic() + within_s, None, time.monotonic()
        while True:
            said, now = await asyncio.to_thread(self.testimony), await self._states()
            open_ = _open(said, now, parked=parked) if now is not None else None
            picture = (len(said.intents), len(said.confirmed), sum(map(len, said.consumed.values())), now, open_)
            if picture == before and open_ == 0:
                return True
            # A database that is away is not quiet.
            if picture != before or now is None:
                before, since = picture, time.monotonic()
            elif time.monotonic() - since > quiet_s:
                return False
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_LOOK_SECONDS)

    async def verdict(
        self,
        *,
        within_s: float = WITHIN_S,
        quiet_s: float = QUIET_S,
        poison: Iterable[str | None] = (),
        parked: bool = True,
    ) -> Verdict:
        """Wait until all is quiet, then class every message; prints the sentence. A ledger must be running.

        ``poison`` are the messages that are to be set aside, None for what has no id; any other is unexpected there.
        Unless ``parked``, what is parked is waited for.
        """
        await self.settle(within_s=within_s, quiet_s=quiet_s, parked=parked)
        api, ledger = await ask_api(self._stack), await read_ledger(self._stack)
        said = await asyncio.to_thread(self.testimony)
        verdict = judge(said, ledger, api, self._stack.kills, set(poison))
        print(verdict)
        return verdict

    async def _states(self) -> dict[str, Standing] | None:
        try:
            return await states(self._stack)
        except AWAY:
            return None

    async def close(self) -> None:
        """Send everybody home."""
        await asyncio.gather(*(party.close() for party in self._parties.values()))


def _open(said: Testimony, states: dict[str, Standing], *, parked: bool) -> int:
    """How many messages are not yet where they end, and receipts not yet there."""
    receivers = said.receivers
    on_their_way = sum(id not in states for id in said.confirmed)
    placed = {id: at.recipient for id, at in states.items() if at.state in DELIVERED}
    unread = sum(recipient not in receivers.get(id, ()) for id, recipient in placed.items())
    # A query that is withdrawn may be in an inbox, or never come into one.
    early = sum(id not in placed and id in states and states[id].state != "withdrawn" for id in receivers)
    half = sum(at.state in UNDERWAY or (at.state == "parked" and not parked) for at in states.values())
    recorded = {id for id, at in states.items() if at.state not in {"refused", "set-aside"}}
    unknown = len(receivers.keys() - states.keys())
    return on_their_way + unread + early + unknown + half + len(recorded - said.accepted.keys() - said.duplicates)


def queries(count: int, *to: str, note: str = "") -> list[Message]:
    """So many new queries, to each of ``to`` in turn."""
    return [query(to[number % len(to)], note) for number in range(count)]


@asynccontextmanager
async def oracle(stack: FaultStack, directory: Path) -> AsyncIterator[Oracle]:
    """Parties for all participants of the stack, with their journals in ``directory``."""
    parties = Oracle(stack, directory)
    try:
        yield parties
    finally:
        await parties.close()
