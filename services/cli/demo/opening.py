"""The moment from which a run is counted, taken from the ledger's own clock.

Two notices are sent first; being notices, they are in nobody's figures. The first goes over HTTP and is in custody once
a gateway knows the new participants. The second goes over AMQP, behind whatever an earlier run that was broken off has
left in the queues: once the ledger says that it was received, all of that was received before it, and what this run
sends comes after it.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aio_pika

from services.cli.client import API, ProblemAnsweredError
from services.cli.demo.account import Account, Troubles, open_channel, persistently
from services.cli.demo.cast import DISTRICT
from services.cli.demo.origins import INGRESS, publish
from services.cli.demo.script import MARK
from services.cli.errors import CommandError
from services.cli.posting import body_of
from services.cli.stack.stack_file import StackFile

_LOOK_EVERY_S = 0.1
_KIND = "service.notice"
_PAYLOAD = json.dumps({"subject": f"{MARK}演示开始", "note": f"{MARK}以下为演示数据。"}, ensure_ascii=False)


async def open_run(data: Path, addresses: StackFile, herald: Account, troubles: Troubles) -> datetime:
    """The moment after which everything received belongs to the run that begins now."""
    with API(data, addresses, token=herald.token) as api:
        await _known_to_the_gateways(api, addresses, herald, troubles)
        notice = str(uuid.uuid4())
        await persistently("the first notice", troubles, partial(_publish_notice, herald, notice))
        dispatched_at = await _until(troubles, partial(_dispatched_at, api, notice))
    return datetime.fromisoformat(dispatched_at) + timedelta(microseconds=1)


async def _known_to_the_gateways(api: API, addresses: StackFile, herald: Account, troubles: Troubles) -> None:
    fields = {"id": str(uuid.uuid4()), "type": "notice", "to": DISTRICT, "kind": _KIND, "from": herald.address}
    body = body_of(fields, _PAYLOAD)
    for service in addresses.services:
        if service.name.startswith("gateway"):
            await _until(troubles, partial(api.post, body, service.url))


async def _publish_notice(herald: Account, id: str) -> None:
    async with open_channel(herald, "opens") as channel:
        ingress = await channel.get_exchange(INGRESS, ensure=False)
        notice = aio_pika.Message(
            _PAYLOAD.encode(),
            message_id=id,
            type="notice",
            user_id=herald.address,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers={"to": DISTRICT, "kind": _KIND},
        )
        await publish(ingress, notice)


def _dispatched_at(api: API, id: str) -> str | None:
    message = api.message(id)
    return message["dispatched_at"] if message is not None else None


async def _until(troubles: Troubles, ask: Callable[[], Any]) -> Any:
    """What `ask` gives, once it gives anything. A service that does not know the participant yet is asked again."""
    while True:
        try:
            if answer := await asyncio.to_thread(ask):
                troubles.forget("the services")
                return answer
        except ProblemAnsweredError as answered:
            if answered.problem["status"] not in (401, 503):
                raise
            troubles.note("the services", str(answered))
        except CommandError as error:
            troubles.note("the services", str(error))
        await asyncio.sleep(_LOOK_EVERY_S)
