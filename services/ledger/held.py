"""Rows of the ledger as custody: one message's, and the figures of a jurisdiction."""

from collections.abc import Sequence
from datetime import datetime

from contracts.custody_wire import AddressCustody, SpreadOut, StagesOut
from contracts.wire import CustodyOut
from services.ledger.custody import Held, stretches
from services.ledger.store.connection import Row
from services.ledger.transitions import State

_STAGES = ("exchange", "before_acknowledgement", "after_acknowledgement")


def custody_of(row: Row, past: Sequence[Row], now: datetime) -> list[CustodyOut]:
    """Who had a message, from its row and its past duties, in order; what lasts has lasted up to ``now``."""
    duties = [*(_past_duty(each) for each in past), _present_duty(row)]
    return [
        CustodyOut(
            holder=stretch.holder,
            stage=stretch.stage.value,
            since=stretch.since,
            until=stretch.until,
            seconds=stretch.seconds(now),
        )
        for stretch in stretches(duties)
    ]


def stages(row: Row) -> StagesOut:
    """A row of the custody query as the figures of its addresses together."""
    return StagesOut(received=row["received"], running=row["running"], **_spreads(row))


def address_custody(row: Row) -> AddressCustody:
    """A row of the custody query as the figures of its one address."""
    return AddressCustody(address=row["address"], received=row["received"], running=row["running"], **_spreads(row))


def _spreads(row: Row) -> dict[str, SpreadOut]:
    return {
        stage: SpreadOut(count=row[f"{stage}_count"], median=row[f"{stage}_median"], p90=row[f"{stage}_p90"])
        for stage in _STAGES
    }


def _past_duty(row: Row) -> Held:
    return Held(row["recipient"], row["taken_at"], row["received_at"], row["acknowledged_at"], row["ended_at"])


def _present_duty(row: Row) -> Held:
    if row["type"] != "query":
        # A message that asks for nothing is done with once it has been delivered.
        return Held(None, row["taken_at"], None, None, row["dispatched_at"])
    answered_at = row["answer_arrived_at"] if row["state"] == State.ANSWERED else None
    return Held(
        row["recipient"], row["taken_at"], row["dispatched_at"], row["acknowledged_at"], answered_at or row["closed_at"]
    )
