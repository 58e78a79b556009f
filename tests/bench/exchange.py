"""A whole exchange as it is shipped, with the settings and the directory it is shipped with, and its load.

Every round ends with a look at the ledger and the inboxes: what was published is there once, as often as it is counted.
"""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from uuid import UUID

import aio_pika

from contracts.data import carried_files
from services.registry.accounts import Account, BrokerAPI
from services.registry.participants import amqp_url_of
from services.runtime.topology import INGRESS, Permissions, QueueLimits, inbox_queue
from tests.acceptance.waiting import until
from tests.bench.amqpload import PAYLOAD_BYTES, Load, running
from tests.bench.shipping import shipped
from tests.bench.throughput import Round
from tests.bench.usage import Meter, pids
from tests.faults.harness.instance import client
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack, fault_stack

SENDER = "110101"
WARM_UP = 1000
_PROVINCE_ASKED = "41"
# The load reads and answers for many participants over one connection, which the broker lets an impersonator do.
_READER = "bench-reader"
_READER_MAY = Permissions(configure="^$", write="^ingress$", read=r"^inbox\..*$")
_DONE_WITHIN_S = 60


class Miscounted(Exception):  # noqa: N818 - It says what is the matter.
    """What was published is not on the ledger, or not in the inboxes, exactly once: the figure means nothing."""


def counties(count: int | None = None) -> tuple[str, ...]:
    """The codes of so many counties of one province, or of all counties of the country but the sender."""
    rows = dict(carried_files())["divisions.csv"].decode().splitlines()
    codes = (row.partition(",")[0] for row in rows if row.split(",")[2] == "county")
    if count is None:
        return tuple(code for code in codes if code != SENDER)
    return tuple(islice((code for code in codes if code.startswith(_PROVINCE_ASKED)), count))


@dataclass(slots=True)
class Exchange:
    """The stack, who is asked, and as whom the load reads. ``at_random`` is whom: in turn, or at random."""

    stack: FaultStack
    directory: Path
    recipients: Sequence[str]
    reader_url: str
    sender: str = SENDER
    at_random: bool = False
    _rounds: int = field(default=0, init=False)

    async def queries(self, count: int, rate: float | None = None, delays: Path | None = None) -> Round:
        """Publish so many queries to ``ingress`` and drain them from the inboxes. Raises Miscounted and LoadFailed."""
        ids, meter, entries = self._next_file("ids"), Meter(pids(self.stack)), await self._entries()
        async with (
            self.reading(count, ids=ids, delays=delays) as drain,
            self.publishing(count, rate=rate) as publish,
        ):
            published, read = await publish.done(), await drain.done()
        await self._written(entries + 2 * count)
        measured = Round.of(published, read, [], meter.used())
        await self.check(count, ids)
        return measured

    async def round_trips(self, count: int) -> Round:
        """Publish so many queries, have the recipients answer them, and drain the answers from the sender's inbox."""
        ids, meter, entries = self._next_file("answers"), Meter(pids(self.stack)), await self._entries()
        async with (
            self._receiving(count, ids) as drain,
            running("answer", self.reader_url, count=count, from_=self._inboxes(), size=PAYLOAD_BYTES) as answer,
            self.publishing(count) as publish,
        ):
            published, answered, read = [await one.done() for one in (publish, answer, drain)]
        await self._written(entries + 4 * count)
        measured = Round.of(published, read, [answered], meter.used())
        await self._check_answers(count, ids)
        return measured

    def publishing(self, count: int, rate: float | None = None) -> AbstractAsyncContextManager[Load]:
        """The sender's queries, as ``running`` runs them."""
        to_file = self.directory / "recipients"
        to_file.write_text("\n".join(self.recipients) + "\n")
        return running(
            "publish",
            self.stack.participants[self.sender].amqp_url,
            count=count,
            exchange=INGRESS,
            key="query",
            type="query",
            user_id=self.sender,
            header=["kind=case.assist"],
            size=PAYLOAD_BYTES,
            to_file=str(to_file),
            random=str(self._rounds + 1) if self.at_random else None,
            rate=rate,
        )

    def reading(
        self, count: int, ids: Path, delays: Path | None = None, idle: float = 60
    ) -> AbstractAsyncContextManager[Load]:
        """The recipients' reading and the sender's, as ``running`` runs it; so many queries are counted."""
        return running(
            "drain",
            self.reader_url,
            count=count,
            from_=f"{self._inboxes()},{inbox_queue(self.sender)}",
            counted="query",
            ids=str(ids),
            delays=str(delays) if delays else None,
            idle=idle,
        )

    def _receiving(self, count: int, ids: Path) -> AbstractAsyncContextManager[Load]:
        inbox = inbox_queue(self.sender)
        return running("drain", self.reader_url, count=count, from_=inbox, counted="answer", ids=str(ids), idle=60)

    async def waiting(self, *queues: str) -> int:
        """How many messages these queues hold that nobody has in hand."""
        async with await aio_pika.connect(self.stack.platform.amqp_url) as connection:
            channel = await connection.channel()
            declared = [await channel.declare_queue(queue, passive=True) for queue in queues]
        return sum(one.declaration_result.message_count or 0 for one in declared)

    async def check(self, count: int, ids: Path) -> None:
        """Raises Miscounted unless the queries that were read are ``count`` different ones, each on the ledger as
        dispatched, and nothing else is on its way.
        """
        read = _different(ids, count, "queries")
        async with self.stack.database() as connection:

            async def dispatched() -> bool:
                # The router's report comes after the message.
                question = "SELECT count(*) FROM message WHERE type = 'query' AND state = 'dispatched' AND id = ANY($1)"
                return int(await connection.fetchval(question, read)) == count

            await until(f"{count} queries are on the ledger as dispatched", dispatched, within_s=_DONE_WITHIN_S)
            twice = await connection.fetchval(
                "SELECT count(*) FROM (SELECT message_id FROM entry WHERE event = 'dispatched' AND message_id = ANY($1)"
                " GROUP BY message_id HAVING count(*) > 1) AS those",
                read,
            )
            others = await connection.fetchval("SELECT count(*) FROM message WHERE state IN ('accepted', 'parked')")
        if twice or others:
            raise Miscounted(f"{twice} queries were dispatched twice on the ledger, {others} are stuck")
        await self._nothing_is_left()

    async def _check_answers(self, count: int, ids: Path) -> None:
        read = _different(ids, count, "answers")
        async with self.stack.database() as connection:

            async def answered() -> bool:
                question = "SELECT count(*) FROM message WHERE state = 'answered' AND answer_id = ANY($1)"
                return int(await connection.fetchval(question, read)) == count

            await until(f"{count} queries are on the ledger as answered", answered, within_s=_DONE_WITHIN_S)
            broken = await connection.fetchval(
                "SELECT count(*) FROM (SELECT sum(answered) AS counted FROM cohort WHERE role = 'recipient') AS those"
                " WHERE counted <> (SELECT count(*) FROM message WHERE type = 'query' AND state = 'answered')"
            )
        if broken:
            raise Miscounted("the cohorts count other answers than the messages say")

    async def _entries(self) -> int:
        async with self.stack.database() as connection:
            return int(await connection.fetchval("SELECT size FROM log_head"))

    async def _written(self, entries: int) -> None:
        """Wait until the log is so long: what a recipient has is reported to the ledger only then."""

        async def there() -> bool:
            return await self._entries() >= entries

        await until(f"the log has {entries} entries", there, within_s=_DONE_WITHIN_S)

    async def _nothing_is_left(self) -> None:
        left = await self.waiting(*(inbox_queue(one) for one in self.recipients))
        if left:
            raise Miscounted(f"{left} messages more came to the inboxes than were published")

    def _inboxes(self) -> str:
        return ",".join(inbox_queue(one) for one in self.recipients)

    def _next_file(self, name: str) -> Path:
        self._rounds += 1
        return self.directory / f"{name}-{self._rounds}"


def _different(ids: Path, count: int, what: str) -> list[UUID]:
    """The ids that were read. Raises Miscounted unless they are ``count`` different ones."""
    read = [UUID(line) for line in ids.read_text().split()]
    if len(read) != count or len(set(read)) != count:
        raise Miscounted(f"{len(read)} {what} were read, {len(set(read))} different ones, of {count}")
    return read


@asynccontextmanager
async def exchange(
    servers: Servers,
    directory: Path,
    recipients: Sequence[str] | None = None,
    *,
    sender: str = SENDER,
    counts: Mapping[str, int] | None = None,
    launchers: Mapping[str, Sequence[str]] | None = None,
    settings: Mapping[str, str] | None = None,
    removed: bool = True,
) -> AsyncIterator[Exchange]:
    """A running exchange that has had a little to do, gone afterwards. Forty recipients are asked by default.

    ``launchers`` says how a service is run: ``python *launchers[service] services.SERVICE``. One that is not to be
    ``removed`` leaves vhost and database to the end of its servers.
    """
    asked = counties(40) if recipients is None else recipients
    async with fault_stack(
        servers,
        directory,
        counts=counts,
        participants=(sender, *asked),
        settings=shipped() | dict(settings or {}),
        limits=QueueLimits(),
        removed=removed,
    ) as stack:
        for service, launcher in (launchers or {}).items():
            for one in stack.of(service):
                one.launcher = (*launcher, f"services.{service}")
        await stack.start()
        running_one = Exchange(stack, directory, asked, await _reader(stack), sender)
        await running_one.queries(WARM_UP)
        yield running_one


async def _reader(stack: FaultStack) -> str:
    """The AMQP URL of the account that the load reads and answers with."""
    platform = stack.platform
    account = Account(f"{_READER}-{secrets.token_hex(4)}", _READER_MAY, secrets.token_urlsafe(16))
    async with BrokerAPI(platform.servers.broker.api_url, platform.vhost) as api:
        await api.define([account])
    async with client(base_url=platform.servers.broker.api_url) as http:
        body = {"password": account.password, "tags": "impersonator"}
        (await http.put(f"/api/users/{account.name}", json=body)).raise_for_status()
    return amqp_url_of(platform.amqp_url, account)
