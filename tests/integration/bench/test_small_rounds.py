"""The benchmark itself, with a few hundred messages and no look at the clock: it compiles, runs, and counts right."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from services.cli.stack.broker import BrokerAddress
from tests.bench.amqpload import LoadFailed, running
from tests.bench.ceiling import raw_hops
from tests.bench.exchange import Exchange, Miscounted, exchange
from tests.conftest import ServerHome
from tests.faults.harness.servers import Servers, execute, make_template

RECIPIENTS = ("410102", "410103", "410202")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def servers(server_home: ServerHome, broker: BrokerAddress, database_server: str) -> AsyncIterator[Servers]:
    """The session's servers with a small directory."""
    template = await make_template(database_server, server_home.credentials.admin_token)
    yield Servers(broker, database_server, template, server_home.credentials)
    await execute(database_server, f'DROP DATABASE "{template}" WITH (FORCE)')


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    """A running exchange with three recipients, which every test leaves with nothing on its way."""
    async with exchange(servers, tmp_path_factory.mktemp("exchange"), RECIPIENTS) as one:
        yield one


async def test_queries_are_published_read_and_counted(small: Exchange, tmp_path: Path) -> None:
    delays, before = tmp_path / "delays", await _count(small, "SELECT count(*) FROM message")

    measured = await small.queries(300, delays=delays)

    assert measured.count == 300
    assert measured.per_second > 0
    assert {"gateway", "ledger", "router", "load"} <= set(measured.cpu)
    waited = [int(line) for line in delays.read_text().split()]
    assert len(waited) == 300
    # An hour in microseconds: the payload's moment is by the clock that the reader looks at.
    assert all(0 < one < 3600e6 for one in waited)
    assert await _count(small, "SELECT count(*) FROM message") == before + 300
    assert await _count(small, "SELECT count(DISTINCT recipient) FROM message") == len(RECIPIENTS)


async def test_recipients_may_be_asked_at_random(small: Exchange) -> None:
    at_random = replace(small, at_random=True)

    assert (await at_random.queries(200)).count == 200


async def test_queries_are_answered_and_both_are_on_the_ledger(small: Exchange) -> None:
    answered = "SELECT coalesce(sum(answered), 0) FROM cohort WHERE role = 'recipient'"
    before = await _count(small, answered)

    assert (await small.round_trips(150)).count == 150

    assert await _count(small, answered) == before + 150


@pytest.mark.parametrize("fault", ["one is missing", "one comes twice", "one is not on the ledger"])
async def test_a_round_that_lost_or_repeated_something_is_no_measurement(
    small: Exchange, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.bench.exchange._DONE_WITHIN_S", 0.5)
    ids = tmp_path / "read"
    async with small.reading(50, ids) as drain, small.publishing(50) as publish:
        await publish.done()
        await drain.done()
    read = ids.read_text().split()
    match fault:
        case "one is missing":
            read = read[1:]
        case "one comes twice":
            read[0] = read[1]
        case "one is not on the ledger":
            read[0] = "00000000-0000-7000-8000-000000000000"
    ids.write_text("\n".join(read))

    with pytest.raises((Miscounted, AssertionError)):
        await small.check(50, ids)


async def test_what_is_left_in_an_inbox_is_noticed(small: Exchange, tmp_path: Path) -> None:
    ids = tmp_path / "read"
    async with small.publishing(60) as publish:
        await publish.done()
    async with small.reading(59, ids) as drain:
        await drain.done()

    with pytest.raises(Miscounted, match="more came"):
        await small.check(59, ids)
    async with small.reading(1, ids) as drain:
        await drain.done()


async def test_the_raw_hops_pass_everything_through_at_the_rate_that_is_asked_for(
    servers: Servers, tmp_path: Path
) -> None:
    delays = tmp_path / "delays"
    async with raw_hops(servers) as hops:
        fast = await hops.pass_through(500)
        slow = await hops.pass_through(50, rate=100, delays=delays)

    assert fast.count == 500
    # 50 messages at 100 a second: the last one is due after 0.49 s, and nobody can be earlier than that.
    assert slow.seconds >= 0.49
    assert len(delays.read_text().split()) == 50


async def test_a_message_that_goes_nowhere_fails_the_publisher(servers: Servers) -> None:
    async with raw_hops(servers) as hops, running("publish", hops.amqp_url, count=1, key="nobody") as publish:
        with pytest.raises(LoadFailed, match="unroutable"):
            await publish.done()


async def test_too_few_messages_fail_the_reader(servers: Servers) -> None:
    async with raw_hops(servers) as hops:
        await hops.pile_up(10)
        async with running("drain", hops.amqp_url, count=11, from_="first", idle=0.5) as drain:
            with pytest.raises(LoadFailed, match="fewer messages"):
                await drain.done()


async def _count(one: Exchange, question: str) -> int:
    async with one.stack.database() as connection:
        return int(await connection.fetchval(question))
