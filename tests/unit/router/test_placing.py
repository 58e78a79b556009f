"""Placing: what becomes of what an inbox does not take."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from contracts.batch import Outbound, decode_parked
from services.registry.snapshot import SnapshotWatcher
from services.router.metrics import RouterMetrics
from services.router.placing import Placing
from services.runtime.lifecycle import Stop
from services.runtime.ports import Failure, Publication
from services.runtime.topology import INBOX, PARKING
from tests.unit.router.test_addressing import SNAPSHOT


class Refusing:
    """A sink that takes nothing, as an inbox does that is full, or elects its leader."""

    alive = True

    async def publish(self, publications: Sequence[Publication]) -> list[Failure]:
        return [Failure(position, "nacked") for position in range(len(publications))]


class Taking:
    """A sink that takes everything, and shows what."""

    alive = True

    def __init__(self) -> None:
        self.taken: list[Publication] = []

    async def publish(self, publications: Sequence[Publication]) -> list[Failure]:
        self.taken += publications
        return []


def message(type: str) -> Outbound:
    return Outbound(uuid.uuid4(), type, "410102", None, "application/json", b"{}", datetime.now(UTC))


@pytest.mark.parametrize("type", ["receipt", "reminder"])
async def test_a_receipt_that_is_refused_is_tried_again_for_a_while_and_then_dropped(type: str) -> None:
    registry = CollectorRegistry()
    watcher = cast("SnapshotWatcher", SimpleNamespace(current=SNAPSHOT))
    said, query = message(type), message("query")
    now = said.received_at
    placing = Placing(watcher, RouterMetrics(registry), Stop(), receipt_patience_s=60, clock=lambda: now)
    parking = Taking()
    sinks: dict[str, Any] = {INBOX: Refusing(), PARKING: parking}

    first = await placing.place([said, query], sinks)
    assert [decode_parked(one.body).message.id for one in parking.taken] == [said.id, query.id]
    # The ledger knows of queries; of what the exchange says itself it has no state to be parked.
    assert [waiting.message.id for waiting in first.parked_messages] == [query.id]
    assert registry.get_sample_value("huizhi_receipts_dropped_total") == 0

    now += timedelta(seconds=59)
    again = await placing.place([said, query], sinks, sweep="one")
    assert [waiting.message.id for waiting in again.parked] == [said.id, query.id]
    assert registry.get_sample_value("huizhi_receipts_dropped_total") == 0

    now += timedelta(seconds=1)
    late = await placing.place([said, query], sinks, sweep="two")
    assert [waiting.message.id for waiting in late.parked] == [query.id]
    assert registry.get_sample_value("huizhi_receipts_dropped_total") == 1
