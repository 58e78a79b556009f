"""What the exchange itself says at the end: the ledger's rows, its counters, and its HTTP API."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import httpx

from services.ledger.conservation import broken_cohorts, miscounted_cohorts
from tests.faults.harness.instance import client
from tests.faults.harness.stack import FaultStack

_ANSWERS_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class LedgerView:
    """One moment of the ledger. Ids are texts. ``messages`` maps to type, state, recipient, address, answer_id, the
    number of the present duty, and those that had it before. ``duties`` are address and recipient of each, by query.
    """

    messages: Mapping[str, Mapping[str, Any]]
    duties: Mapping[str, list[tuple[str, str]]]
    events: Mapping[str, list[str]]
    accepted_at: Mapping[str, int]
    refused: Mapping[str, list[str]]
    set_aside: list[str | None]
    indexes: list[int]
    times: list[datetime]
    size: int
    received: Mapping[str, int]
    answered: Mapping[str, int]
    unanswered: int
    broken: list[dict[str, Any]]
    miscounted: list[dict[str, Any]]


async def read_ledger(stack: FaultStack) -> LedgerView:
    """All of it in one transaction, over the owner's connection."""
    async with stack.database() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(
            "SELECT id::text, type, state, recipient, address, answer_id::text, duty, holders FROM message"
        )
        duties = await connection.fetch("SELECT query_id::text AS id, address, recipient FROM duty")
        entries = await connection.fetch("SELECT index, at, event, message_id::text AS id FROM entry ORDER BY index")
        refusals = await connection.fetch("SELECT message_id::text AS id, problem FROM refusal")
        aside = await connection.fetch("SELECT message_id::text AS id FROM set_aside")
        cohorts = await connection.fetch("SELECT * FROM cohort WHERE role = 'recipient'")
        events: defaultdict[str, list[str]] = defaultdict(list)
        refused: defaultdict[str, list[str]] = defaultdict(list)
        held: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for duty in duties:
            held[duty["id"]].append((duty["address"], duty["recipient"]))
        for entry in entries:
            events[str(entry["id"])].append(entry["event"])
        for refusal in refusals:
            refused[str(refusal["id"])].append(refusal["problem"])
        return LedgerView(
            messages={row["id"]: dict(row) for row in rows},
            duties=held,
            events=events,
            accepted_at={entry["id"]: entry["index"] for entry in entries if entry["event"] == "accepted"},
            refused=refused,
            set_aside=[row["id"] for row in aside],
            indexes=[entry["index"] for entry in entries],
            times=[entry["at"] for entry in entries],
            size=await connection.fetchval("SELECT size FROM log_head"),
            received=_sums(cohorts, "received"),
            answered=_sums(cohorts, "answered"),
            unanswered=sum(row["unanswered"] for row in cohorts),
            broken=await broken_cohorts(connection),
            miscounted=await miscounted_cohorts(connection),
        )


class Standing(NamedTuple):
    """Where a message stands, and in whose inbox it is, None before it is in any."""

    state: str
    recipient: str | None


async def states(stack: FaultStack) -> dict[str, Standing]:
    """The state of every message, refused and set aside ones included."""
    async with stack.database() as connection:
        rows = await connection.fetch(
            "SELECT message_id::text, 'refused', NULL FROM refusal WHERE message_id IS NOT NULL UNION ALL "
            "SELECT id::text, state, recipient FROM message UNION ALL "
            "SELECT message_id::text, 'set-aside', NULL FROM set_aside WHERE message_id IS NOT NULL"
        )
        return {row[0]: Standing(row[1], row[2]) for row in rows}


@dataclass(frozen=True, slots=True)
class APIView:
    """What the HTTP API says to an administrator."""

    rate: Mapping[str, Any]
    unanswered: set[str]
    parked: set[str]
    holds: bool


async def ask_api(stack: FaultStack) -> APIView:
    """Rate of everything, the lists behind it, and whether it all adds up."""
    headers = {"Authorization": f"Bearer {stack.admin_token}"}
    async with client(base_url=stack.ledger_url, headers=headers) as http:
        return APIView(
            rate=await _see(http, "rate"),
            unanswered=await _ids(http, "unanswered"),
            parked=await _ids(http, "parked"),
            holds=(await _see(http, "conservation"))["holds"],
        )


async def set_aside(stack: FaultStack) -> list[dict[str, Any]]:
    """What the HTTP API lists as set aside."""
    headers = {"Authorization": f"Bearer {stack.admin_token}"}
    async with client(base_url=stack.ledger_url, headers=headers) as http:
        listed: list[dict[str, Any]] = (await _see(http, "parked"))["set_aside"]
        return listed


async def _see(http: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
    """What the API answers; a service whose lines to the database fell silent may need a moment to notice."""
    deadline = time.monotonic() + _ANSWERS_WITHIN_S
    while True:
        response = await http.get(f"/v1/{path}", params=parameters)
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            assert response.status_code == httpx.codes.OK, response.text
            return response.json()
        await asyncio.sleep(0.2)


async def _ids(http: httpx.AsyncClient, path: str) -> set[str]:
    ids: set[str] = set()
    after: dict[str, str] = {}
    while True:
        page = await _see(http, path, limit=1000, **after)
        ids |= {item["id"] for item in page["items"]}
        if page["next"] is None:
            return ids
        after = {"after": page["next"]}


def _sums(cohorts: list[asyncpg.Record], column: str) -> dict[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for row in cohorts:
        sums[row["address"]] += row[column]
    return {address: count for address, count in sums.items() if count}
