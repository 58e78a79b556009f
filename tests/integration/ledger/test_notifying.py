"""Notifications of reminders: to a real HTTP server and a real SMTP server, never in the ledger's way."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import time, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from contracts.batch import Remind
from services.ledger.channels import ChannelURLError, channels
from services.ledger.metrics import LedgerMetrics
from services.ledger.notifying import Notifier
from services.ledger.settings import LedgerSettings
from services.runtime.lifecycle import Stop
from services.runtime.settings import SettingsError, read_settings
from tests.unit.ledger.lives import CALENDAR, Ledger, batch, orders, query, received, reply

OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handle: Handler) -> AsyncIterator[int]:
    """A TCP server's port."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(served, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


class Inbox:
    """What a webhook was told; answers each with ``answer``."""

    def __init__(self, answer: bytes = OK) -> None:
        self.told: list[Any] = []
        self._answer = answer

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split()[0])
        self.told.append(json.loads(await reader.readexactly(length)))
        writer.write(self._answer)
        await writer.drain()


@asynccontextmanager
async def notifier(urls: str, *, timeout_s: float = 5, most_waiting: int = 10) -> AsyncIterator[Any]:
    """A notifier at work, and how often what became of its notifications."""
    registry, stop = CollectorRegistry(), Stop()
    made = Notifier(channels(urls), LedgerMetrics(registry), timeout_s, most_waiting=most_waiting)

    async def until(outcome: str, count: int = 1) -> None:
        async with asyncio.timeout(20):
            while True:
                if counted(outcome) >= count:
                    return
                await asyncio.sleep(0.01)

    def counted(outcome: str) -> float:
        return registry.get_sample_value("huizhi_ledger_notifications_total", {"outcome": outcome}) or 0

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(made.run(stop))
        yield made, until, counted
        stop.set()


def a_reminder(ledger: Ledger) -> tuple[Any, Any]:
    """A query whose due day has come, and the order to remind of it."""
    due = CALENDAR.local_date(ledger.now) + timedelta(days=5)
    asked = received(ledger, due=due)
    ledger.now = CALENDAR.moment(due, time(9))
    return asked, orders(Remind(asked.id))


async def test_a_webhook_is_told_of_a_reminder_once_and_not_when_its_batch_comes_again() -> None:
    ledger, inbox = Ledger(), Inbox()
    asked, order = a_reminder(ledger)
    async with server(inbox.handle) as port, notifier(f"http://127.0.0.1:{port}/hook") as (made, until, counted):
        made.committed(ledger.take(order))
        await until("sent")
        made.committed(ledger.take(order))
        other, later = a_reminder(ledger)
        made.committed(ledger.take(later))
        await until("sent", 2)
        assert counted("failed") == 0
    (first,), (second,) = (one["notifications"] for one in inbox.told)
    assert first == {
        "event": "reminded",
        "entry": 2,
        "at": ledger.entries[2].at.isoformat().replace("+00:00", "Z"),
        "query": str(asked.id),
        "step": "at-deadline",
        "kind": "case.assist",
        "asked_by": "310115",
        "address": "410102",
        "told": "410102",
        "due": str(asked.due),
    }
    assert second["query"] == str(other.id)


async def test_an_escalation_says_who_was_told() -> None:
    ledger, inbox = Ledger(), Inbox()
    asked, _ = a_reminder(ledger)
    ledger.now += timedelta(days=10)
    async with server(inbox.handle) as port, notifier(f"http://127.0.0.1:{port}/") as (made, until, _):
        made.committed(ledger.take(orders(Remind(asked.id))))
        await until("sent")
    assert [(one["event"], one["told"]) for one in inbox.told[0]["notifications"]] == [("escalated", "4101")]


@pytest.mark.parametrize("status", [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"nonsense\r\n\r\n", b""])
async def test_a_webhook_that_fails_is_counted_and_the_next_one_is_told(status: bytes) -> None:
    ledger, bad, good = Ledger(), Inbox(status), Inbox()
    _, order = a_reminder(ledger)
    async with (
        server(bad.handle) as one,
        server(good.handle) as other,
        notifier(f"http://127.0.0.1:{one}/ http://127.0.0.1:{other}/") as (made, until, _),
    ):
        made.committed(ledger.take(order))
        await until("failed")
        await until("sent")
    assert len(good.told) == 1


async def test_a_webhook_that_never_answers_is_given_up_and_what_does_not_fit_is_dropped_at_once() -> None:
    ledger, asked_for = Ledger(), asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked_for.set()
        await reader.read()

    async with (
        server(never) as port,
        notifier(f"http://127.0.0.1:{port}/", timeout_s=1, most_waiting=1) as (made, until, counted),
    ):
        made.committed(ledger.take(a_reminder(ledger)[1]))
        await asyncio.wait_for(asked_for.wait(), 20)
        for _ in range(3):
            made.committed(ledger.take(a_reminder(ledger)[1]))
        assert counted("dropped") == 2
        await until("failed", 2)


async def test_an_email_goes_to_every_recipient_and_holds_no_payload() -> None:
    ledger, said = Ledger(), []
    asked, order = a_reminder(ledger)

    async def mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        in_body = False
        while line := await reader.readline():
            said.append(line.decode().rstrip())
            if in_body and line == b".\r\n":
                in_body = False
            elif in_body:
                continue
            elif line.startswith(b"DATA"):
                in_body = True
                writer.write(b"354 go on\r\n")
                continue
            writer.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 fine\r\n")

    url = "?from=huizhi@example.org&to=a@example.org,b@example.org"
    async with server(mail) as port, notifier(f"smtp://127.0.0.1:{port}/{url}") as (made, until, _):
        made.committed(ledger.take(order))
        await until("sent")
    assert [line for line in said if line.startswith("RCPT")] == ["RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>"]
    assert str(asked.id) in "\n".join(said).replace("=\n", "")


async def test_a_query_that_came_in_the_same_commit_is_told_of_as_well() -> None:
    ledger, inbox, asked = Ledger(), Inbox(), query()
    by_hand = orders(Remind(asked.id, by="clerk", reason="no-record: a name that is nobody's business"))
    async with server(inbox.handle) as port, notifier(f"http://127.0.0.1:{port}/") as (made, until, _):
        made.committed(ledger.take(batch(asked), batch(reply("acknowledgement", asked)), by_hand))
        await until("sent")
    assert inbox.told[0]["notifications"][0]["step"] == "by-hand"
    assert not {"clerk", "business"} & set(json.dumps(inbox.told).replace('"', " ").split())


async def test_without_urls_nothing_is_told() -> None:
    ledger = Ledger()
    async with notifier("") as (made, _, counted):
        made.committed(ledger.take(a_reminder(ledger)[1]))
        assert counted("dropped") == 0


@pytest.mark.parametrize(
    "urls", ["ftp://secret/", "http:///secret", "smtp://secret/?from=a@b", "https://secret:99999/", "secret"]
)
def test_a_url_that_is_none_stops_the_start_and_is_not_shown(urls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ChannelURLError):
        channels(urls)
    monkeypatch.setenv("HUIZHI_LEDGER_NOTIFY_URLS", urls)
    with pytest.raises(SettingsError, match="HUIZHI_LEDGER_NOTIFY_URLS") as refused:
        read_settings(LedgerSettings)
    assert "secret" not in str(refused.value)
