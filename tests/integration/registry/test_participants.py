"""Participants on a real broker: what each may do there, and how they come, go and return."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
)
from yarl import URL

from services.registry.candidates import NewParticipant, counties
from services.registry.errors import BrokerAPIError, ParticipantRefused
from services.registry.participants import Credentials
from services.registry.parts import current_directory
from services.registry.tokens import token_hash
from tests.integration.registry.conftest import Exchange


@asynccontextmanager
async def channel_of(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(amqp_url) as connection:
        yield await connection.channel(on_return_raises=True)


async def publish(channel: AbstractChannel, *, exchange: str = "ingress", user_id: str | None = None) -> None:
    target = await channel.get_exchange(exchange, ensure=False)
    await target.publish(aio_pika.Message(b"{}", user_id=user_id), routing_key="query", timeout=10)


async def put_into_inbox(exchange: Exchange, address: str) -> None:
    async with channel_of(exchange.amqp_url) as channel:
        inbox = await channel.get_exchange("inbox")
        await inbox.publish(aio_pika.Message(b"for you"), routing_key=address, timeout=10)


async def take_from_inbox(channel: AbstractChannel, address: str) -> bytes:
    queue = await channel.get_queue(f"inbox.{address}", ensure=False)
    message = await queue.get(timeout=10)
    assert message is not None
    await message.ack()
    return message.body


async def test_a_participant_posts_under_its_own_name_and_reads_its_inbox(exchange: Exchange) -> None:
    credentials = await exchange.participants.add("410102.health", "卫健委")
    await put_into_inbox(exchange, "410102.health")
    async with channel_of(credentials.amqp_url) as channel:
        await publish(channel, user_id="410102.health")
        assert await take_from_inbox(channel, "410102.health") == b"for you"
    owner = await exchange.connection.fetchrow("SELECT * FROM api_token")
    assert owner is not None
    assert (owner["sha256"], owner["address"]) == (token_hash(credentials.token), "410102.health")


async def test_the_broker_refuses_another_ones_name(exchange: Exchange) -> None:
    credentials = await exchange.participants.add("410102")
    async with channel_of(credentials.amqp_url) as channel:
        with pytest.raises(ChannelPreconditionFailed, match="user_id"):
            await publish(channel, user_id="410103")


async def test_the_broker_refuses_other_inboxes_and_queues(exchange: Exchange) -> None:
    province = await exchange.participants.add("41")
    await exchange.participants.add("4101")
    for queue in ("inbox.4101", "ingress", "ledger", "reports", "dispatch", "parking", "dead-letters"):
        async with channel_of(province.amqp_url) as channel:
            with pytest.raises(ChannelAccessRefused):
                await (await channel.get_queue(queue, ensure=False)).get(timeout=10)


async def test_the_broker_refuses_every_exchange_but_the_ingress(exchange: Exchange) -> None:
    credentials = await exchange.participants.add("4101")
    for name in ("ledger", "reports", "dispatch", "inbox", "parking", "dead-letters", ""):
        async with channel_of(credentials.amqp_url) as channel:
            with pytest.raises(ChannelAccessRefused):
                await publish(channel, exchange=name)


async def test_the_broker_refuses_to_declare_bind_and_delete(exchange: Exchange) -> None:
    credentials = await exchange.participants.add("4101")
    async with channel_of(credentials.amqp_url) as channel:
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_queue("mine", durable=True)
    async with channel_of(credentials.amqp_url) as channel:
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_exchange("mine", durable=True)
    async with channel_of(credentials.amqp_url) as channel:
        inbox = await channel.get_queue("inbox.4101", ensure=False)
        with pytest.raises(ChannelAccessRefused):
            await inbox.bind("inbox", "410102")
    async with channel_of(credentials.amqp_url) as channel:
        with pytest.raises(ChannelAccessRefused):
            await channel.queue_delete("inbox.4101")


async def test_a_participant_has_no_way_into_the_management_api(exchange: Exchange) -> None:
    credentials = await exchange.participants.add("4101")
    parts = URL(credentials.amqp_url)
    async with httpx.AsyncClient(trust_env=False) as client:
        url = exchange.api_url.rpartition("@")[2]
        answer = await client.get(f"http://{url}/api/overview", auth=(parts.user or "", parts.password or ""))
    assert answer.status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("410999", "not a code of the directory"),
        ("412401", "its successor today is 410202 河南省开封市龙亭区"),
        ("410112", "no current successor"),
        ("41010", "is not an address"),
    ],
)
async def test_only_a_current_code_can_be_a_participant(exchange: Exchange, address: str, reason: str) -> None:
    with pytest.raises(ParticipantRefused, match=reason):
        await exchange.participants.add(address)


async def test_adding_a_participant_again_is_refused_and_leaves_it_as_it_is(exchange: Exchange) -> None:
    credentials = await exchange.participants.add("410102")
    with pytest.raises(ParticipantRefused, match="participant already"):
        await exchange.participants.add("410102")
    async with channel_of(credentials.amqp_url) as channel:
        await publish(channel, user_id="410102")


async def test_a_disabled_participant_is_cut_off_and_keeps_its_inbox(exchange: Exchange) -> None:
    credentials = await exchange.participants.add("410102")
    closed = asyncio.Event()
    async with await aio_pika.connect(credentials.amqp_url) as connection:
        connection.close_callbacks.add(lambda *_: closed.set())
        await publish(await connection.channel(), user_id="410102")
        record = await exchange.participants.disable("410102")
        assert (record.status, record.disabled_at is not None) == ("disabled", True)
        # The open channel remembers its permission, so the connection has to go.
        await asyncio.wait_for(closed.wait(), 10)
    await put_into_inbox(exchange, "410102")
    async with channel_of(credentials.amqp_url) as channel:
        assert await take_from_inbox(channel, "410102") == b"for you"
        with pytest.raises(ChannelAccessRefused):
            await publish(channel, user_id="410102")
    await exchange.participants.enable("410102")
    async with channel_of(credentials.amqp_url) as channel:
        await publish(channel, user_id="410102")


async def test_renewed_secrets_replace_the_old_ones_and_the_inbox_stays(exchange: Exchange) -> None:
    old = await exchange.participants.add("410102")
    await put_into_inbox(exchange, "410102")
    new = await exchange.participants.renew("410102")
    with pytest.raises(ProbableAuthenticationError):
        async with channel_of(old.amqp_url):
            pass
    async with channel_of(new.amqp_url) as channel:
        assert await take_from_inbox(channel, "410102") == b"for you"
    live = await exchange.connection.fetch("SELECT sha256 FROM api_token WHERE revoked_at IS NULL")
    assert [row["sha256"] for row in live] == [token_hash(new.token)]
    with pytest.raises(ParticipantRefused):
        await exchange.participants.renew("410103")


async def test_an_inbox_that_was_deleted_is_made_anew_and_one_that_is_there_keeps_its_messages(
    exchange: Exchange, actions: str
) -> None:
    credentials = await exchange.participants.add("410102")
    async with channel_of(exchange.amqp_url) as channel:
        await channel.queue_delete("inbox.410102")
    await exchange.participants.restore("410102")
    await put_into_inbox(exchange, "410102")
    await exchange.participants.restore("410102")
    async with channel_of(credentials.amqp_url) as channel:
        assert await take_from_inbox(channel, "410102") == b"for you"
        await publish(channel, user_id="410102")
    recorded = [row["action"] for row in await exchange.connection.fetch(actions)]
    assert recorded[-2:] == ["participant.restore", "participant.restore"]


async def test_restoring_does_not_enable_who_is_disabled(exchange: Exchange) -> None:
    credentials = await exchange.participants.add("410102")
    await exchange.participants.disable("410102")
    assert (await exchange.participants.restore("410102")).status == "disabled"
    async with channel_of(credentials.amqp_url) as channel:
        with pytest.raises(ChannelAccessRefused):
            await publish(channel, user_id="410102")


async def test_only_a_participant_can_be_shown_or_changed(exchange: Exchange) -> None:
    everyone = exchange.participants
    for work in (everyone.get, everyone.disable, everyone.enable, everyone.restore):
        with pytest.raises(ParticipantRefused, match="410102 is not a participant"):
            await work("410102")


async def test_every_action_is_on_record(exchange: Exchange, actions: str) -> None:
    await exchange.participants.add("410102")
    await exchange.participants.disable("410102")
    await exchange.participants.enable("410102")
    recorded = [(row["action"], row["target"]) for row in await exchange.connection.fetch(actions)]
    assert recorded[1:] == [
        ("participant.add", "410102"),
        ("participant.disable", "410102"),
        ("participant.enable", "410102"),
    ]


async def test_without_the_broker_there_is_no_row(exchange: Exchange) -> None:
    broken = type(exchange.broker)("http://huizhi:wrong@127.0.0.1:1", "none")
    participants = type(exchange.participants)(
        exchange.connection, broken, amqp_url=exchange.amqp_url, limits=exchange.participants.limits, actor="test"
    )
    async with broken:
        with pytest.raises(BrokerAPIError, match="does not answer"):
            await participants.add("410102")
    assert await exchange.participants.list() == []


class InterruptedByTestError(Exception):
    """Stands for whatever ends the process in the middle."""


async def test_200_participants_are_made_in_bulk_and_an_interruption_is_resumed(exchange: Exchange) -> None:
    wanted = [NewParticipant(f"410102.department-{number}", f"第{number}科") for number in range(200)]
    handed_over: dict[str, Credentials] = {}

    def take(credentials: Sequence[Credentials]) -> None:
        handed_over.update({one.address: one for one in credentials})

    def take_and_stop(credentials: Sequence[Credentials]) -> None:
        take(credentials)
        if len(handed_over) > 100:
            raise InterruptedByTestError

    with pytest.raises(InterruptedByTestError):
        await exchange.participants.add_absent(wanted, take_and_stop)
    assert len(await exchange.participants.list()) == 100
    of_the_broken_off_chunk = handed_over["410102.department-120"]
    done: list[int] = []
    assert await exchange.participants.add_absent(wanted, take, done.append) == 100
    assert done == [50, 100, 150, 200]
    assert len(await exchange.participants.list("410102")) == len(handed_over) == 200

    assert await exchange.participants.add_absent(wanted, take_and_stop) == 0
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(of_the_broken_off_chunk.amqp_url)
    for address in ("410102.department-3", "410102.department-120", "410102.department-199"):
        async with channel_of(handed_over[address].amqp_url) as channel:
            await publish(channel, user_id=address)
        assert await exchange.participants.inbox_state(address) is not None


async def test_the_counties_of_a_province_become_participants_by_their_full_names(exchange: Exchange) -> None:
    wanted = counties(await current_directory(exchange.connection), "41")
    assert [new.address for new in wanted] == ["410102", "410103", "410202"]
    assert wanted[2].name == "河南省开封市龙亭区"
    assert counties(await current_directory(exchange.connection), "42") == []
