"""Runs a service with something of it altered: a guard off, less patience, or a message that it dies of.

    python -m tests.faults.broken no-fence,quick services.ledger

The shipped code has no switch for any of this. What is altered here is replaced where it is used, before the service's
``main`` runs. The guards are the controls of the fault tests: with one of them off, the verdict must say so.
"""

import asyncio
import ctypes
import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from contracts.batch import Admitted, Intake, Outbound, Report, decode_dispatch
from services.gateway import ingress
from services.gateway.admission import admit
from services.ledger import decisions, head, intake, sequencer
from services.ledger.decisions import decide
from services.ledger.handover import dispatches
from services.ledger.head import Head
from services.ledger.records import Decision, NewRefusal
from services.ledger.store.connection import Connection
from services.ledger.totals import RunningTotals
from services.router import dispatch
from services.runtime import database
from services.runtime.amqp import connection as amqp_connection
from services.runtime.amqp import sink
from services.runtime.kill_points import reached
from services.runtime.lane import confirms, handshake
from services.runtime.lifecycle import Stop
from services.runtime.ports import BatchSink, BatchSource, Delivery, Publication
from services.runtime.publishing import publish_until_taken
from services.runtime.pump import Pump, Sinks
from services.runtime.topology import DISPATCH

POISON = b"poison"
"""In the payload of what a poisoned service dies of."""

_PR_SET_PDEATHSIG = 1


def ack_first() -> None:
    """Guard: a batch is acked when it was handled, not when it was taken."""

    async def pass_on(self: Pump, batch: Sequence[Delivery], source: BatchSource, sinks: Sinks) -> None:
        await source.ack(batch[-1])
        reached("taken", self.queue)
        await self._handle(batch, sinks)

    _put(Pump, "_pass_on", pass_on)


def no_fence() -> None:
    """Guard: a writer holds the head for its epoch, and moves it from where it has seen it."""

    async def lock(connection: Connection, epoch: int, _clock: object) -> Head:
        row = await connection.fetchrow("SELECT size, at, now() AS now FROM log_head")
        assert row is not None
        return Head(epoch, row["size"], max(row["at"], row["now"]))

    async def claim(connection: Connection, clock: object) -> Head:
        return await lock(connection, 1, clock)

    async def advance(connection: Connection, head: Head, appended: int) -> None:
        return None

    write = sequencer._write  # noqa: SLF001

    async def write_wherever_the_end_is(
        connection: Connection, decision: Decision, refusals: list[NewRefusal], _totals: RunningTotals
    ) -> None:
        count = len(decision.entries)
        size = await connection.fetchval("UPDATE log_head SET size = size + $1, at = now() RETURNING size - $1", count)
        decision.entries[:] = [replace(entry, index=size + place) for place, entry in enumerate(decision.entries)]
        # Without the fence whoever else writes moves the totals, too.
        await write(connection, decision, refusals, RunningTotals())

    # It is stopped for as long as the test takes: the database is not to end its transaction, which is another guard.
    _put(database, "IDLE_IN_TRANSACTION_MS", 120_000)
    _put(head, "lock", lock)
    _put(head, "claim", claim)
    _put(head, "advance", advance)
    _put(sequencer, "_write", write_wherever_the_end_is)


def no_compare() -> None:
    """Guard: a redelivered batch hands on again what is not dispatched yet; here it counts as a mere duplicate."""
    take_again = decisions._take_again  # noqa: SLF001

    def never_the_first(draft: Any, handover: Any, record: Admitted, *, first_in_batch: bool) -> None:
        take_again(draft, handover, record, first_in_batch=False)

    _put(decisions, "_take_again", never_the_first)


def returns_pass() -> None:
    """Guard: what the broker returned as unroutable is a failure, not a confirmed message."""
    outcome = sink._outcome  # noqa: SLF001

    def as_confirmed(task: asyncio.Task[object]) -> str | None:
        failure = outcome(task)
        return None if failure == "returned" else failure

    def forgotten(self: confirms.Confirms, returned: object) -> None:
        return None

    _put(sink, "_outcome", as_confirmed)
    _put(confirms.Confirms, "give_back", forgotten)


def hand_over_first() -> None:
    """Guard: nothing is handed to the router before its commit is there."""
    held: dict[str, Any] = {}
    handle, write = intake.LedgerIntake.handle, sequencer._write  # noqa: SLF001

    async def handle_and_hold(self: Any, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        held["sinks"] = sinks
        await handle(self, deliveries, sinks)

    async def write_and_hand_over(connection: Connection, decision: Decision, *more: Any) -> None:
        await write(connection, decision, *more)
        await publish_until_taken(held["sinks"][DISPATCH], dispatches(decision), Stop())

    _put(intake.LedgerIntake, "handle", handle_and_hold)
    _put(sequencer, "_write", write_and_hand_over)


def no_report() -> None:
    """Guard: a router reports before it acks; here it acks what it has placed, and says nothing of it."""

    async def place_only(self: Any, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        messages = [message for one in deliveries for message in decode_dispatch(one.body).messages]
        await self._placing.place(messages, sinks)

    _put(dispatch.Dispatching, "handle", place_only)


def hoards() -> None:
    """Guard: a publisher has in hand what is not taken yet, and takes nothing new meanwhile."""
    hoard: list[Publication] = []

    async def keep(sink: BatchSink, publications: Sequence[Publication], stop: Stop) -> None:
        hoard.extend(publications)

    _put(ingress, "publish_until_taken", keep)


def silence_lasts() -> None:
    """Guard: a writer that falls silent in the middle of a statement is ended by the next one."""

    async def look_away(connection: Connection) -> None:
        return None

    _put(head, "end_silent_writers", look_away)


def quick() -> None:
    """No guard: silence is noticed after a few seconds, by the broker and by the database."""
    _put(amqp_connection, "HEARTBEAT_SECONDS", 1)
    _put(handshake, "HEARTBEAT_SECONDS", 1)
    _put(database, "IDLE_IN_TRANSACTION_MS", 3000)


def poisoned() -> None:
    """No guard: the gateway dies of admitting a poisonous message, the ledger of deciding on it, the router of
    placing it.
    """
    place = dispatch.Dispatching.handle

    def admit_or_die(incoming: Any, *more: Any) -> Any:
        _die_of(POISON in incoming.payload)
        return admit(incoming, *more)

    def decide_or_die(batches: Sequence[Intake | Report], *more: Any) -> Decision:
        records = (record for batch in batches for record in batch.records)
        _die_of(any(isinstance(record, Admitted) and POISON in record.payload for record in records))
        return decide(batches, *more)

    async def place_or_die(self: Any, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        messages: list[Outbound] = [m for one in deliveries for m in decode_dispatch(one.body).messages]
        _die_of(any(POISON in message.payload for message in messages))
        await place(self, deliveries, sinks)

    service = os.environ["HUIZHI_POISONED"]
    if service == "gateway":
        _put(ingress, "admit", admit_or_die)
    elif service == "ledger":
        _put(sequencer, "decide", decide_or_die)
    else:
        _put(dispatch.Dispatching, "handle", place_or_die)


def restarted() -> None:
    """No guard: whenever the service dies it is there again at once, forked off a process that has imported it all."""
    while True:
        child = os.fork()
        if child == 0:
            # Whoever ends the parent ends the child.
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            return
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stderr.write(f'{{"event": "life_ended", "status": {status}}}\n')
        sys.stderr.flush()
        if status == 0:
            os._exit(0)


ALTERATIONS: Mapping[str, Callable[[], None]] = {
    "ack-first": ack_first,
    "no-fence": no_fence,
    "no-compare": no_compare,
    "returns-pass": returns_pass,
    "hand-over-first": hand_over_first,
    "no-report": no_report,
    "hoards": hoards,
    "silence-lasts": silence_lasts,
    "quick": quick,
    "poisoned": poisoned,
    "restarted": restarted,
}


def _put(place: object, name: str, thing: object) -> None:
    assert hasattr(place, name), f"{place} has no {name} any more: mend this control"
    setattr(place, name, thing)


def _die_of(poison: bool) -> None:
    if poison:
        os._exit(66)


def main() -> int:
    """Alter, then run the service named last."""
    names, service = sys.argv[1].split(","), sys.argv[2]
    module = importlib.import_module(f"{service}.__main__")
    for name in names:
        ALTERATIONS[name]()
    status: int = module.main()
    return status


if __name__ == "__main__":
    sys.exit(main())
