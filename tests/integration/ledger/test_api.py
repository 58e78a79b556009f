"""The ledger's API while its database is away or too slow: the asker is told to ask again, and nothing of the fault."""

from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
import pytest_asyncio

from contracts.directory import Directory, Jurisdiction
from contracts.period import Calendar
from services.ledger.api import ledger_router
from services.ledger.custody_api import custody_router
from services.ledger.listing_api import listing_router
from services.registry.snapshot import Snapshot, TokenOwner
from services.registry.tokens import token_hash
from services.runtime.database import UNANSWERED, open_pool
from services.runtime.health import Health
from services.runtime.http import answer_unavailable, create_app
from services.runtime.metrics import service_registry
from services.runtime.settings import DatabaseSettings
from tests.integration.runtime.proxy import Proxy, proxied

ADMINISTRATOR = {"Authorization": "Bearer the-administrators"}
SNAPSHOT = Snapshot(
    version=1,
    directory=Directory.of([Jurisdiction("41", "河南省", "province", None)], []),
    kinds={},
    participants={},
    tokens={token_hash("the-administrators"): TokenOwner("administrator", None)},
)
QUESTIONS = (
    *("rate", "unanswered", "refused", "parked", "conservation", "custody"),
    "messages?list=sent&participant=41",
    "messages/0197a3c2-5d00-7000-8000-000000000001",
)


@pytest_asyncio.fixture
async def line(ledger_url: str) -> AsyncIterator[Proxy]:
    """The ledger's line to its database."""
    async with proxied(ledger_url) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def api(line: Proxy) -> AsyncIterator[httpx.AsyncClient]:
    """The API over that line, with half a second for a query."""
    settings = DatabaseSettings(url=line.url, pool_size=2)
    async with open_pool(settings, application_name="test", statement_timeout_s=0.5) as pool:
        app = create_app("Test", "A test.", health=Health(), registry=service_registry("ledger"), max_body_bytes=1024)
        answer_unavailable(app, UNANSWERED, "the database does not answer")
        for routes in (ledger_router, custody_router, listing_router):
            app.include_router(routes(pool, lambda: SNAPSHOT, Calendar(ZoneInfo("Asia/Shanghai"))))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=ADMINISTRATOR) as client:
            yield client


@pytest.mark.parametrize("question", QUESTIONS)
async def test_while_the_database_is_away_it_answers_503_and_then_as_before(
    api: httpx.AsyncClient, line: Proxy, question: str
) -> None:
    before = await api.get(f"/v1/{question}")
    assert before.status_code in {httpx.codes.OK, httpx.codes.NOT_FOUND}

    await line.close()
    # The first finds its connection broken, the second finds nobody to connect to.
    for _ in range(2):
        expect_unavailable(await api.get(f"/v1/{question}"))

    await line.open()
    assert (await api.get(f"/v1/{question}")).status_code == before.status_code


async def test_a_query_that_takes_too_long_is_answered_503(api: httpx.AsyncClient, database: str) -> None:
    holder = await asyncpg.connect(database)
    async with holder.transaction():
        await holder.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
        expect_unavailable(await api.get("/v1/unanswered"))
    await holder.close()
    assert (await api.get("/v1/unanswered")).status_code == httpx.codes.OK


def expect_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
    assert answer.json()["type"] == "urn:huizhi:problem:unavailable"
    assert answer.json()["detail"] == "the database does not answer"
