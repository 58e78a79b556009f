"""Whatever is wrong with a message: it is refused with its reason, recorded and counted, and stops nothing."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import aio_pika.exceptions
import aiormq.exceptions
import httpx
import pytest
import pytest_asyncio

from contracts.problems import ProblemType
from tests.acceptance.drafts import LARGEST_PAYLOAD_BYTES, NOT_UTF8, Draft, answer, as_http, payload, query
from tests.acceptance.exchange import Exchange
from tests.acceptance.faults import DOORS, FAULTS, Door, Fault
from tests.acceptance.participant import Desk
from tests.acceptance.scene import Scene, set_scene
from tests.acceptance.waiting import until

CASES = [(fault, door) for fault in FAULTS for door in DOORS if fault.problem(door)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(exchange: Exchange) -> AsyncIterator[Scene]:
    sender, recipient, third = exchange.this_county("640104"), exchange.county("50"), exchange.county("50")
    below = await exchange.add_participant(f"{sender.address}.health")
    passers = exchange.county("50"), exchange.county("50")
    async with exchange.desks(sender, recipient, third, *passers) as (first, second, bystander, *passing):
        yield await set_scene(exchange, first, second, bystander, passing, below=below.address)


@pytest.mark.parametrize(("fault", "door"), CASES, ids=[f"{fault.name} ({door})" for fault, door in CASES])
async def test_bad_input_is_refused_recorded_and_counted_and_stops_nothing(
    scene: Scene, fault: Fault, door: Door
) -> None:
    exchange, sender = scene.exchange, scene.sender
    problem = ProblemType.of(fault.problem(door) or "")
    newest, counted = await exchange.newest_refusal(), await count_of(exchange, problem)
    told = len(sender.inbox.refused)
    bad, good = fault.draft(scene.background), query(scene.background.to)

    answered = await send(sender, door, bad)
    await send(sender, door, good)
    await scene.recipient.receives(good["id"])
    await sender.accepted(good["id"])

    if answered is not None:
        expect_answer(answered, problem, by_ledger=fault.by_ledger)
    (refusal,) = await exchange.refusals_since(newest)
    assert refusal["problem"] == problem.urn
    assert refusal["title"] == problem.title
    assert refusal["detail"]
    assert refusal["door"] == ("ledger" if fault.by_ledger else door)
    assert refusal["message_id"] == id_of(bad, problem, door)
    assert await count_of(exchange, problem) == counted + 1
    if problem is ProblemType.MISSING_USER_ID:
        # Nobody knows whom to send a receipt to.
        assert refusal["sender"] is None
        assert len(sender.inbox.refused) == told
    else:
        assert refusal["sender"] == sender.address
        ((id, receipt),) = sender.inbox.refused[told:]
        assert id == id_of(bad, problem, door)
        assert receipt == {
            "type": problem.urn,
            "title": problem.title,
            "status": problem.status,
            "detail": refusal["detail"],
        }


async def test_every_problem_that_a_sender_can_cause_is_in_the_table() -> None:
    elsewhere = {
        ProblemType.UNKNOWN_SENDER,  # See test_an_account_that_is_no_participant_is_refused.
        ProblemType.SENDER_DISABLED,  # See test_addresses.py.
        # These concern requests, not messages.
        ProblemType.UNAUTHENTICATED,
        ProblemType.FORBIDDEN,
        ProblemType.PERIOD_NOT_OVER,
        ProblemType.PERIOD_CLOSED,
        ProblemType.NOT_RECEIVED,
        ProblemType.COOLING_DOWN,
        ProblemType.NOT_FOUND,
        ProblemType.METHOD_NOT_ALLOWED,
        ProblemType.INVALID_REQUEST,
        ProblemType.REQUEST_TOO_LARGE,
        ProblemType.UNAVAILABLE,
        ProblemType.INTERNAL_ERROR,
    }
    tried = {ProblemType.of(fault.problem(door) or "") for fault, door in CASES}

    assert tried | elsewhere == set(ProblemType)


async def test_a_foreign_user_id_closes_the_channel_and_nothing_is_recorded(scene: Scene) -> None:
    exchange = scene.exchange
    newest = await exchange.newest_refusal()
    forged, good = query(scene.background.to, user_id=scene.third.address), query(scene.background.to)

    async with exchange.desks(scene.sender.participant) as (forger,):
        with pytest.raises((aiormq.exceptions.AMQPError, aio_pika.exceptions.AMQPError), match="user_id"):
            await forger.publish(forged)
    await scene.sender.publish(good)
    await scene.recipient.receives(good["id"])

    assert await exchange.state(forged["id"]) is None
    assert await exchange.refusals_since(newest) == []


async def test_an_account_that_is_no_participant_is_refused(scene: Scene) -> None:
    exchange = scene.exchange
    newest, counted = await exchange.newest_refusal(), await count_of(exchange, ProblemType.UNKNOWN_SENDER)
    administrator = exchange.administrator()
    bad, good = query(scene.background.to), query(scene.background.to)

    async with exchange.desk_without_inbox(administrator) as desk:
        await desk.publish(bad)
    await scene.sender.publish(good)
    await scene.recipient.receives(good["id"])

    (refusal,) = await exchange.refusals_since(newest)
    assert refusal["problem"] == ProblemType.UNKNOWN_SENDER.urn
    assert refusal["sender"] == administrator.address
    assert await count_of(exchange, ProblemType.UNKNOWN_SENDER) == counted + 1


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic d3Jvbmc6"}, {"Authorization": b"Bearer \xa9"}],
    ids=["none", "unknown", "not-bearer", "not-ascii"],
)
async def test_a_post_without_a_valid_token_is_refused_and_counted(
    scene: Scene, headers: dict[str, str | bytes]
) -> None:
    exchange = scene.exchange
    name = "huizhi_gateway_unauthenticated_requests_total"
    newest, counted = await exchange.newest_refusal(), (await exchange.counted("gateway", name))[""]
    bad, good = query(scene.background.to), query(scene.background.to)

    raw = {key.encode(): value.encode() if isinstance(value, str) else value for key, value in headers.items()}
    answered = await exchange.gateway.post("/v1/messages", content=as_http(bad), headers=raw)
    await scene.sender.post(good)
    await scene.recipient.receives(good["id"])

    expect_answer(answered, ProblemType.UNAUTHENTICATED)
    assert answered.headers["www-authenticate"] == "Bearer"
    assert (await exchange.counted("gateway", name))[""] == counted + 1
    assert await exchange.state(bad["id"]) is None
    assert await exchange.refusals_since(newest) == []


async def test_a_token_speaks_for_its_own_territory_only(scene: Scene) -> None:
    newest = await scene.exchange.newest_refusal()
    bad, good = query(scene.background.to, from_=scene.sender.address), query(scene.background.to)

    answered = await scene.sender.post(bad, token=scene.third.participant.token)
    await scene.sender.post(good)
    await scene.recipient.receives(good["id"])

    expect_answer(answered, ProblemType.OUTSIDE_TERRITORY)
    (refusal,) = await scene.exchange.refusals_since(newest)
    assert refusal["sender"] == scene.third.address


async def test_a_request_beyond_a_mebibyte_is_answered_and_not_read(scene: Scene) -> None:
    answered = await scene.sender.post(query(scene.background.to, payload=payload(1024**2 + 1)))

    expect_answer(answered, ProblemType.REQUEST_TOO_LARGE)


@pytest.mark.parametrize("second", DOORS)
@pytest.mark.parametrize("first", DOORS)
async def test_the_same_message_again_over_either_door_is_harmless(scene: Scene, first: Door, second: Door) -> None:
    newest = await scene.exchange.newest_refusal()
    asked, good = query(scene.background.to, due=scene.background.in_time), query(scene.background.to)

    await send(scene.sender, first, asked)
    await scene.recipient.receives(asked["id"])
    # JSON that says the same counts as the same, however it is spaced.
    again = {**asked, "payload": asked["payload"].replace(b": ", b" :\n")}
    await send(scene.sender, second, again)
    await send(scene.sender, second, good)
    await scene.recipient.receives(good["id"])
    await scene.sender.accepted(asked["id"], good["id"])

    assert scene.sender.inbox.duplicate[asked["id"]] == 1
    assert len(scene.recipient.inbox.messages[asked["id"]]) == 1
    assert await scene.exchange.refusals_since(newest) == []


async def test_an_answer_that_comes_again_is_a_duplicate_though_its_query_is_closed(scene: Scene) -> None:
    asked = query(scene.sender.address)
    await scene.recipient.publish(asked)
    await scene.sender.receives(asked["id"])
    reply = answer(asked["id"])

    await scene.sender.publish(reply)
    await scene.recipient.receives(reply["id"])
    await scene.sender.publish(reply)
    await until("the duplicate is told", lambda: scene.sender.inbox.duplicate[reply["id"]] == 1)

    assert len(scene.recipient.inbox.messages[reply["id"]]) == 1


GOOD: list[dict[str, Any]] = [
    {"payload": payload(LARGEST_PAYLOAD_BYTES)},
    {"payload": payload(note="户籍 \N{SNOWMAN}")},
    {"content_type": "application/json; charset=utf-8"},
    {"content_type": "application/jose", "payload": b"eyJhbGciOiJkaXIifQ..AAAA.BBBB.CCCC"},
    {"due": "in_time"},
    {"due": "last_day"},
    {"urgency": "urgent"},
    {"written": "2020"},
    {"from_": "township"},
    {"traceparent": "not a trace"},
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("changes", GOOD, ids=" ".join)
async def test_what_is_just_right_is_let_in(scene: Scene, changes: dict[str, Any], door: Door) -> None:
    named = {name: getattr(scene.background, str(value), value) for name, value in changes.items()}
    if "from_" in named:
        named["from_"] = f"{scene.sender.address}001"
    asked = query(scene.background.to, **named)

    await send(scene.sender, door, asked)

    arrived = await scene.recipient.receives(asked["id"])
    assert arrived.body == asked["payload"]
    assert arrived.headers["from"] == named.get("from_", scene.sender.address)


@pytest.mark.parametrize("name", [f"x{NOT_UTF8}", "priority", "timestamp"])
async def test_headers_that_the_contract_does_not_know_do_no_harm(scene: Scene, name: str) -> None:
    asked = query(scene.background.to, **{name: f"anything {NOT_UTF8}"})

    await scene.sender.publish(asked)

    assert name not in (await scene.recipient.receives(asked["id"])).headers


async def send(sender: Desk, door: Door, draft: Draft) -> httpx.Response | None:
    if door == "http":
        return await sender.post(draft)
    await sender.publish(draft)
    return None


def expect_answer(answered: httpx.Response, problem: ProblemType, *, by_ledger: bool = False) -> None:
    if by_ledger:
        assert answered.status_code == httpx.codes.ACCEPTED
        return
    assert answered.status_code == problem.status, answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    document = answered.json()
    assert (document["type"], document["title"], document["status"]) == (problem.urn, problem.title, problem.status)
    assert document["detail"]


async def count_of(exchange: Exchange, problem: ProblemType) -> float:
    return (await exchange.counted("ledger", "huizhi_refused_messages_total"))[problem.slug]


def id_of(draft: Draft, problem: ProblemType, door: Door) -> str | None:
    """The id that a refusal can name: none where the message had none, or a body could not be read at all."""
    if door == "http" and problem in {ProblemType.MALFORMED_REQUEST, ProblemType.PAYLOAD_NOT_UTF8}:
        return None
    try:
        return str(uuid.UUID(str(draft.get("id"))))
    except ValueError:
        return None
