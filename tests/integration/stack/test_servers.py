"""The private servers: on loopback, with passwords, apart from each other, and gone when they are stopped."""

import signal
import stat
from pathlib import Path

import aio_pika
import aio_pika.exceptions
import asyncpg
import httpx
import pytest

from services.cli.errors import StackError
from services.cli.stack import postgres
from services.cli.stack.broker import BrokerAddress
from services.cli.stack.credentials import Credentials
from services.cli.stack.existing import ExistingServers
from services.cli.stack.ports import choose
from services.cli.stack.processes import ProcessBook
from services.cli.stack.supervisor import Supervisor
from tests.conftest import ServerHome


async def test_the_broker_takes_messages_in_a_vhost_of_the_tests_own(broker: BrokerAddress, vhost: str) -> None:
    connection = await aio_pika.connect(broker.amqp_url(vhost))
    async with connection:
        channel = await connection.channel(on_return_raises=True)
        queue = await channel.declare_queue("q", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"here"), routing_key="q")
        message = await queue.get(timeout=10)
        assert message.body == b"here"
        await message.ack()


async def test_the_broker_has_no_guest(broker: BrokerAddress, server_home: ServerHome) -> None:
    with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError):
        await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{server_home.ports['broker']}/huizhi")
    async with httpx.AsyncClient(base_url=broker.api_url, trust_env=False) as client:
        users = (await client.get("/api/users")).json()
    # Other tests may have made accounts on the session's broker; none of them is an administrator.
    assert [user["name"] for user in users if "administrator" in user["tags"]] == ["huizhi"]
    assert "guest" not in {user["name"] for user in users}


async def test_every_port_of_the_servers_is_on_loopback_only(broker: BrokerAddress, server_home: ServerHome) -> None:
    listening = {
        fields[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for fields in (line.split() for line in Path(table).read_text().splitlines()[1:])
        if fields[3] == "0A"
    }
    ours = {f"{port:04X}" for port in server_home.ports.values()}
    loopback = {"0100007F", "00000000000000000000000001000000"}
    hosts = {address.partition(":")[0] for address in listening if address.partition(":")[2] in ours}
    assert hosts, "the servers listen somewhere"
    assert hosts <= loopback


def test_files_that_hold_passwords_are_their_owners_alone(broker: BrokerAddress, server_home: ServerHome) -> None:
    for name in ("credentials.json", "processes.json", "broker/rabbitmq.conf", "broker/.erlang.cookie"):
        assert stat.S_IMODE((server_home.directory / name).stat().st_mode) & 0o077 == 0, name


async def test_a_database_server_continues_with_its_data_and_leaves_nothing_running(tmp_path: Path) -> None:
    credentials = Credentials.of_directory(tmp_path)

    async def start(supervisor: Supervisor) -> str:
        ports = choose(tmp_path, None, ["database"])
        return await postgres.start(
            supervisor,
            directory=tmp_path / "database",
            port=ports["database"],
            password=credentials.database_password,
            logs=tmp_path,
        )

    for expected in (0, 1):
        book = ProcessBook(tmp_path / "processes.json")
        supervisor = Supervisor(book, print)
        connection = await asyncpg.connect(await start(supervisor))
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        assert await connection.fetchval("SELECT count(*) FROM kept") == expected
        await connection.execute("INSERT INTO kept VALUES (1)")
        await connection.close()
        identity = book["database"]
        await supervisor.stop()
        assert not identity.is_alive()


async def test_a_database_server_that_is_killed_is_started_again_and_said_so(tmp_path: Path) -> None:
    said: list[str] = []
    credentials = Credentials.of_directory(tmp_path)
    book = ProcessBook(tmp_path / "processes.json")
    supervisor = Supervisor(book, said.append)
    port = choose(tmp_path, None, ["database"])["database"]
    home, password = tmp_path / "database", credentials.database_password
    url = await postgres.start(supervisor, directory=home, port=port, password=password, logs=tmp_path)
    first = book["database"]

    assert first.send(signal.SIGKILL)

    async def back() -> bool:
        return book["database"] != first and await postgres.answers(url)

    await supervisor.until_ready("database", back, within_s=60)
    assert "SIGKILL" in said[0]
    assert "database.log" in said[0]
    await supervisor.stop()


async def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 100) / ("e" * 100)
    directory.mkdir(parents=True)
    supervisor = Supervisor(ProcessBook(directory / "processes.json"), print)
    port = choose(directory, None, ["database"])["database"]
    home = directory / "database"
    assert await postgres.start(supervisor, directory=home, port=port, password="p" * 20, logs=directory)
    await supervisor.stop()


async def test_an_existing_server_that_is_away_is_named_by_its_variable() -> None:
    servers = ExistingServers.of_environment({"HUIZHI_DATABASE_URL": "postgresql://who:secret@127.0.0.1:1/x"})
    with pytest.raises(StackError, match="HUIZHI_DATABASE_URL") as caught:
        await servers.check()
    assert "secret" not in str(caught.value)


async def test_an_existing_broker_needs_both_its_addresses() -> None:
    with pytest.raises(StackError, match="HUIZHI_BROKER_API_URL"):
        ExistingServers.of_environment({"HUIZHI_AMQP_URL": "amqp://who:secret@127.0.0.1:1/huizhi"})


async def test_existing_servers_that_answer_are_accepted(
    broker: BrokerAddress, vhost: str, database_server: str
) -> None:
    environment = {
        "HUIZHI_DATABASE_URL": database_server,
        "HUIZHI_AMQP_URL": broker.amqp_url(vhost),
        "HUIZHI_BROKER_API_URL": broker.api_url,
    }
    await ExistingServers.of_environment(environment).check()


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_has_a_migrated_database_of_its_own(database: str, turn: str) -> None:
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1
    await connection.execute(f"CREATE TABLE {turn} (n int)")
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE tablename IN ('first', 'second')")
    assert [row["tablename"] for row in tables] == [turn]
    await connection.close()
