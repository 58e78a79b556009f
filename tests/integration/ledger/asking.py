"""The ledger's API over a real database, asked as an administrator or as the participant 41."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx

from contracts.directory import Directory, Jurisdiction, Level
from contracts.targets import Targets
from services.ledger.api import ledger_router
from services.ledger.circular_api import circular_router
from services.ledger.listing_api import listing_router
from services.ledger.ordering import Ordering
from services.ledger.periods_api import periods_router
from services.registry.snapshot import Snapshot, TokenOwner
from services.registry.tokens import token_hash
from services.runtime.amqp.broker import AioPikaBroker
from services.runtime.health import Health
from services.runtime.http import create_app
from services.runtime.metrics import service_registry
from tests.integration.ledger.past import CALENDAR

ADMINISTRATOR = {"Authorization": "Bearer the-administrators"}
PARTICIPANT = {"Authorization": "Bearer of-41"}


def _places(*rows: tuple[str, str, Level, str | None]) -> list[Jurisdiction]:
    return [Jurisdiction(*row) for row in rows]


DIRECTORY = Directory.of(
    _places(
        ("41", "河南省", "province", None),
        ("4101", "郑州市", "prefecture", "41"),
        ("410102", "中原区", "county", "4101"),
        ("410103", "二七区", "county", "4101"),
        ("4102", "开封市", "prefecture", "41"),
        ("410202", "龙亭区", "county", "4102"),
        ("4103", "洛阳市", "prefecture", "41"),
        ("419001", "济源市", "county", "41"),
        ("42", "湖北省", "province", None),
        ("420102", "江岸区", "county", "42"),
    ),
    [],
)


@asynccontextmanager
async def asking(
    pool: asyncpg.Pool,
    token: Mapping[str, str] = ADMINISTRATOR,
    directory: Directory = DIRECTORY,
    targets: Targets | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API. Orders go nowhere: the tests give them to the sequencer."""
    snapshot = Snapshot(
        version=1,
        directory=directory,
        kinds={},
        participants={},
        tokens={
            token_hash("the-administrators"): TokenOwner("administrator", None),
            token_hash("of-41"): TokenOwner("participant", "41"),
        },
    )
    app = create_app("Test", "A test.", health=Health(), registry=service_registry("ledger"), max_body_bytes=1024)
    ordering = Ordering(AioPikaBroker("amqp://localhost:1", name="nowhere"))
    app.include_router(ledger_router(pool, lambda: snapshot, CALENDAR))
    app.include_router(listing_router(pool, lambda: snapshot, CALENDAR))
    app.include_router(periods_router(pool, lambda: snapshot, CALENDAR, ordering))
    app.include_router(circular_router(pool, lambda: snapshot, CALENDAR, targets or Targets()))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers=dict(token)
    ) as client:
        yield client


async def ask(client: httpx.AsyncClient, path: str, **parameters: str | int) -> dict[str, Any]:
    """What the API answers."""
    answer = await client.get(f"/v1/{path}", params=parameters)
    assert answer.status_code == httpx.codes.OK, answer.text
    document: dict[str, Any] = answer.json()
    return document
