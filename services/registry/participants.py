"""Participants: who has an account on the exchange and an inbox.

The broker comes first and the row second, inside one transaction: a row always has its account and its inbox, and
when the process dies in between, adding the participant again makes both anew.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from services.registry.accounts import Account, BrokerAPI, QueueState, new_password
from services.registry.candidates import NewParticipant, new_participant
from services.registry.errors import ParticipantRefused
from services.registry.parts import current_directory
from services.registry.tokens import new_token, token_hash
from services.registry.transactions import Connection, changing, record
from services.runtime.topology import QueueLimits, inbox_queue, inbox_topology, participant_permissions

# So many participants are made with one request to the broker and one transaction: a few seconds' work.
_CHUNK = 50

PRESENT = "SELECT address FROM participant WHERE address = ANY($1)"
ADD_PARTICIPANTS = "INSERT INTO participant (address, name) SELECT * FROM unnest($1::text[], $2::text[])"
ADD_TOKENS = """
INSERT INTO api_token (sha256, address, role) SELECT *, 'participant' FROM unnest($1::bytea[], $2::text[])
"""
REVOKE_TOKENS = "UPDATE api_token SET revoked_at = now() WHERE address = $1 AND revoked_at IS NULL"
LIST_PARTICIPANTS = """
SELECT address, name, status, created_at, disabled_at FROM participant
WHERE starts_with(address, $1) ORDER BY code, address
"""
GET_PARTICIPANT = "SELECT address, name, status, created_at, disabled_at FROM participant WHERE address = $1"
SET_STATUS = """
UPDATE participant SET
    status = $2::text,
    disabled_at = CASE WHEN $2::text = 'disabled' THEN coalesce(disabled_at, now()) END
WHERE address = $1
"""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a new participant needs to take part. Shown once: password and token are stored only as hashes."""

    address: str
    amqp_url: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ParticipantRecord:
    """A participant as administrators see it."""

    address: str
    name: str
    status: Literal["active", "disabled"]
    created_at: datetime
    disabled_at: datetime | None


class Participants:
    """The participants of one exchange, through an owner's connection to the database and the broker's API.

    `amqp_url` is any account's AMQP URL of the exchange; new participants get it with their own account in it. `actor`
    is who is put on record.
    """

    def __init__(
        self, connection: Connection, broker: BrokerAPI, *, amqp_url: str, limits: QueueLimits, actor: str
    ) -> None:
        self._connection = connection
        self._broker = broker
        self._amqp_url = amqp_url
        self.limits = limits
        self._actor = actor

    async def add(self, address: str, name: str | None = None) -> Credentials:
        """Make one participant; raises ParticipantRefused when it cannot be one or is one already."""
        new = new_participant(await current_directory(self._connection), address, name)
        credentials: list[Credentials] = []
        if not await self._add_chunk([new], credentials.extend):
            raise ParticipantRefused(
                f"{address} is a participant already; `huizhi participant show {address}` shows it"
            )
        return credentials[0]

    async def add_absent(
        self,
        participants: Sequence[NewParticipant],
        hand_over: Callable[[Sequence[Credentials]], None],
        progress: Callable[[int], None] = lambda done: None,
    ) -> int:
        """Make participants of those that are none yet, and say how many that were.

        `hand_over` gets the credentials of each chunk before it is committed. When it is interrupted, the same call
        again goes on behind the last committed chunk; of two credentials for one address the later are valid.
        `progress` is called with the number of participants dealt with.
        """
        added = done = 0
        for chunk in _chunks(participants):
            added += await self._add_chunk(chunk, hand_over)
            done += len(chunk)
            progress(done)
        return added

    async def list(self, territory: str = "") -> list[ParticipantRecord]:
        """The participants whose address begins with `territory`, by address."""
        return [ParticipantRecord(*row) for row in await self._connection.fetch(LIST_PARTICIPANTS, territory)]

    async def get(self, address: str) -> ParticipantRecord:
        """One participant; raises ParticipantRefused when the address is none."""
        row = await self._connection.fetchrow(GET_PARTICIPANT, address)
        if row is None:
            raise ParticipantRefused(f"{address} is not a participant; `huizhi participant list` lists them")
        return ParticipantRecord(*row)

    async def inbox_state(self, address: str) -> QueueState | None:
        """How full the participant's inbox is, as of some seconds ago; None when the broker has none."""
        return await self._broker.queue_state(inbox_queue(address))

    async def disable(self, address: str) -> ParticipantRecord:
        """Stop the participant's new traffic; its inbox stays, and it may go on emptying it.

        Doing it again is harmless. Raises ParticipantRefused when the address is no participant.
        """
        return await self._set_status(address, "disabled")

    async def enable(self, address: str) -> ParticipantRecord:
        """Let a disabled participant take part again; raises ParticipantRefused when the address is no participant."""
        return await self._set_status(address, "active")

    async def renew(self, address: str) -> Credentials:
        """Give a participant a new password and token in the place of its old ones; its inbox stays.

        For secrets that were lost or have leaked. Raises ParticipantRefused when the address is no participant.
        """
        async with changing(self._connection, "participants"):
            active = (await self.get(address)).status == "active"
            account = Account(address, participant_permissions(address, active=active), new_password())
            token = new_token()
            await self._broker.define([account])
            await self._connection.execute(REVOKE_TOKENS, address)
            await self._connection.execute(ADD_TOKENS, [token_hash(token)], [address])
            await record(self._connection, self._actor, "participant.renew", address, {})
        # Who is connected with the old password would otherwise stay so.
        await self._broker.close_connections(address, "the participant's password was renewed")
        return Credentials(address, amqp_url_of(self._amqp_url, account), token)

    async def restore(self, address: str) -> ParticipantRecord:
        """Make the participant's inbox and its permissions on the broker anew where they are gone; what is there stays.

        Raises ParticipantRefused when the address is no participant, BrokerAPIError when its account is gone as well.
        """
        async with changing(self._connection, "participants"):
            active = (await self.get(address)).status == "active"
            await self._broker.define([], inbox_topology([address], self.limits).queues)
            await self._broker.permit(address, participant_permissions(address, active=active))
            await record(self._connection, self._actor, "participant.restore", address, {})
        return await self.get(address)

    async def _set_status(self, address: str, status: Literal["active", "disabled"]) -> ParticipantRecord:
        async with changing(self._connection, "participants"):
            await self.get(address)
            await self._broker.permit(address, participant_permissions(address, active=status == "active"))
            await self._connection.execute(SET_STATUS, address, status)
            action = "participant.enable" if status == "active" else "participant.disable"
            await record(self._connection, self._actor, action, address, {})
        if status == "disabled":
            # A channel remembers that it was permitted to publish, so it must come anew. This comes after the commit:
            # a connection that is back before it is held to the new permission already.
            await self._broker.close_connections(address, "the participant was disabled")
        return await self.get(address)

    async def _add_chunk(
        self, chunk: Sequence[NewParticipant], hand_over: Callable[[Sequence[Credentials]], None]
    ) -> int:
        async with changing(self._connection, "participants"):
            wanted = [new.address for new in chunk]
            present = {row["address"] for row in await self._connection.fetch(PRESENT, wanted)}
            absent = [new for new in chunk if new.address not in present]
            if not absent:
                return 0
            accounts = [Account(new.address, participant_permissions(new.address), new_password()) for new in absent]
            tokens = [new_token() for _ in absent]
            inboxes = inbox_topology([new.address for new in absent], self.limits)
            await self._broker.define(accounts, inboxes.queues)
            hand_over(
                [
                    Credentials(account.name, amqp_url_of(self._amqp_url, account), token)
                    for account, token in zip(accounts, tokens, strict=True)
                ]
            )
            await self._insert(absent, tokens)
        return len(absent)

    async def _insert(self, new: Sequence[NewParticipant], tokens: Sequence[str]) -> None:
        addresses = [participant.address for participant in new]
        await self._connection.execute(ADD_PARTICIPANTS, addresses, [participant.name for participant in new])
        await self._connection.execute(ADD_TOKENS, [token_hash(token) for token in tokens], addresses)
        for participant in new:
            detail = {"name": participant.name}
            await record(self._connection, self._actor, "participant.add", participant.address, detail)


def amqp_url_of(url: str, account: Account) -> str:
    """An AMQP URL of the exchange with this account's name and password in it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{quote(account.name, safe='')}:{quote(account.password, safe='')}@{host}")
    )


def _chunks(participants: Sequence[NewParticipant]) -> Iterator[Sequence[NewParticipant]]:
    for start in range(0, len(participants), _CHUNK):
        yield participants[start : start + _CHUNK]
