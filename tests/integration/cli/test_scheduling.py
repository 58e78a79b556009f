"""The scheduler on a running stack, over restarts of the ledger: reminders, escalation, and passing on to a successor.

Time cannot pass in a test, so a query is made older in the database: its dates, and when it was received.
"""

import asyncio
import signal
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from contracts.data import carried_files
from services.cli.errors import CommandError
from services.cli.stack.processes import ProcessBook, ProcessIdentity
from tests.integration.cli.conftest import (
    COUNTY,
    LATE,
    MERGED,
    ORIGIN,
    PAYLOAD,
    PREFECTURE,
    SUCCESSOR,
    RunningStack,
    call,
    call_json,
)

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("run")]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_recipient_is_reminded_once_however_often_the_ledger_is_killed(stack: RunningStack) -> None:
    # A killed ledger is started again by this event loop, which therefore has to stay free.
    await asyncio.to_thread(remind_over_restarts, stack)


def remind_over_restarts(stack: RunningStack) -> None:
    query = received_query(COUNTY)
    was_due(stack, query, days_ago=2)
    kill_ledger(stack)
    until(lambda: "reminded" in events(query))
    # The order of a scheduler that does not know that it is done already.
    look_again(stack, query)
    kill_ledger(stack)
    until(lambda: next_look(stack, query) > datetime.now(UTC))

    assert events(query).count("reminded") == 1
    until(lambda: len(reminders(COUNTY, query)) == 1)
    (reminder,) = reminders(COUNTY, query)
    assert (reminder["step"], reminder["payload"]["to"]) == ("after-1", COUNTY)
    assert call_json("conservation")["holds"]


def test_what_is_long_overdue_is_told_to_the_prefecture_once_and_earlier_reminders_are_not_made_up_for(
    stack: RunningStack,
) -> None:
    query = received_query(LATE)
    was_due(stack, query, days_ago=11)
    until(lambda: next_look(stack, query) is None)

    assert events(query)[2:] == ["escalated"]
    (escalated,) = (entry for entry in entries(query) if entry["event"] == "escalated")
    assert (escalated["data"]["step"], escalated["data"]["told"]) == ("escalate-10", PREFECTURE)
    until(lambda: len(reminders(PREFECTURE, query)) == 1)
    assert reminders(PREFECTURE, query)[0]["step"] == "escalate-10"
    assert reminders(LATE, query) == []
    assert f"{PREFECTURE} is told" in call("show", query).stdout
    assert query in call("unanswered", LATE, "--all").stdout


def test_what_lies_open_at_a_merged_county_passes_on_to_its_successor(stack: RunningStack, tmp_path: Path) -> None:
    answered, query = received_query(MERGED), received_query(MERGED)
    call("answer", answered, "--outcome", "confirmed")
    merge(tmp_path, MERGED, SUCCESSOR)
    until(lambda: call_json("show", query)["recipient"] == SUCCESSOR)

    assert events(query) == ["accepted", "dispatched", "passed-on", "dispatched"]
    until(lambda: len(reminders(SUCCESSOR, query)) == 1)
    assert reminders(SUCCESSOR, query)[0]["step"] == "passed-on"
    before, after = call_json("rate", MERGED), call_json("rate", SUCCESSOR)
    assert (before["received"], before["answered"], before["forwarded"], before["unanswered"]) == (2, 1, 1, 0)
    assert (after["received"], after["unanswered"]) == (1, 1)
    assert call_json("show", answered)["recipient"] == MERGED
    custody = call_json("show", query)["custody"]
    assert [each["holder"] for each in custody] == ["exchange", MERGED, "exchange", SUCCESSOR]
    assert f"by {MERGED} to {SUCCESSOR}" in call("show", query).stdout
    call("answer", query, "--outcome", "not-confirmed")
    assert call_json("rate", SUCCESSOR)["answered"] == 1
    assert call_json("conservation")["holds"]


def today() -> date:
    """The platform's date."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def until(holds: Callable[[], bool]) -> None:
    """Return as soon as `holds` says so; each look asks the services, and the test's time limit ends it."""
    while not holds():
        pass


def received_query(to: str) -> str:
    words = ("send", to, "--from", ORIGIN, "--kind", "case.assist", "--payload", PAYLOAD)
    query = str(call_json(*words)["id"])
    until(lambda: call_json("show", query)["recipient"] == to)
    return query


def entries(query: str) -> list[dict[str, Any]]:
    return list(call_json("show", query)["entries"])


def events(query: str) -> list[str]:
    return [entry["event"] for entry in entries(query)]


def reminders(address: str, query: str) -> list[dict[str, Any]]:
    inbox = call_json("inbox", address, "--limit", 100, "--payload")
    return [each for each in inbox if each["type"] == "reminder" and each["correlation_id"] == query]


def was_due(stack: RunningStack, query: str, *, days_ago: int) -> None:
    """Make a query older: it was received a year ago, was due so many days ago, and the scheduler is to look at it."""
    due = today() - timedelta(days=days_ago)
    statement = """
        UPDATE message SET due = $2, original_due = $2, remind_at = now(), reminded = 0,
               arrived_at = arrived_at - interval '1 year', taken_at = taken_at - interval '1 year',
               dispatched_at = dispatched_at - interval '1 year'
         WHERE id = $1"""
    on_database(stack, lambda connection: connection.execute(statement, query, due))


def look_again(stack: RunningStack, query: str) -> None:
    """Have the scheduler look at a query now."""
    on_database(
        stack, lambda connection: connection.execute("UPDATE message SET remind_at = now() WHERE id = $1", query)
    )


def next_look(stack: RunningStack, query: str) -> Any:
    """When the scheduler is to look at a query; None for never again."""
    return on_database(
        stack, lambda connection: connection.fetchval("SELECT remind_at FROM message WHERE id = $1", query)
    )


def on_database(stack: RunningStack, work: Callable[[asyncpg.Connection], Any]) -> Any:
    async def connected() -> Any:
        connection = await asyncpg.connect(stack.addresses.database_url)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def kill_ledger(stack: RunningStack) -> None:
    """Do what ``kill -9`` does; the stack starts the ledger again."""
    killed = ProcessBook.read(stack.data / "processes.json")["ledger"]
    assert killed.send(signal.SIGKILL)
    until(lambda: is_started_again(stack, killed))


def is_started_again(stack: RunningStack, killed: ProcessIdentity) -> bool:
    now = ProcessBook.read(stack.data / "processes.json").get("ledger")
    return now is not None and now != killed and ledger_answers()


def ledger_answers() -> bool:
    try:
        return bool(call_json("conservation")["holds"])
    except CommandError:
        return False


def merge(directory: Path, retired: str, successor: str) -> None:
    """Import an edition in which one county has gone into another one."""
    carried = {Path(name).name: content.decode() for name, content in carried_files()}
    rows = carried["divisions.csv"].splitlines(keepends=True)
    (directory / "divisions.csv").write_text("".join(row for row in rows if not row.startswith(retired)), "utf-8")
    header = "year,change,old_code,old_name,new_code,new_name,document\n"
    row = f"{today().year},撤销,{retired},南山区,{successor},宝安区,\n"
    (directory / "changes.csv").write_text(header + row, "utf-8")
    imported = call_json("directory", "import", directory / "divisions.csv", directory / "changes.csv")
    # Its townships go with it.
    assert all(code.startswith(retired) for code in imported["retired_codes"])
    assert imported["stranded_participants"] == [retired]
