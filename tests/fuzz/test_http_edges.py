"""What no OpenAPI document can describe: requests that end nowhere, names that are no names, texts that SQL refuses."""

import asyncio
import uuid
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from urllib.parse import quote, urlsplit

import httpx
import pytest

from services.runtime.http_connection import REQUEST_SECONDS
from tests.acceptance.drafts import as_http, query
from tests.fuzz.conftest import Target

_NUL = "%00"
_ID = uuid.UUID(int=7)


def cursor(text: str) -> str:
    """A cursor that no page ever gave."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


REFUSED = [
    *(f"{path}={value}" for path in ("rate?kind", "unanswered?kind", "refused?sender", "refused?problem")
      for value in (_NUL, f"a{_NUL}b", "%FF", "%ED%A0%80", "a" * 5000)),
    *(f"rate?{name}={value}" for name in ("jurisdiction", "period", "from", "to", "as_of")
      for value in (_NUL, "%FF", "%25", "41%25", "1%D9%A2%D9%A3%D9%A4-11", "9" * 5000)),
    *(f"refused?after={cursor(text)}" for text in ("9" * 20, "-1", "9" * 4000, "9" * 5000, "x", "1|2", "4e9")),
    *(f"parked?after={cursor(text)}" for text in ("9" * 20, "-9223372036854775809")),
    *(f"unanswered?after={cursor(f'{moment}|{_ID}')}" for moment in
      ("2026-11-24T00:00:00", "2026-11-24", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "x")),
    f"unanswered?after={cursor('2026-11-24T00:00:00+00:00|x')}",
    "unanswered?after=%00", f"unanswered?after={quote('县')}",
    "rate?from=0001-01-01T00:00:00%2B23:59", "rate?to=9999-12-31", "rate?from=2026-11-24T00:00:00%2B24:00",
    "rate?from=2026-11-25&to=2026-11-23", "rate?from=2026-02-30", "rate?period=2026-13", "rate?period=0001",
    "rate?period=2026&from=2026-01-01", "rate?role=nobody", "rate?tier=county", "rate?jurisdiction=999999",
    *(f"unanswered?limit={limit}" for limit in ("0", "-1", "1001", "1e3", "9" * 5000, _NUL, "")),
    "messages/%00", "messages/714",
]  # fmt: skip

ANSWERED = [
    "rate?from=0001-01-02",
    "rate?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59.999999Z",
    "rate?to=9999-12-30",
    "rate?as_of=0001-01-01T00:00:00Z",
    "rate?as_of=9999-12-31T23:59:59.999999Z",
    "rate?period=0002",
    "rate?period=9998",
    "rate?period=9999-11",
    "rate?from=2026-11-24T00:00:00%2B23:59:59.999999",
    "unanswered?limit=1000",
    f"refused?after={cursor(str(2**62 - 1))}",
    f"unanswered?after={cursor(f'0001-01-01T00:00:00+00:00|{_ID}')}",
]


def expect_problem(answer: httpx.Response, *statuses: int) -> None:
    """A problem of one of the statuses, as RFC 9457 has it."""
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.request.method == "HEAD" or answer.json()["status"] == answer.status_code


async def test_what_cannot_be_asked_is_refused_as_the_askers_fault(target: Target) -> None:
    for path in REFUSED:
        answer = await target.exchange.ledger.get(f"/v1/{path}", headers=administrator(target))
        assert 400 <= answer.status_code < 500, f"{path[:90]}: {answer.text}"
        expect_problem(answer, answer.status_code)


async def test_the_edges_of_the_calendar_can_be_asked_about(target: Target) -> None:
    for path in ANSWERED:
        answer = await target.exchange.ledger.get(f"/v1/{path}", headers=administrator(target))
        assert answer.status_code == httpx.codes.OK, f"{path}: {answer.text}"


@pytest.mark.parametrize("service", ["gateway", "ledger"])
@pytest.mark.parametrize(
    "name", ["..%2F__init__.py", "%2e%2e/secrets", "..%5C", "swagger-ui.css%00", "swagger-ui.css/", "a" * 9000, "%FF"]
)
async def test_the_documentation_leads_nowhere_else(target: Target, service: str, name: str) -> None:
    client: httpx.AsyncClient = getattr(target.exchange, service)

    expect_problem(await client.get(f"/docs/{name}", headers={"Host": "elsewhere.example"}), 404)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "BREW"])
async def test_a_method_that_is_not_there_is_a_problem_that_names_the_one_that_is(target: Target, method: str) -> None:
    for client, path, allowed in (
        (target.exchange.ledger, "/v1/rate", "GET"),
        (target.exchange.gateway, "/v1/messages", "POST"),
    ):
        answer = await client.request(method, path, headers=administrator(target))
        expect_problem(answer, 405)
        assert answer.headers["allow"] == allowed


async def test_a_token_is_needed_and_has_its_bounds(target: Target) -> None:
    tokens = [b"Bearer", b"Bearer \xff\xfe", b"Basic eA==", b"Bearer " + b"x" * 20_000, b""]
    for path in ("rate", "unanswered", "refused", "parked", "conservation", f"messages/{_ID}"):
        for token in tokens:
            answer = await target.exchange.ledger.get(f"/v1/{path}", headers={b"Authorization": token})
            expect_problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
    for path in (
        "rate?jurisdiction=310115",
        "rate?jurisdiction=",
        "unanswered?jurisdiction=41",
        "refused?sender=310115",
    ):
        expect_problem(await target.exchange.ledger.get(f"/v1/{path}", headers=participant(target)), 403)


async def test_a_body_is_bounded_however_it_is_sent(target: Target) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    post = target.exchange.gateway.post
    expect_problem(await post("/v1/messages", content=b" " * 2**21, headers=participant(target)), 413)
    expect_problem(await post("/v1/messages", content=endless(), headers=participant(target)), 413)
    huge = await raw(target, b"POST /v1/messages HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n")
    assert huge.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("doubled", "status"),
    [(b',"to":"110101"}', httpx.codes.BAD_REQUEST), (b"", httpx.codes.UNPROCESSABLE_ENTITY)],
    ids=["of the body", "of the payload"],
)
async def test_a_name_twice_is_refused_and_never_read_as_one_of_the_two(
    target: Target, doubled: bytes, status: int
) -> None:
    written = as_http(query(target.recipient.address, payload=b'{"subject":"a"}'))
    body = written[:-1] + doubled if doubled else written.replace(b'"a"}', b'"a","subject":"b"}')

    answer = await target.exchange.gateway.post("/v1/messages", content=body, headers=participant(target))

    expect_problem(answer, status)


@pytest.mark.parametrize("text", ["a\0b", "\0", "\U0010ffff", "\x7f", "\N{RIGHT-TO-LEFT OVERRIDE}"])
async def test_no_text_of_a_message_stops_the_ledger(target: Target, text: str) -> None:
    drafts = [
        query(target.recipient.address, **{f"{name}_": text})
        for name in ("to", "kind", "from", "due", "reason", "traceparent")
    ]
    drafts += [
        query(f"{target.recipient.address}.{text}"),
        query(target.recipient.address, payload=b'{"subject":"\\u0000"}'),
    ]
    drafts += [
        {"id": str(uuid.uuid4()), "type": "answer", "correlation_id": str(_ID), "outcome": "refused", "reason": text,
         "payload": b"{}"},
    ]  # fmt: skip
    for draft in drafts:
        answer = await target.sender.post(draft)
        assert answer.status_code == 202 or 400 <= answer.status_code < 500, answer.text
    # Over AMQP a message may have headers that the contract does not know, those of the exchange's own letters, too.
    own = dict.fromkeys(("sender", "queue", "message_id", "x-death", text), text)
    await target.sender.publish_all({**draft, "id": str(uuid.uuid4())} for draft in drafts)
    await target.sender.publish_all(
        [query(target.recipient.address, **{**own, "reason": text}, payload=deep) for deep in DEEP]
    )
    await target.expect_well()


DEEP = (b'{"subject":' + b"[" * 300 + b"]" * 300 + b"}", b"[" * 900 + b"]" * 900)


@pytest.mark.parametrize("line", [b"GET /v1/rate HTTP/1.1", b"GET / HTTP/9.9", b"\x16\x03\x01\x02", b"G\0T / HTTP/1.1"])
async def test_a_request_that_is_not_http_ends_its_connection_and_nothing_else(target: Target, line: bytes) -> None:
    answer = await raw(target, line + b"\r\nHost: a\r\nX: 1\r\n folded\r\nY: \0\r\n\r\n")

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    await target.exchange.see("conservation")


async def raw(target: Target, request: bytes) -> bytes:
    """What the gateway answers to bytes, until it has answered or closes."""
    place = urlsplit(target.exchange.stack["gateway_url"])
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(request)
    async with asyncio.timeout(REQUEST_SECONDS + 5):
        answer = await reader.read(65_536)
    writer.close()
    return answer


def administrator(target: Target) -> dict[str, str]:
    """The administrator's header."""
    return {"Authorization": f"Bearer {target.exchange.stack['admin_token']}"}


def participant(target: Target) -> dict[str, str]:
    """The sender's header."""
    return {"Authorization": f"Bearer {target.sender.participant.token}"}
