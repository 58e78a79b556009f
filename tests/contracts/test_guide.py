"""The integrator's guide, followed to the letter: its programs run as they stand on the page, on a real exchange."""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest
import pytest_asyncio
from aio_pika.exceptions import ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused

from tests.acceptance.exchange import Exchange
from tests.contracts.documents import CONTRACTS
from tests.contracts.pages import GUIDE, blocks, programs

pytestmark = pytest.mark.timeout(300)
ASKER, ASKED, NEXT = "110101", "410102", "410103"
_CAME = ("dispatched", "acknowledged", "partly-answered", "answered")


@dataclass(frozen=True, slots=True)
class Followed:
    """An exchange that is up, with the guide's two participants, and the guide's programs as files."""

    stack: dict[str, Any]
    participants: dict[str, dict[str, str]]
    programs: Path

    def environment(self, address: str) -> dict[str, str]:
        """What a program of the guide is told: its own account, and where the exchange is."""
        own = self.participants[address]
        return _clean() | {
            "AMQP_URL": own["amqp_url"],
            "TOKEN": own["token"],
            "GATEWAY_URL": self.stack["gateway_url"],
            "LEDGER_URL": self.stack["ledger_url"],
        }

    def ask_ledger(self, address: str, path: str, **parameters: str) -> Any:
        """What the ledger answers to the participant."""
        return self._ask(address, path, parameters).raise_for_status().json()

    def knows(self, address: str, id: str) -> bool:
        """Whether the message is on the ledger yet."""
        return self._ask(address, f"/v1/messages/{id}", {}).is_success

    def says(self, door: str, address: str, message: dict[str, Any]) -> None:
        """The participant sends the message in the page's own way, and it comes into the other's inbox."""
        if door == "amqp":
            command, environment = [sys.executable, str(self.programs / "say.py")], self.environment(address)
            done = subprocess.run(
                command, env=environment, input=json.dumps(message), check=True, capture_output=True, text=True
            )
            assert done.stdout == f"in custody: {message['id']}\n"
        else:
            headers = {"Authorization": f"Bearer {self.participants[address]['token']}"}
            url = f"{self.stack['gateway_url']}/v1/messages"
            httpx.post(url, json=message, headers=headers, timeout=30, trust_env=False).raise_for_status()
        _until(lambda: self._ask(address, f"/v1/messages/{message['id']}", {}).json().get("state") in _CAME)

    def _ask(self, address: str, path: str, parameters: dict[str, str]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.participants[address]['token']}"}
        with httpx.Client(base_url=self.stack["ledger_url"], headers=headers, timeout=30, trust_env=False) as client:
            return client.get(path, params=parameters)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def followed(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """The session's exchange, with the guide's participants added as it says."""
    directory = tmp_path_factory.mktemp("guide")
    for name, text in programs(GUIDE).items():
        (directory / name).write_text(text, "utf-8")
    participants = {address: asdict(await exchange.add_participant(address)) for address in (ASKER, ASKED, NEXT)}
    return Followed(exchange.stack, participants, directory)


def test_a_query_is_asked_and_answered_by_the_python_programs(followed: Followed) -> None:
    with _running("serve.py", followed, ASKED):
        asked = _run([sys.executable, str(followed.programs / "ask.py")], followed, ASKER)

    lines = asked.splitlines()
    assert lines[0].startswith("in custody: ")
    id = lines[0].removeprefix("in custody: ")
    receipts = [json.loads(line.removeprefix("receipt: ")) for line in lines if line.startswith("receipt: ")]
    assert id in [item["id"] for receipt in receipts for item in receipt["accepted"]]
    assert lines[-1] == "answer from 410102 confirmed {'note': 'The register was transferred.'}"
    assert followed.ask_ledger(ASKER, f"/v1/messages/{id}")["state"] == "answered"


def test_a_query_is_posted_by_the_shell_program(followed: Followed) -> None:
    posted = _run(["sh", str(followed.programs / "post.sh")], followed, ASKER)

    custody = json.loads(posted.splitlines()[0])
    assert custody["address"] == ASKED
    _until(lambda: followed.knows(ASKER, custody["id"]))
    _until(lambda: followed.ask_ledger(ASKER, f"/v1/messages/{custody['id']}")["state"] == "dispatched")
    unanswered = followed.ask_ledger(ASKED, "/v1/unanswered")
    assert custody["id"] in [item["id"] for item in unanswered["items"]]


@pytest.mark.parametrize("door", ["amqp", "http"])
def test_a_query_lives_through_every_message_that_the_page_shows(followed: Followed, door: str) -> None:
    ids = {id: str(uuid.uuid4()) for id in re.findall(r"0197a3c2-[0-9a-f-]{27}", GUIDE.read_text("utf-8"))}
    asked, *replies, withdrawal = [_copied(message, ids) for message in _shown_messages()]
    # The page's query is answered by then; a withdrawal needs one that is open.
    withdrawn = asked | {"id": str(uuid.uuid4())}
    senders = [ASKED, ASKED, ASKER, ASKED, NEXT, NEXT, ASKER]

    followed.says(door, ASKER, asked)
    for sender, reply in zip(senders, replies, strict=True):
        followed.says(door, sender, reply)
    followed.says(door, ASKER, withdrawn)
    followed.says(door, ASKER, withdrawal | {"correlation_id": withdrawn["id"]})

    seen = followed.ask_ledger(ASKER, f"/v1/messages/{asked['id']}")
    assert [entry["event"] for entry in seen["entries"]] == [
        *("accepted", "dispatched", "acknowledged", "extension-asked", "extended", "forwarded", "dispatched"),
        *("partly-answered", "answered", "rated"),
    ]
    assert followed.ask_ledger(ASKER, f"/v1/messages/{withdrawn['id']}")["state"] == "withdrawn"


async def test_the_broker_refuses_what_the_guide_warns_of(followed: Followed) -> None:
    async with await aio_pika.connect(followed.participants[ASKER]["amqp_url"]) as connection:
        channel = await connection.channel()
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_exchange("ingress", aio_pika.ExchangeType.TOPIC, durable=True)

        channel = await connection.channel()
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_queue(f"inbox.{ASKER}", durable=True)

        channel = await connection.channel()
        ingress = await channel.get_exchange("ingress", ensure=False)
        with pytest.raises(ChannelPreconditionFailed):
            await ingress.publish(aio_pika.Message(b"{}", user_id=ASKED), routing_key="query")

        channel = await connection.channel()
        inbox = await channel.get_exchange("inbox", ensure=False)
        with pytest.raises(ChannelAccessRefused):
            await inbox.publish(aio_pika.Message(b"{}", user_id=ASKER), routing_key=ASKED)


async def test_a_message_without_user_id_is_refused_and_the_operator_sees_it(followed: Followed) -> None:
    async with await aio_pika.connect(followed.participants[ASKER]["amqp_url"]) as connection:
        channel = await connection.channel()
        ingress = await channel.get_exchange("ingress", ensure=False)
        await ingress.publish(aio_pika.Message(b"{}", type="query"), routing_key="query", mandatory=True)

    headers = {"Authorization": f"Bearer {followed.stack['admin_token']}"}
    with httpx.Client(base_url=followed.stack["ledger_url"], headers=headers, timeout=30, trust_env=False) as client:
        _until(lambda: client.get("/v1/refused", params={"problem": "missing-user-id"}).json()["items"] != [])


@pytest.mark.parametrize("service", ["gateway", "ledger"])
def test_the_running_service_describes_itself_as_the_committed_document_does(followed: Followed, service: str) -> None:
    document = json.loads((CONTRACTS / "openapi" / f"{service}.json").read_text("utf-8"))

    assert httpx.get(f"{followed.stack[f'{service}_url']}/openapi.json", trust_env=False).json() == document


def _shown_messages() -> list[dict[str, Any]]:
    """The messages of the section on a query's life, in its order."""
    shown = [json.loads(block.text) for block in blocks(GUIDE) if block.language == "json"]
    return [message for message in shown if "payload" in message]


def _copied(message: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """A message with ids of its own, and with a day that is late enough whenever this runs."""
    own = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in message.items()}
    late = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    return own | ({"due": late} if "due" in own else {})


@contextmanager
def _running(program: str, followed: Followed, address: str) -> Iterator[None]:
    """A program that goes on, from the moment it says that it is serving."""
    command = [sys.executable, str(followed.programs / program)]
    process = subprocess.Popen(command, env=followed.environment(address), stdout=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"serving {address}\n"
            yield
        finally:
            process.terminate()


def _run(command: list[str], followed: Followed, address: str) -> str:
    done = subprocess.run(
        command, env=followed.environment(address), check=False, capture_output=True, text=True, timeout=60
    )
    # The shell program's second request may come too early, which its page says; everything else must succeed.
    assert done.returncode == 0 or "404" in done.stderr, done.stderr
    return done.stdout


def _until(holds: Callable[[], bool], *, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.05)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HUIZHI_")}
