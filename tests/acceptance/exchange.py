"""A running exchange as those who use it see it: its command, its HTTP APIs, its metrics."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from services.cli.stack.processes import ProcessBook
from tests.acceptance.drafts import MARKER, as_http, notice
from tests.acceptance.participant import Desk, Participant, at_work
from tests.acceptance.waiting import until

SETTINGS = {"HUIZHI_ROUTER_SWEEP_INTERVAL_S": "1", "HUIZHI_LEDGER_SCHEDULE_INTERVAL_S": "1"}
HUIZHI = (sys.executable, "-m", "services.cli")
_COUNTER = re.compile(r'^(?P<name>\w+)(?:\{\w+="(?P<label>[^"]*)"\})? (?P<value>\S+)$', re.MULTILINE)


class Exchange:
    """One running stack."""

    def __init__(self, data: Path, environment: Mapping[str, str]) -> None:
        self.data = data
        self.environment = dict(environment)
        self.stack: dict[str, Any] = json.loads((data / "stack.json").read_text())
        self._fresh: dict[str, list[Participant]] = {}
        self._exits = AsyncExitStack()
        self.gateway = httpx.AsyncClient(base_url=self.stack["gateway_url"], timeout=30, trust_env=False)
        self.ledger = httpx.AsyncClient(base_url=self.stack["ledger_url"], timeout=30, trust_env=False)
        self.broker_api = httpx.AsyncClient(base_url=self.stack["broker_api_url"], timeout=30, trust_env=False)

    async def __aenter__(self) -> Self:
        for client in (self.gateway, self.ledger, self.broker_api):
            await self._exits.enter_async_context(client)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._exits.aclose()

    @property
    def book(self) -> ProcessBook:
        """The stack's processes."""
        return ProcessBook.read(self.data / "processes.json")

    def messages(self) -> str:
        """What ``huizhi up`` has said so far."""
        return messages_file(self.data).read_text()

    async def huizhi(self, *arguments: str, **environment: str) -> Any:
        """What a command of ``huizhi`` prints as JSON. Fails with what it said when its status is not 0."""
        return json.loads(await self.prints(*arguments, "--json", **environment))

    async def prints(self, *arguments: str, **environment: str) -> str:
        """What a command of ``huizhi`` prints. Fails with what it said when its status is not 0."""
        return (await self.prints_and_says(*arguments, **environment))[0]

    async def prints_and_says(self, *arguments: str, **environment: str) -> tuple[str, str]:
        """The same, and beside it what the command says on the way, on standard error."""
        command = [*HUIZHI, *arguments, "--data", str(self.data)]
        process = await asyncio.create_subprocess_exec(
            *command, env=self.environment | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        printed, said = await process.communicate()
        assert process.returncode == 0, f"huizhi {' '.join(arguments)}: {said.decode()}"
        return printed.decode(), said.decode()

    async def verified(self, *arguments: str) -> Any:
        """What ``huizhi log verify`` finds from the public files alone, of everything that the ledger has by now. Fails
        with what it said when its status is not 0.
        """
        entries = (await self.see("conservation"))["entries"]

        async def is_published() -> bool:
            checkpoint = await self.ledger.get("/log/checkpoint")
            return checkpoint.is_success and int(checkpoint.text.split("\n")[1]) >= entries

        await until(f"{entries} entries are published", is_published)
        key = (await self.ledger.get("/log/vkey")).text.strip()
        status, printed, said = await self.run("log", "verify", self.stack["ledger_url"], "--key", key, *arguments)
        assert status == 0, printed + said
        return json.loads(printed) if "--json" in arguments else printed

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """The status of a command that is told of no data directory, what it prints, and what it says."""
        process = await asyncio.create_subprocess_exec(
            *HUIZHI, *arguments, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        printed, said = await process.communicate()
        assert process.returncode is not None
        return process.returncode, printed.decode(), said.decode()

    async def add_participant(self, address: str, **environment: str) -> Participant:
        """Make one participant, and wait until the services know it."""
        participant = Participant(**await self.huizhi("participant", "add", address, **environment))
        await self.until_known(participant)
        return participant

    async def until_known(self, participant: Participant) -> None:
        """Wait until a participant may send and is sent to: each service looks at the registry once a second.

        It sends itself notices until one comes back to its own inbox.
        """
        headers = {"Authorization": f"Bearer {participant.token}"}

        async def is_known() -> bool:
            draft = notice(participant.address)
            answered = await self.gateway.post("/v1/messages", content=as_http(draft), headers=headers)
            if answered.status_code != httpx.codes.ACCEPTED:
                return False
            return bool((await self.until_settled(draft["id"]))["recipient"] == participant.address)

        await until(f"{participant.address} is known", is_known)

    async def add_counties(self, province: str) -> None:
        """Make participants of all counties of a province, for ``county`` to hand out."""
        added = await self.huizhi("participant", "add", "--all-counties", "--province", province)
        lines = Path(added["credentials"]).read_text().splitlines()
        made = [Participant(**json.loads(line)) for line in lines]
        self._fresh[province] = [one for one in made if one.address.startswith(province)]
        # They are made in this order, so whoever knows the last one knows them all.
        await self.until_known(made[-1])

    def county(self, province: str) -> Participant:
        """A participant of that province that no other test has had."""
        return self._fresh[province].pop()

    def this_county(self, address: str) -> Participant:
        """That very participant, unless another test has had it."""
        fresh = self._fresh[address[:2]]
        return fresh.pop([one.address for one in fresh].index(address))

    @asynccontextmanager
    async def desks(self, *participants: Participant) -> AsyncIterator[list[Desk]]:
        """Participants at work, reading their inboxes."""
        async with AsyncExitStack() as exits:
            yield [await exits.enter_async_context(at_work(one, self.gateway)) for one in participants]

    @asynccontextmanager
    async def desk_without_inbox(self, participant: Participant) -> AsyncIterator[Desk]:
        """An account at work that reads nothing."""
        async with at_work(participant, self.gateway, reading=False) as desk:
            yield desk

    def administrator(self) -> Participant:
        """The broker's administrator, who is no participant."""
        url = self.stack["amqp_url"]
        return Participant(urlsplit(url).username or "", url, self.stack["admin_token"])

    async def ask(self, path: str, token: str | None = None, **parameters: Any) -> httpx.Response:
        """A GET of the ledger's API, by default the administrator's; ``from_`` stands for ``from``."""
        named = {name.removesuffix("_"): value for name, value in parameters.items()}
        headers = {"Authorization": f"Bearer {self.stack['admin_token'] if token is None else token}"}
        return await self.ledger.get(f"/v1/{path}", params=named, headers=headers)

    async def see(self, path: str, token: str | None = None, **parameters: Any) -> Any:
        """The JSON of a GET that succeeds."""
        answer = await self.ask(path, token, **parameters)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    async def pages(self, path: str, **parameters: Any) -> AsyncIterator[list[dict[str, Any]]]:
        """The pages of a list, one after the other."""
        after: dict[str, str] = {}
        while True:
            page = await self.see(path, **parameters, **after)
            yield page["items"]
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    async def refusals_since(self, entry: int) -> list[dict[str, Any]]:
        """What was refused behind an entry, newest first."""
        refusals: list[dict[str, Any]] = []
        async for items in self.pages("refused", limit=1000):
            refusals += [one for one in items if one["entry"] > entry]
            if not items or items[-1]["entry"] <= entry:
                break
        return refusals

    async def newest_refusal(self) -> int:
        """The entry of the newest refusal, -1 where there is none."""
        items = (await self.see("refused", limit=1))["items"]
        return int(items[0]["entry"]) if items else -1

    async def state(self, id: str) -> str | None:
        """The state of a message; None while the ledger does not have it."""
        answer = await self.ask(f"messages/{id}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.json()["state"]

    async def until_state(self, id: str, state: str, within_s: float = 60) -> dict[str, Any]:
        """Wait until a message is in a state, and return it."""

        async def is_there() -> bool:
            return await self.state(id) == state

        await until(f"message {id} is {state}", is_there, within_s=within_s)
        message: dict[str, Any] = await self.see(f"messages/{id}")
        return message

    async def until_settled(self, id: str) -> dict[str, Any]:
        """Wait until a message is in an inbox or parked, and return it."""

        async def is_settled() -> bool:
            return await self.state(id) not in {None, "accepted"}

        await until(f"message {id} is placed", is_settled)
        message: dict[str, Any] = await self.see(f"messages/{id}")
        return message

    async def counted(self, service: str, name: str) -> dict[str, float]:
        """A counter of a service by the value of its one label, "" where it has none."""
        page = (await getattr(self, service).get("/metrics")).text
        found = (match.group("name", "label", "value") for match in _COUNTER.finditer(page))
        return {label or "": float(value) for counter, label, value in found if counter == name}

    async def conserves(self) -> None:
        """Everything received is accounted for."""
        conservation = await self.see("conservation")
        assert conservation["holds"], conservation["broken"]
        assert conservation["broken"] == []

    async def is_ready(self) -> bool:
        """Whether every service says that it is."""
        try:
            answers = [await self.ledger.get(f"{service['url']}/readyz") for service in self.stack["services"]]
        except httpx.TransportError:
            return False
        return all(answer.status_code == httpx.codes.OK for answer in answers)


def environment() -> dict[str, str]:
    """That of whoever runs the tests, without settings of an exchange that may run elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUIZHI_")} | SETTINGS


def messages_file(data: Path) -> Path:
    """Where what ``huizhi up`` says is kept."""
    return data.with_name(f"{data.name}.messages")


@asynccontextmanager
async def running(data: Path, environment: Mapping[str, str]) -> AsyncIterator[Exchange]:
    """A stack that ``huizhi up`` holds in a process of its own, stopped with ``huizhi down``."""
    messages = messages_file(data)
    with messages.open("w") as errors:
        process = await asyncio.create_subprocess_exec(
            *HUIZHI, "up", "--data", str(data), env=environment, stdout=subprocess.PIPE, stderr=errors
        )
    try:
        assert process.stdout is not None
        # Reads until `ready`, or until the end of an `up` that failed.
        assert await process.stdout.readline() == b"ready\n", messages.read_text()
        async with Exchange(data, environment) as exchange:
            yield exchange
    finally:
        down = await asyncio.create_subprocess_exec(*HUIZHI, "down", "--data", str(data), env=environment)
        assert await down.wait() == 0
        assert await process.wait() == 0


@asynccontextmanager
async def silently_running(data: Path, environment: Mapping[str, str]) -> AsyncIterator[Exchange]:
    """The same, and when it is stopped, nothing that it has logged or counted may hold anything of a payload."""
    async with running(data, environment) as exchange:
        yield exchange
        await _expect_silent_metrics(exchange)
    _expect_silent_logs(data)


async def _expect_silent_metrics(exchange: Exchange) -> None:
    for service in exchange.stack["services"]:
        page = await exchange.ledger.get(f"{service['url']}/metrics")
        assert page.text.count("huizhi_") > 10
        assert MARKER not in page.text, f"a payload is in the metrics of {service['name']}"


def _expect_silent_logs(data: Path) -> None:
    logs = [*(data / "logs").glob("*.log"), messages_file(data)]
    contents = {log.name: log.read_bytes() for log in logs}
    assert {"gateway.log", "ledger.log", "router.log", "broker.log"} <= contents.keys()
    assert b"pump_connected" in contents["gateway.log"]
    assert [name for name, content in contents.items() if MARKER.encode() in content] == []
