"""SIGTERM under load: what is in hand is finished, nothing comes twice, and it takes less than ten seconds."""

import asyncio
from pathlib import Path

from tests.faults.harness.oracle import oracle, queries
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import fault_stack

TWO_OF_EACH = {"gateway": 2, "router": 2, "ledger": 2}
SERVICES = ("gateway", "ledger", "router")


async def test_each_service_stops_in_time_under_load_and_nothing_comes_twice(servers: Servers, tmp_path: Path) -> None:
    async with fault_stack(servers, tmp_path / "stack") as stack, oracle(stack, tmp_path / "oracle") as parties:
        await stack.start()
        parties.read_all()
        loading = asyncio.create_task(parties["110101"].send(queries(700, "410102", "410202"), per_second=100))
        stops = {}
        for service in SERVICES:
            await asyncio.sleep(0.3)
            stops[service] = await stack[service].terminate()
            await stack[service].restart()
        await loading
        verdict = await parties.verdict()

    print(", ".join(f"{service} stopped within {seconds:.2f} s" for service, (_, seconds) in stops.items()))
    assert verdict.clean, verdict
    assert verdict.redelivered == 0
    assert verdict.confirmed == verdict.attempted == verdict.delivered
    assert {service: status for service, (status, _) in stops.items()} == dict.fromkeys(SERVICES, 0)
    assert max(seconds for _, seconds in stops.values()) < 10


async def test_a_rolling_restart_of_two_of_each_goes_unnoticed(servers: Servers, tmp_path: Path) -> None:
    async with (
        fault_stack(servers, tmp_path / "stack", counts=TWO_OF_EACH) as stack,
        oracle(stack, tmp_path / "oracle") as parties,
    ):
        await stack.start()
        parties.read_all()
        loading = asyncio.create_task(parties["110101"].send(queries(900, "410102", "410202"), per_second=70))
        # Posts go to whichever gateway answers: one that stops says 503 or closes its door, and the sender tries again.
        posting = asyncio.create_task(parties["410102"].post(queries(200, "110101"), stack.gateway_urls, per_second=20))
        slowest = 0.0
        for name in stack.services:
            status, seconds = await stack[name].terminate()
            assert (status, seconds < 10) == (0, True), f"{name}: {status} after {seconds:.1f} s"
            slowest = max(slowest, seconds)
            await stack[name].restart()
        await asyncio.gather(loading, posting)
        verdict = await parties.verdict()
        print(f"{len(stack.services)} services restarted in turn, the slowest stop took {slowest:.2f} s")

    assert verdict.clean, verdict
    assert verdict.redelivered == 0
    assert not verdict.refused
    assert verdict.confirmed == verdict.attempted == verdict.delivered
