"""Controls: with a guard off the very same fault must make the verdict report the loss or the double count.

The same faults with every guard on are in the other modules of this folder, and end clean. A control that ended clean
would mean that those tests cannot fail.
"""

import signal
from pathlib import Path

import aio_pika
import pytest

from services.runtime.amqp import sink
from services.runtime.ports import Failure, Publication
from tests.acceptance.waiting import until
from tests.faults.harness.oracle import Oracle, oracle, queries
from tests.faults.harness.platform import fresh_platform
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack, fault_stack
from tests.faults.harness.verdict import Verdict

QUIET_S = 4.0
QUERIES = 160


def launcher(*alterations: str | None) -> tuple[str, ...]:
    """How to run a service with these alterations, or as it is."""
    wanted = [alteration for alteration in alterations if alteration]
    return ("-m", "tests.faults.broken", ",".join(wanted)) if wanted else ("-m",)


async def killed_at(servers: Servers, directory: Path, service: str, point: str, guard: str | None) -> Verdict:
    """The verdict on a service without ``guard`` that is killed at ``point`` under load."""
    async with fault_stack(servers, directory / "stack") as stack, oracle(stack, directory / "oracle") as parties:
        stack[service].launcher = (*launcher(guard), f"services.{service}")
        stack.arm(service, point, 4)
        # Without a router first, all that a ledger has in hand is messages that nobody has seen yet.
        later = ["router"] if guard in {"ack-first", "no-compare"} and service == "ledger" else []
        await stack.start(*(name for name in stack.services if name not in later))
        parties.read_all()
        await parties["110101"].send(queries(QUERIES, "410102", "410202"))
        await stack[service].died()
        if later:
            await stack.start(*later)
        premature = await _premature(parties) if guard == "hand-over-first" else set()
        await stack[service].restart()
        verdict = await parties.verdict(quiet_s=QUIET_S if guard else 20.0)
        verdict.unexpected |= dict.fromkeys(premature, "in a recipient's hands before it was on the ledger")
        return verdict


@pytest.mark.parametrize(
    ("service", "point", "guard"),
    [
        ("gateway", "taken.ingress", "ack-first"),
        ("ledger", "ledger.before-commit", "ack-first"),
        ("router", "taken.dispatch", "ack-first"),
        ("ledger", "ledger.committed", "no-compare"),
    ],
    ids=["gateway acks first", "ledger acks first", "router acks first", "redelivery is not compared"],
)
async def test_a_kill_without_this_guard_loses_messages(
    servers: Servers, tmp_path: Path, service: str, point: str, guard: str
) -> None:
    verdict = await killed_at(servers, tmp_path, service, point, guard)

    assert verdict.lost, verdict


async def test_handing_over_before_the_commit_puts_messages_into_hands_that_no_ledger_knows_of(
    servers: Servers, tmp_path: Path
) -> None:
    verdict = await killed_at(servers, tmp_path, "ledger", "published.dispatch", "hand-over-first")

    assert verdict.unexpected, verdict


@pytest.mark.parametrize("guard", [None, "returns-pass"], ids=["returns are raised", "returns pass for confirms"])
async def test_an_inbox_that_is_not_bound_for_a_while(servers: Servers, tmp_path: Path, guard: str | None) -> None:
    async with fault_stack(servers, tmp_path / "stack") as stack, oracle(stack, tmp_path / "oracle") as parties:
        stack["router"].launcher = (*launcher(guard), "services.router")
        await stack.start()
        parties.read_all()
        await bind(stack, "410102", bound=False)
        await parties["110101"].send(queries(QUERIES, "410102", "410202"))
        await until("all is dealt with", lambda: _on_the_ledger(stack, "dispatched", "answered", "parked"))
        await bind(stack, "410102", bound=True)
        verdict = await parties.verdict(parked=False, quiet_s=QUIET_S if guard else 20.0)

    assert verdict.clean == (guard is None), verdict
    assert bool(verdict.lost) == (guard is not None), verdict


async def test_a_writer_that_is_not_fenced_off_counts_twice_what_it_had_decided(
    servers: Servers, tmp_path: Path
) -> None:
    # With the fence, this is tests/faults/test_two_writers.py.
    # The last alteration counts: a writer without a fence has its transaction left open for as long as it is stopped.
    alterations = launcher("quick", "no-fence")
    async with (
        fault_stack(servers, tmp_path / "stack", counts={"ledger": 2}, launcher=alterations) as stack,
        oracle(stack, tmp_path / "oracle") as parties,
    ):
        # Without a router first, so that reports are all that is left to be decided on.
        await stack.start("gateway", "ledger")
        await parties["110101"].send(queries(QUERIES, "410102", "410202"))
        await until("all is on the ledger", lambda: _on_the_ledger(stack, "accepted"))
        await stack["ledger"].terminate()
        stack.arm("ledger", "ledger.decided", 1, pause=True)
        await stack.start("ledger")
        await stack.start("ledger-2", "router")
        await until("the ledger stops itself", stack["ledger"].is_stopped)
        await until("the other one takes the reports", lambda: _on_the_ledger(stack, "dispatched"), within_s=40)
        parties.read_all()
        stack["ledger"].send(signal.SIGCONT)
        verdict = await parties.verdict(quiet_s=QUIET_S)

    assert verdict.duplicated, verdict


@pytest.mark.parametrize("guard", [None, "ids-repeat"], ids=["an id is in flight once", "an id is in flight twice"])
async def test_a_return_is_charged_to_the_publication_that_came_back(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, guard: str | None
) -> None:
    if guard is not None:
        monkeypatch.setattr(sink, "waves", lambda publications: [list(enumerate(publications))])
    nowhere, somewhere = (Publication(routing_key=key, body=b"", message_id="one") for key in ("nobody", "410102"))
    async with (
        fresh_platform(servers, ["410102"]) as (platform, _),
        sink.open_sink(platform.amqp_url, "control", "inbox", confirm_timeout=5.0) as inbox,
    ):
        failures = await inbox.publish([nowhere, somewhere])

    # Where the guard is off, what reached nobody passes for confirmed, and what arrived for lost.
    assert (failures == [Failure(0, "returned")]) == (guard is None), failures


async def bind(stack: FaultStack, address: str, *, bound: bool) -> None:
    """Bind an inbox, or unbind it, as an operator could."""
    async with await aio_pika.connect(stack.platform.amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(f"inbox.{address}", ensure=False)
        await (queue.bind("inbox", address) if bound else queue.unbind("inbox", address))


async def _premature(parties: Oracle) -> set[str]:
    """What comes into recipients' hands while the ledger is dead, and knows nothing of it."""
    found: set[str] = set()

    async def some() -> bool:
        found.update(await parties.premature())
        return bool(found)

    await until("something arrives that no ledger knows of", some, within_s=15)
    return found


async def _on_the_ledger(stack: FaultStack, *states: str) -> bool:
    async with stack.database() as connection:
        there = await connection.fetchval("SELECT count(*) FROM message WHERE state = ANY($1)", states)
        return int(there) >= QUERIES
